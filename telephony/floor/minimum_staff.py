"""The guard on breaks: a desk must not be left empty (D106)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from telephony.floor.agent import Agent, AgentRefused


def may_leave(leaving: Agent, agents: Iterable[Agent], minimum: Mapping[str, int]) -> None:
    """``minimum`` is the number of agents who must stay, by queue. Those on duty count (ready, ringing, talking,
    wrap-up) unless their own break begins after the call; who is not on duty may say another reason.

    Raises AgentRefused ``minimum_staff``, which names each queue that would be short.
    """
    if not leaving.stays or not minimum:
        return
    staying = [agent for agent in agents if agent.stays and agent is not leaving]
    short = [
        (queue, left, needed)
        for queue, needed in minimum.items()
        if queue in leaving.queues and (left := sum(queue in agent.queues for agent in staying)) < needed
    ]
    if short:
        told = ", ".join(f"{queue} would be {needed - left} short of {needed}" for queue, left, needed in short)
        raise AgentRefused("minimum_staff", f"{told}. Somebody must take over first.", short)
