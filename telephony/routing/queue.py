"""Which waiting call goes to which free agent: first come first served, longest idle first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from telephony.calls.call import Call
from telephony.floor.floor import Floor


def matches(calls: Iterable[Call], floor: Floor, now: int) -> Iterator[tuple[Call, str]]:
    """Pairs of a call that wants an agent and the agent it goes to; each agent at most once.

    The caller acts on a pair before asking for the next, so that the floor is up to date at each step.
    """
    waiting = sorted((call for call in calls if call.wants_agent()), key=lambda call: call.started_at)
    for call in waiting:
        for agent in floor.free_for(call.queue):
            if call.may_offer_to(agent.user, now):
                yield call, agent.user
                break
