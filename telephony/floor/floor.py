"""All agents of one node: who they are, and who may take the next call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from telephony.clock import SECOND, Clock
from telephony.events import AgentState, AgentStatus, Event, HeadsetState
from telephony.floor.agent import Agent, AgentRefused, Device
from telephony.floor.minimum_staff import may_leave
from telephony.rules import Rules

log = logging.getLogger(__name__)


class Floor:
    """Agents by user name. Each visible change is published; ``changed`` asks the router to look again."""

    def __init__(self, clock: Clock, publish: Callable[[Event], object], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._publish = publish
        self._changed = changed
        self.rules = Rules()
        #: how many agents of a queue must stay when one wants a break (D106)
        self.minimum_staff: Mapping[str, int] = {}
        self.agents: dict[str, Agent] = {}

    def __iter__(self) -> Iterator[Agent]:
        return iter(self.agents.values())

    def agent(self, user: str) -> Agent:
        """Raises AgentRefused(``signed_out``) for an agent that was never here."""
        try:
            return self.agents[user]
        except KeyError:
            raise AgentRefused("signed_out", "Sign in first.") from None

    def _tell(self, agent: Agent, changed: bool) -> Agent:
        if changed:
            self._publish(
                AgentState(
                    agent=agent.user,
                    status=agent.status,
                    reason=agent.reason,
                    call=agent.call,
                    by=agent.by,
                    device=agent.device,
                )
            )
            self._changed()
        return agent

    def sign_in(
        self,
        user: str,
        name: str,
        queues: tuple[str, ...],
        skills: Mapping[str, int] | None = None,
        *,
        renew: bool = False,
    ) -> Agent:
        agent = self.agents.setdefault(user, Agent(user))
        changed = agent.sign_in(name, queues, skills or {}, self._clock.monotonic(), renew=renew)
        if not changed:
            # other queues or skills may match callers who wait
            self._changed()
        return self._tell(agent, changed)

    def sign_out(self, user: str) -> None:
        if user in self.agents:
            agent = self.agents[user]
            self._tell(agent, agent.sign_out(self._clock.monotonic()))

    def ready(self, user: str) -> Agent:
        agent = self.agent(user)
        return self._tell(agent, agent.ready(self._clock.monotonic()))

    def not_ready(self, user: str, reason: str) -> Agent:
        """Raises AgentRefused, also ``minimum_staff`` (D106)."""
        agent = self.agent(user)
        may_leave(agent, self, self.minimum_staff)
        return self._tell(agent, agent.not_ready(reason, self._clock.monotonic()))

    def force(self, user: str, by: str, status: AgentStatus, reason: str) -> Agent:
        """``by`` puts somebody into ``ready``, ``not_ready`` or ``offline``, whatever the guard says; who is on a call
        goes there after it. Raises AgentRefused, ``bad_arguments`` for another status."""
        if status not in (AgentStatus.READY, AgentStatus.NOT_READY, AgentStatus.OFFLINE):
            raise AgentRefused("bad_arguments", f"Nobody can be put into {status}.")
        agent = self.agent(user)
        return self._tell(agent, agent.force(status, reason, by, self._clock.monotonic()))

    def reach(self, user: str, device: Device, number: str = "") -> Agent:
        """Calls ring at ``device`` from the next one on (D103); that ``number`` can be dialled is made sure before."""
        agent = self.agent(user)
        return self._tell(agent, agent.reach(device, number, self._clock.monotonic(), self.rules.headset_grace))

    def phone_of(self, user: str) -> str:
        """The number of the telephone that rings in the headset's place (D103), or empty."""
        agent = self.agents.get(user)
        return agent.number if agent is not None and agent.device is Device.PHONE else ""

    def rings(self, user: str, call: str) -> None:
        agent = self.agent(user)
        self._tell(agent, agent.rings(call, self._clock.monotonic()))

    def stops_ringing(self, user: str, missed: str) -> None:
        agent = self.agent(user)
        self._tell(agent, agent.stops_ringing(missed, self._clock.monotonic()))

    def dials(self, user: str, call: str) -> None:
        agent = self.agent(user)
        self._tell(agent, agent.dials(call, self._clock.monotonic()))

    def talks(self, user: str, call: str) -> None:
        """It is this agent's call now."""
        agent = self.agent(user)
        self._tell(agent, agent.talks(call, self._clock.monotonic()))

    def wraps_up(self, user: str, call: str = "") -> None:
        """The agent's call is over; ``call`` given: only when it is the one they are on."""
        agent = self.agent(user)
        if call in ("", agent.call):
            self._tell(agent, agent.wraps_up(self._clock.monotonic()))

    def wrapped_up(self, user: str, call: str) -> None:
        agent = self.agent(user)
        if agent.call == call or not call:
            self._tell(agent, agent.wrapped_up(self._clock.monotonic()))

    def invited(self, user: str, call: str) -> None:
        """It rings for somebody else's call (consultation, transfer). Raises AgentRefused."""
        agent = self.agent(user)
        self._tell(agent, agent.invited(call, self._clock.monotonic()))

    def joins(self, user: str, call: str, reason: str) -> None:
        """Into somebody else's call: ``consulted``, ``conference``, ``monitoring``. Raises AgentRefused."""
        agent = self.agent(user)
        self._tell(agent, agent.joins(call, reason, self._clock.monotonic()))

    def leaves(self, user: str, call: str = "") -> None:
        """Out of somebody else's call, or of one that never came about, back to where they were; ``call`` given: only
        when it is the one they are on."""
        agent = self.agent(user)
        if call in ("", agent.call):
            self._tell(agent, agent.leaves(self._clock.monotonic()))

    def call_over(self, call: str) -> None:
        """Nobody stays behind in a call that is over."""
        for agent in list(self):
            if agent.busy and agent.call == call:
                log.error("agent %s was left behind in call %s", agent.user, call)
                now = self._clock.monotonic()
                self._tell(agent, agent.leaves(now) if agent.visiting else agent.wraps_up(now))

    def headset_connected(self, user: str) -> Agent:
        agent = self.agents.setdefault(user, Agent(user))
        changed = agent.headset_connected(self._clock.monotonic())
        self._publish(HeadsetState(agent=user, connected=True))
        return self._tell(agent, changed)

    def headset_lost(self, user: str, reason: str) -> Agent:
        agent = self.agents.setdefault(user, Agent(user))
        changed = agent.headset_lost(self._clock.monotonic(), self.rules.headset_grace, reason)
        self._publish(HeadsetState(agent=user, connected=False, reason=reason))
        return self._tell(agent, changed)

    def deadline(self) -> int | None:
        """When the next wrap-up runs out (monotonic ns)."""
        limit = int(self.rules.wrap_up_limit * SECOND)
        return min((agent.since + limit for agent in self if agent.status is AgentStatus.WRAP_UP), default=None)

    def due(self) -> None:
        now, limit = self._clock.monotonic(), int(self.rules.wrap_up_limit * SECOND)
        for agent in list(self):
            if agent.status is AgentStatus.WRAP_UP and now >= agent.since + limit:
                self._tell(agent, agent.wrapped_up(now))
