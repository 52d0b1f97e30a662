"""Whatever happens to a call, in whatever order: nobody is left behind, nothing is left open, the story is sound."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from telephony import events
from telephony.calls import consult, conversation, invitations, message, supervision, transfer
from telephony.calls.call import Call, CallRefused, Phase
from telephony.calls.effects import (
    AnswerLine,
    DialParty,
    Effects,
    Emit,
    Finish,
    ForwardFailed,
    FreeAgent,
    JoinAgent,
    OwnCall,
    Record,
    ReferLine,
    ReleaseLine,
    RemoveParty,
    RingAgent,
    Route,
    StopRinging,
    Visit,
)
from telephony.calls.way import Way
from telephony.clock import SECOND
from telephony.events import AgentStatus, Direction, Party, Target, TargetKind
from telephony.floor.agent import AgentRefused
from telephony.floor.floor import Floor
from telephony.rules import Rules

AGENTS = ("a1", "a2", "a3", "a4", "boss")
NUMBERS = ("8001", "8002", "8003")
BUSY = (AgentStatus.RINGING, AgentStatus.TALKING)

#: whoever the call is with, whoever it rings at, or anybody
agents = st.sampled_from(("handler", "handler", "handler", "asked", *AGENTS))
#: seldom: what ends most stories
seldom = st.integers(0, 5).map(lambda number: number == 0)
targets = st.one_of(
    st.sampled_from([Target(kind=TargetKind.AGENT, agent=agent) for agent in AGENTS]),
    st.sampled_from([Target(kind=TargetKind.NUMBER, number=number) for number in NUMBERS]),
    st.just(Target(kind=TargetKind.QUEUE, queue="other")),
)


class Clock:
    def __init__(self) -> None:
        self.now = SECOND

    def monotonic(self) -> int:
        return self.now

    def wall(self) -> float:
        return self.now / SECOND


class AnyOrder(RuleBasedStateMachine):
    """The call's rules and the floor as they are; the lines are what the effects asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.told: list[events.Event] = []
        self.floor = Floor(self.clock, self.told.append, lambda: None)
        for agent in AGENTS:
            self.floor.sign_in(agent, agent, ("default",))
            self.floor.headset_connected(agent)
            self.floor.ready(agent)
        self.before = {agent: self.floor.agent(agent).status for agent in AGENTS}
        #: dialogs under way, by party
        self.lines: dict[int, str] = {}
        self.audio: set[int] = set()
        self.hears: dict[int, tuple[int, ...]] = {}
        self.freed: list[str] = []
        self.finished = 0
        self.call: Call

    @initialize(
        inbound=st.booleans(),
        picked_up=st.booleans(),
        so_far=st.sampled_from(["waiting", "answered", "asking", "consulting", "conference", "transferring"]),
        other=targets.filter(lambda target: target.agent != "a1" and target.kind is not TargetKind.QUEUE),
    )
    def begin(self, inbound: bool, picked_up: bool, so_far: str, other: Target) -> None:
        direction = Direction.INBOUND if inbound else Direction.OUTBOUND
        priorities = {"third_ring": 10, "returned": 30}
        self.call = Call("c1", direction, "trunk", "13800138000", Rules(), queue="default", priorities=priorities)
        self.lines[0] = "ringing"
        self.audio.add(0)
        if inbound:
            self.run(self.call.begin(self.clock.now))
            if picked_up:
                self.run(self.call.pick_up("PCMA"))
            self.run(self.call.enqueue("default", self.clock.now))
        else:
            self.call.agent = "a1"
            self.floor.dials("a1", "c1")
            self.run(self.call.place(self.clock.now))
        if so_far == "waiting":
            return
        if inbound:
            self.run(self.call.offer_to("a1", self.clock.now))
            self.run(self.call.agent_answers("a1", "PCMA", self.clock.now))
        else:
            self.far_end_answers()
        if so_far == "transferring":
            self.transfers("a1", other, False)
        elif so_far != "answered":
            self.consults("a1", other)
            if so_far != "asking":
                self.answers("asked")
                self.far_end_answers()
            if so_far == "conference":
                self.goes_on_with_consultation("a1", consult.merge)

    # ---- the shell, as far as rules need one

    def run(self, effects: Effects) -> None:
        for effect in effects:
            self.do(effect)

    def do(self, effect: Any) -> None:
        match effect:
            case Emit(event):
                self.told.append(event)
            case DialParty(party, _, _):
                assert party not in self.lines
                self.lines[party] = "ringing"
                self.audio.add(party)
            case AnswerLine():
                assert self.lines[0] == "ringing"
                self.lines[0] = "up"
            case ReleaseLine() | RemoveParty(0):
                self.lines.pop(0, None)
                self.audio.discard(0)
            case RemoveParty(party):
                self.lines.pop(party, None)
                self.audio.discard(party)
            case ReferLine():
                assert self.lines[0] == "up"
            case RingAgent(agent, invited):
                if not invited:
                    self.floor.rings(agent, "c1")
                assert self.floor.agent(agent).status is AgentStatus.RINGING
            case StopRinging(agent, missed):
                self.floor.stops_ringing(agent, missed)
            case JoinAgent(_, party):
                self.audio.add(party)
            case OwnCall(agent):
                self.floor.talks(agent, "c1")
            case Visit(agent, reason):
                self.floor.joins(agent, "c1", reason)
            case FreeAgent(agent, handled):
                self.freed.append(agent)
                assert self.floor.agent(agent).call == "c1"
                (self.floor.wraps_up if handled else self.floor.leaves)(agent, "c1")
            case Route(hears, sounds):
                self.hears = dict(hears)
                assert all(party in self.call.parties for party in sounds)
            case Record():
                self.call.recorded_since = self.call.recorded_since or self.clock.now
            case ForwardFailed():
                self.run(self.call.enqueue("default", self.clock.now))
            case Finish():
                self.finished += 1
            case _:
                pass

    def attempt(self, decide: Any) -> None:
        with contextlib.suppress(CallRefused, AgentRefused):
            self.run(decide())

    def who(self, agent: str) -> str:
        if agent == "handler":
            return self.call.agent or "a1"
        return next(iter(self.call.ringing), "a2") if agent == "asked" else agent

    @property
    def live(self) -> bool:
        return self.call.phase is not Phase.ENDED

    # ---- what happens

    @rule(seconds=st.sampled_from([0.1, 0.1, 0.1, 1, 1, 5, 16, 40, 70]))
    def time_passes(self, seconds: float) -> None:
        until = self.clock.now + int(seconds * SECOND)
        for _ in range(200):
            deadline = self.call.deadline()
            if deadline is None or deadline > until:
                break
            self.clock.now = max(self.clock.now, deadline)
            self.run(self.call.due(self.clock.now))
            after = self.call.deadline()
            assert after is None or after > self.clock.now, "due leaves something due"
        else:
            raise AssertionError("the call's clocks run in circles")
        self.clock.now = until
        self.floor.due()

    @rule(agent=agents)
    def becomes_ready(self, agent: str) -> None:
        agent = self.who(agent)
        with contextlib.suppress(AgentRefused):
            self.floor.ready(agent)

    @precondition(lambda self: self.live and self.call.wants_agent())
    @rule(agent=agents, beside=st.booleans())
    def offered(self, agent: str, beside: bool) -> None:
        agent = self.who(agent)
        if self.floor.agent(agent).may_take_call() and self.call.may_offer_to(agent, self.clock.now):
            self.run(self.call.offer_to(agent, self.clock.now, beside=beside))

    @rule(agent=agents)
    def answers(self, agent: str) -> None:
        agent = self.who(agent)
        self.attempt(lambda: self.call.agent_answers(agent, "PCMA", self.clock.now))

    @rule(agent=agents)
    def rejects(self, agent: str) -> None:
        agent = self.who(agent)
        self.attempt(lambda: self.call.agent_rejects(agent, self.clock.now))

    @rule(agent=agents, really=seldom)
    def headset_goes(self, agent: str, really: bool) -> None:
        agent = self.who(agent)
        if not really:
            return
        self.floor.headset_lost(agent, "closed")
        self.run(self.call.agent_unreachable(agent, self.clock.now))
        self.run(self.call.headset_gone(agent, "closed", self.clock.now))

    @rule(agent=agents)
    def headset_comes(self, agent: str) -> None:
        agent = self.who(agent)
        self.floor.headset_connected(agent)
        self.run(self.call.headset_back(agent))

    @rule(agent=agents, really=seldom)
    def hangs_up(self, agent: str, really: bool) -> None:
        agent = self.who(agent)
        if not really:
            return
        self.attempt(lambda: self.call.agent_hangs_up(agent, self.clock.now))
        assert conversation.party_of(self.call, agent) is None

    @rule(agent=agents, held=st.booleans())
    def holds(self, agent: str, held: bool) -> None:
        agent = self.who(agent)
        self.attempt(lambda: self.call.agent_holds(agent, held, self.clock.now))

    @rule(agent=agents, muted=st.booleans())
    def mutes(self, agent: str, muted: bool) -> None:
        agent = self.who(agent)
        self.attempt(lambda: self.call.agent_mutes(agent, muted))

    def ask(self, target: Target, decide: Any) -> None:
        """As ``Desk`` does: the agent asked for is taken before it rings there."""
        if target.kind is not TargetKind.AGENT:
            self.attempt(decide)
            return
        try:
            self.floor.invited(target.agent, "c1")
        except AgentRefused:
            return
        try:
            effects = decide()
        except CallRefused:
            self.floor.stops_ringing(target.agent, "")
            return
        self.run(effects)

    @precondition(lambda self: self.live)
    @rule(agent=agents, to=targets, refer=st.booleans())
    def transfers(self, agent: str, to: Target, refer: bool) -> None:
        agent = self.who(agent)
        way = Way(number=to.number, line="trunk" if not refer or to.number == "8001" else "")
        self.ask(to, lambda: transfer.blind(self.call, agent, to, way, self.clock.now, refer=refer))

    @precondition(lambda self: self.live)
    @rule(agent=agents, to=targets.filter(lambda target: target.kind is not TargetKind.QUEUE))
    def consults(self, agent: str, to: Target) -> None:
        agent = self.who(agent)
        way = Way(number=to.number, line="trunk")
        self.ask(to, lambda: consult.begin(self.call, agent, to, way, self.clock.now))

    @rule(agent=agents, how=st.sampled_from([consult.swap, consult.merge, consult.complete, consult.cancel]))
    def goes_on_with_consultation(self, agent: str, how: Any) -> None:
        agent = self.who(agent)
        self.attempt(lambda: how(self.call, agent, self.clock.now))

    @rule(agent=agents, party=st.integers(0, 6))
    def drops(self, agent: str, party: int) -> None:
        agent = self.who(agent)
        self.attempt(lambda: conversation.drop(self.call, agent, party, self.clock.now))

    @precondition(lambda self: self.live)
    @rule(agent=agents, mode=st.sampled_from(["listen", "whisper", "barge", "take_over"]))
    def supervises(self, agent: str, mode: str) -> None:
        agent = self.who(agent)
        try:
            if mode == "take_over":
                supervision.check_take_over(self.call, agent)
            else:
                supervision.check(self.call, agent, mode)
            if conversation.party_of(self.call, agent) is None:
                conversation.check_tracks(self.call, agent)
                self.floor.joins(agent, "c1", "monitoring")
        except (CallRefused, AgentRefused):
            return
        if mode == "take_over":
            self.run(supervision.take_over(self.call, agent, self.clock.now))
        else:
            self.run(supervision.monitor(self.call, agent, mode, self.clock.now))

    @rule(by=st.sampled_from([Party.CALLER, Party.NETWORK]), really=seldom)
    def caller_goes(self, by: Party, really: bool) -> None:
        if really and self.lines.pop(0, ""):
            self.run(self.call.line_ends(by, 200 if self.call.picked_up else 487, "BYE", self.clock.now))

    @rule(status=st.sampled_from([180, 183]), early=st.booleans())
    def far_end_rings(self, status: int, early: bool) -> None:
        self.run(self.call.line_progress(status, early, self.clock.now))
        for party in list(self.call.parties.values()):
            if party.number in self.lines and party.number and not party.joined:
                self.run(invitations.progress(self.call, party, status, early))

    @rule()
    def far_end_answers(self) -> None:
        party = next((number for number, state in self.lines.items() if state == "ringing" and number), 0)
        if self.lines.get(party) != "ringing" or not self.live:
            return
        if party == 0:
            if self.call.direction is Direction.OUTBOUND:
                self.lines[0] = "up"
                self.run(self.call.callee_answers("PCMA", self.clock.now))
        else:
            self.lines[party] = "up"
            self.run(invitations.answered(self.call, self.call.parties[party], self.clock.now))

    @rule(party=st.integers(1, 9), status=st.sampled_from([486, 503]), really=seldom)
    def far_end_goes(self, party: int, status: int, really: bool) -> None:
        if not really:
            return
        state = self.lines.pop(party, "")
        if state:
            by = Party.CALLER if status == 486 else Party.NETWORK
            self.run(self.call.party_ends(party, by, 200 if state == "up" else status, "gone", self.clock.now))

    @rule(status=st.sampled_from([200, 403, 408, 603]))
    def refer_comes_back(self, status: int) -> None:
        self.run(transfer.refer_done(self.call, status, "told", self.clock.now))

    @precondition(lambda self: self.live and self.call.phase in (Phase.QUEUED, Phase.RINGING))
    @rule(what=st.sampled_from(["forward", "message", "move"]), really=seldom)
    def routed(self, what: str, really: bool) -> None:
        now = self.clock.now
        if not really:
            return
        if what == "move":
            self.run(self.call.enqueue("other", now))
            return
        self.run(self.call.leave_queue(now))
        if what == "message":
            self.run(self.call.pick_up("PCMA"))
            self.run(message.begins(self.call, "default", now))
        else:
            target = Target(kind=TargetKind.NUMBER, number="8003")
            self.attempt(lambda: transfer.forward(self.call, target, Way(number="8003", line="trunk"), now))
            if self.call.phase is Phase.MENU:
                self.run(self.call.enqueue("default", now))

    # ---- what is always so

    @invariant()
    def agents_are_where_the_call_says(self) -> None:
        if not hasattr(self, "call"):
            return
        for agent in AGENTS:
            state = self.floor.agent(agent)
            party = conversation.party_of(self.call, agent)
            rings = agent in self.call.ringing
            joined = party is not None and (party.joined or (self.call.phase is Phase.DIALLING and not rings))
            assert (state.status is AgentStatus.RINGING) <= rings, f"{agent} rings for nothing"
            assert (state.status is AgentStatus.TALKING) == joined, f"{agent} is {state.status}, {party}"

    @invariant()
    def lines_are_those_of_parties(self) -> None:
        if hasattr(self, "call"):
            assert set(self.lines) <= set(self.call.parties)
            assert self.live or not self.lines

    @invariant()
    def the_story_is_sound(self) -> None:
        if not hasattr(self, "call"):
            return
        joined: set[int] = set()
        ended = 0
        for event in self.told:
            assert not (ended and isinstance(event, events.CallEvent)), f"{event} after the end"
            match event:
                case events.PartyJoined(party=party):
                    assert party not in joined
                    joined.add(party)
                case events.PartyLeft(party=party, joined=was_joined):
                    assert (party in joined) == was_joined
                    joined.discard(party)
                case events.CallEnded():
                    ended += 1
        assert ended == self.finished == (0 if self.live else 1)
        if self.live:
            present = {number for number, party in self.call.parties.items() if party.joined}
            early_agent = self.call.phase is Phase.DIALLING
            assert early_agent or joined == present
            assert set(self.hears) == present
            assert sum(party.speaks for party in self.call.parties.values()) <= 5
            offers = [e for e in self.told if isinstance(e, events.CallOffered)]
            over = [e for e in self.told if isinstance(e, events.OfferEnded)]
            assert len(offers) - len(over) == len(self.call.ringing)
        told_hears = [e.hears for e in self.told if isinstance(e, events.AudioRouted)]
        if told_hears and self.live:
            assert {int(ear): tuple(others) for ear, others in told_hears[-1].items()} == self.hears

    @invariant()
    def a_call_lasts_only_while_somebody_is_in_it(self) -> None:
        if hasattr(self, "call") and self.call.talking:
            assert len(conversation.speakers(self.call)) >= 2

    def teardown(self) -> None:
        """Everybody still there goes: then it is over, whatever came before."""
        if not hasattr(self, "call"):
            return
        for _ in range(3):
            for agent in AGENTS:
                if self.live and conversation.party_of(self.call, agent) is not None:
                    self.run(self.call.agent_hangs_up(agent, self.clock.now))
            for party in sorted(self.lines, reverse=True):
                if self.lines.pop(party, ""):
                    self.run(self.call.party_ends(party, Party.CALLER, 200, "BYE", self.clock.now))
        assert not self.live
        assert not self.lines
        for agent in AGENTS:
            assert self.floor.agent(agent).status not in BUSY
        self.agents_are_where_the_call_says()
        self.the_story_is_sound()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
