"""Whatever agents, supervisors, headsets and calls do, in whatever order: nobody is ever stuck in a state."""

from __future__ import annotations

import contextlib

from fake_clock import FakeClock
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from telephony.clock import SECOND
from telephony.events import AgentState, AgentStatus, Event
from telephony.floor.agent import Agent, AgentRefused, Device
from telephony.floor.floor import Floor

_USERS = st.sampled_from(["agent1", "agent2", "agent3"])
_REASONS = st.sampled_from(["meeting", "training", "meal", "rest"])
_FORCED = st.sampled_from([AgentStatus.READY, AgentStatus.NOT_READY, AgentStatus.OFFLINE])
_BUSY = (AgentStatus.RINGING, AgentStatus.TALKING)


class AgentsOnTheFloor(RuleBasedStateMachine):
    """Three agents; each call has the agents whom the call's own rules would have it have."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.published: list[Event] = []
        self.floor = Floor(self.clock, self.published.append, lambda: None)
        self.floor.minimum_staff = {"default": 1}
        self.calls = 0
        #: by user: the call they ring for, own or visit, and how
        self.part: dict[str, tuple[str, str]] = {}
        for user in ("agent1", "agent2", "agent3"):
            self.floor.sign_in(user, user, ("default",))
            self.floor.headset_connected(user)
            self.floor.ready(user)

    def _agent(self, user: str) -> Agent:
        return self.floor.agents[user]

    def _new_call(self) -> str:
        self.calls += 1
        return f"c{self.calls}"

    @rule(user=_USERS)
    def signs_in(self, user: str) -> None:
        self.floor.sign_in(user, user, ("default",))

    @rule(user=_USERS)
    def signs_out(self, user: str) -> None:
        self.floor.sign_out(user)

    @rule(user=_USERS)
    def wants_to_be_ready(self, user: str) -> None:
        with contextlib.suppress(AgentRefused):
            self.floor.ready(user)

    @rule(user=_USERS, reason=_REASONS)
    def wants_a_break(self, user: str, reason: str) -> None:
        with contextlib.suppress(AgentRefused):
            self.floor.not_ready(user, reason)

    @rule(user=_USERS, status=_FORCED, reason=_REASONS)
    def is_forced(self, user: str, status: AgentStatus, reason: str) -> None:
        with contextlib.suppress(AgentRefused):
            self.floor.force(user, "chief", status, reason)

    @rule(user=_USERS, phone=st.booleans())
    def changes_device(self, user: str, phone: bool) -> None:
        self.floor.reach(user, Device.PHONE if phone else Device.HEADSET, "139" if phone else "")

    @rule(user=_USERS)
    def plugs_in(self, user: str) -> None:
        self.floor.headset_connected(user)

    @rule(user=_USERS)
    def loses_the_headset(self, user: str) -> None:
        self.floor.headset_lost(user, "closed")
        if self.part.get(user, ("", ""))[1] == "rings" and self._agent(user).status is not AgentStatus.RINGING:
            del self.part[user]

    @rule(user=_USERS)
    def is_offered_a_call(self, user: str) -> None:
        if self._agent(user).may_take_call():
            call = self._new_call()
            self.floor.rings(user, call)
            self.part[user] = (call, "rings")

    @rule(user=_USERS)
    def is_asked_into_a_call(self, user: str) -> None:
        call = self._new_call()
        with contextlib.suppress(AgentRefused):
            self.floor.invited(user, call)
            self.part[user] = (call, "rings")

    @rule(user=_USERS, missed=st.sampled_from(["", "no_answer"]))
    def does_not_answer(self, user: str, missed: str) -> None:
        if self.part.get(user, ("", ""))[1] == "rings":
            self.floor.stops_ringing(user, missed)
            del self.part[user]

    @rule(user=_USERS, owns=st.booleans())
    def answers(self, user: str, owns: bool) -> None:
        call, part = self.part.get(user, ("", ""))
        if part == "rings" and owns:
            self.floor.talks(user, call)
            self.part[user] = (call, "owns")
        elif part == "rings" and self._agent(user).visiting:
            with contextlib.suppress(AgentRefused):
                self.floor.joins(user, call, "consulted")
                self.part[user] = (call, "visits")

    @rule(user=_USERS)
    def dials(self, user: str) -> None:
        call = self._new_call()
        with contextlib.suppress(AgentRefused):
            self.floor.dials(user, call)
            self.part[user] = (call, "owns")

    @rule(user=_USERS)
    def monitors(self, user: str) -> None:
        call = self._new_call()
        with contextlib.suppress(AgentRefused):
            self.floor.joins(user, call, "monitoring")
            self.part[user] = (call, "visits")

    @rule(user=_USERS)
    def gets_the_call(self, user: str) -> None:
        call, part = self.part.get(user, ("", ""))
        if part == "visits":
            self.floor.talks(user, call)
            self.part[user] = (call, "owns")

    @rule(user=_USERS)
    def is_done_with_the_call(self, user: str) -> None:
        call, part = self.part.pop(user, ("", ""))
        match part:
            case "rings":
                self.floor.stops_ringing(user, "")
            case "owns":
                self.floor.wraps_up(user, call)
            case "visits":
                self.floor.leaves(user, call)

    @rule(user=_USERS)
    def sees_the_call_end(self, user: str) -> None:
        call, _ = self.part.pop(user, ("", ""))
        if call:
            self.floor.call_over(call)

    @rule(user=_USERS)
    def hears_late_of_a_call_long_over(self, user: str) -> None:
        self.floor.wraps_up(user, "long over")
        self.floor.leaves(user, "long over")
        if user not in self.part:
            self.floor.wraps_up(user)
            self.floor.leaves(user)
            self.floor.stops_ringing(user, "no_answer")

    @precondition(lambda self: any(agent.status is AgentStatus.WRAP_UP for agent in self.floor))
    @rule(user=_USERS)
    def is_done_with_the_notes(self, user: str) -> None:
        self.floor.wrapped_up(user, "")

    @rule(seconds=st.sampled_from([1, 16, 121]))
    def time_passes(self, seconds: int) -> None:
        self.clock.now += seconds
        self.floor.due()

    @invariant()
    def busy_is_who_has_a_call_and_nobody_else(self) -> None:
        for agent in self.floor:
            call, part = self.part.get(agent.user, ("", ""))
            assert (agent.status in _BUSY) == bool(call)
            if call:
                assert agent.call == call
                assert (agent.status is AgentStatus.RINGING) == (part == "rings")

    @invariant()
    def nobody_is_offered_calls_that_they_cannot_hear(self) -> None:
        for agent in self.floor:
            assert agent.status is not AgentStatus.READY or agent.reachable

    @invariant()
    def wrap_up_comes_to_an_end_by_itself(self) -> None:
        waiting = [agent.since for agent in self.floor if agent.status is AgentStatus.WRAP_UP]
        if waiting:
            assert self.floor.deadline() == min(waiting) + 120 * SECOND

    @invariant()
    def what_was_published_last_is_what_is(self) -> None:
        last = {event.agent: event for event in self.published if isinstance(event, AgentState)}
        for agent in self.floor:
            told = last[agent.user]
            assert (told.status, told.reason, told.call, told.by, told.device) == (
                agent.status, agent.reason, agent.call, agent.by, agent.device,
            )  # fmt: skip

    def teardown(self) -> None:
        """From wherever they ended up, everybody can be ready again once their call is over."""
        self.floor.minimum_staff = {}
        for user, (call, _) in list(self.part.items()):
            self.floor.call_over(call)
            assert not self._agent(user).busy
        for agent in self.floor:
            self.floor.sign_in(agent.user, agent.user, ("default",))
            self.floor.headset_connected(agent.user)
            assert self.floor.ready(agent.user).status is AgentStatus.READY


TestAgentsOnTheFloor = AgentsOnTheFloor.TestCase
TestAgentsOnTheFloor.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
