"""Breaks and their guard, a supervisor's word, the telephone at home, calls of others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_clock import FakeClock

from telephony.events import AgentState, AgentStatus, Event
from telephony.floor.agent import Agent, AgentRefused, Device
from telephony.floor.floor import Floor


class Desk:
    """A floor with a clock of the test's own and everything it published."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.published: list[Event] = []
        self.asked_to_route = 0
        self.floor = Floor(self.clock, self.published.append, self._route)

    def _route(self) -> None:
        self.asked_to_route += 1

    def ready(self, user: str, *queues: str) -> Agent:
        self.floor.sign_in(user, user, queues or ("default",))
        self.floor.headset_connected(user)
        self.floor.ready(user)
        self.clock.now += 1
        return self.floor.agents[user]

    def state(self, user: str) -> tuple[str, str]:
        agent = self.floor.agents[user]
        return str(agent.status), agent.reason

    @property
    def last(self) -> AgentState:
        states = [event for event in self.published if isinstance(event, AgentState)]
        return states[-1]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(AgentRefused) as error:
        act()
    return error.value.code


# ---- the guard on breaks (D106)


def test_the_last_agent_of_a_desk_cannot_go_on_a_break_and_is_told_which_desk(desk: Desk) -> None:
    desk.floor.minimum_staff = {"default": 2, "vip": 1}
    for user in ("agent1", "agent2", "agent3"):
        desk.ready(user)
    desk.floor.not_ready("agent1", "meal")
    with pytest.raises(AgentRefused, match="default would be 1 short of 2") as error:
        desk.floor.not_ready("agent2", "meal")
    assert (error.value.code, error.value.short) == ("minimum_staff", (("default", 1, 2),))
    assert desk.state("agent2") == ("ready", "")
    desk.floor.ready("agent1")
    desk.floor.not_ready("agent2", "meal")
    assert desk.state("agent2") == ("not_ready", "meal")


def test_every_desk_that_would_be_short_is_named(desk: Desk) -> None:
    desk.floor.minimum_staff = {"a": 1, "b": 2, "c": 1}
    desk.ready("agent1", "a", "b")
    desk.ready("agent2", "b", "c")
    with pytest.raises(AgentRefused, match=r"a would be 1 short of 1, b would be 1 short of 2\."):
        desk.floor.not_ready("agent1", "meal")


def test_colleagues_on_calls_and_in_wrap_up_count(desk: Desk) -> None:
    desk.floor.minimum_staff = {"default": 1}
    desk.ready("agent1")
    desk.ready("agent2")
    desk.floor.rings("agent2", "c1")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.ready("agent1")
    desk.floor.talks("agent2", "c1")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.ready("agent1")
    desk.floor.wraps_up("agent2")
    desk.floor.not_ready("agent1", "meal")
    assert desk.state("agent1") == ("not_ready", "meal")


def test_a_colleague_whose_break_begins_after_the_call_does_not_count(desk: Desk) -> None:
    desk.floor.minimum_staff = {"default": 1}
    for user in ("agent1", "agent2"):
        desk.ready(user)
        desk.floor.rings(user, f"c-{user}")
        desk.floor.talks(user, f"c-{user}")
    desk.floor.not_ready("agent1", "meal")
    assert refused(lambda: desk.floor.not_ready("agent2", "meal")) == "minimum_staff"
    # the reason may still be changed by who goes anyhow
    desk.floor.not_ready("agent1", "training")
    desk.floor.ready("agent1")
    desk.floor.not_ready("agent2", "meal")


def test_who_is_on_a_break_may_say_another_reason(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.minimum_staff = {"default": 3}
    desk.floor.not_ready("agent1", "meeting")
    assert desk.state("agent1") == ("not_ready", "meeting")


def test_a_supervisors_word_passes_the_guard_and_is_told_as_such(desk: Desk) -> None:
    desk.floor.minimum_staff = {"default": 1}
    desk.ready("agent1")
    desk.floor.force("agent1", "chief", AgentStatus.NOT_READY, "training")
    assert desk.state("agent1") == ("not_ready", "training")
    assert desk.last.by == "chief"
    desk.floor.ready("agent1")
    assert desk.last.by == ""


# ---- forced states


def test_a_state_forced_on_a_call_comes_after_it(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.force("agent1", "chief", AgentStatus.NOT_READY, "meeting")
    assert desk.state("agent1")[0] == "talking"
    desk.floor.wraps_up("agent1", "c1")
    assert desk.state("agent1")[0] == "wrap_up"
    desk.floor.wrapped_up("agent1", "c1")
    assert (desk.state("agent1"), desk.last.by) == (("not_ready", "meeting"), "chief")


def test_a_forced_state_ends_a_wrap_up(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.wraps_up("agent1")
    desk.floor.force("agent1", "chief", AgentStatus.READY, "")
    assert desk.state("agent1") == ("ready", "")
    assert desk.floor.deadline() is None


def test_who_is_put_offline_on_a_call_finishes_it(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.force("agent1", "chief", AgentStatus.OFFLINE, "went home")
    assert desk.state("agent1")[0] == "talking"
    desk.floor.wraps_up("agent1")
    assert desk.state("agent1") == ("offline", "went home")


def test_whom_a_supervisor_put_offline_stays_it_when_queues_change_and_comes_back_with_a_console(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.force("agent1", "chief", AgentStatus.OFFLINE, "went home")
    before = len(desk.published)
    desk.floor.sign_in("agent1", "A", ("vip",), {"cantonese": 5}, renew=True)
    assert (desk.state("agent1"), desk.floor.agents["agent1"].queues) == (("offline", "went home"), ("vip",))
    assert len(desk.published) == before
    desk.floor.sign_in("agent1", "A", ("vip",))
    assert (desk.state("agent1"), desk.last.by) == (("not_ready", "signed_in"), "")


def test_whom_a_supervisor_puts_offline_on_a_call_goes_after_it_though_queues_change_meanwhile(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.force("agent1", "chief", AgentStatus.OFFLINE, "went home")
    desk.floor.sign_in("agent1", "A", ("vip",), renew=True)
    desk.floor.wraps_up("agent1")
    assert desk.state("agent1") == ("offline", "went home")


def test_who_is_here_is_signed_in_by_a_renewal_where_the_phone_does_not_know_them(desk: Desk) -> None:
    desk.floor.sign_in("agent1", "A", ("default",), renew=True)
    assert desk.state("agent1") == ("not_ready", "signed_in")
    desk.floor.sign_out("agent1")
    desk.floor.sign_in("agent1", "A", ("default",), renew=True)
    assert desk.state("agent1") == ("not_ready", "signed_in")


@pytest.mark.parametrize("status", [AgentStatus.TALKING, AgentStatus.RINGING, AgentStatus.WRAP_UP])
def test_nobody_is_forced_onto_a_call(desk: Desk, status: AgentStatus) -> None:
    desk.ready("agent1")
    assert refused(lambda: desk.floor.force("agent1", "chief", status, "")) == "bad_arguments"


def test_nobody_is_forced_to_be_ready_without_a_headset_or_when_gone(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.headset_lost("agent1", "closed")
    assert refused(lambda: desk.floor.force("agent1", "chief", AgentStatus.READY, "")) == "no_headset"
    desk.floor.sign_out("agent1")
    assert refused(lambda: desk.floor.force("agent1", "chief", AgentStatus.READY, "")) == "signed_out"
    assert refused(lambda: desk.floor.force("agent1", "chief", AgentStatus.NOT_READY, "")) == "signed_out"
    assert refused(lambda: desk.floor.force("nobody", "chief", AgentStatus.OFFLINE, "")) == "signed_out"


# ---- the telephone at home (D103)


def test_an_agent_with_a_telephone_needs_no_headset(desk: Desk) -> None:
    desk.floor.sign_in("home", "home", ("default",))
    assert refused(lambda: desk.floor.ready("home")) == "no_headset"
    assert refused(lambda: desk.floor.reach("home", Device.PHONE, "")) == "bad_number"
    desk.floor.reach("home", Device.PHONE, "13900000000")
    assert desk.last.device == "phone"
    agent = desk.floor.ready("home")
    assert agent.may_take_call()
    assert desk.floor.phone_of("home") == "13900000000"


def test_a_headset_that_comes_and_goes_is_nothing_to_who_has_a_telephone(desk: Desk) -> None:
    desk.ready("home")
    desk.floor.reach("home", Device.PHONE, "13900000000")
    desk.floor.headset_lost("home", "closed")
    assert desk.state("home") == ("ready", "")
    desk.floor.rings("home", "c1")
    desk.floor.headset_lost("home", "closed")
    assert desk.state("home")[0] == "ringing"


def test_back_at_a_headset_that_is_not_there_nobody_is_ready(desk: Desk) -> None:
    desk.floor.sign_in("home", "home", ("default",))
    desk.floor.reach("home", Device.PHONE, "13900000000")
    desk.floor.ready("home")
    desk.floor.reach("home", Device.HEADSET)
    assert desk.state("home") == ("not_ready", "headset_lost")
    assert desk.floor.phone_of("home") == ""
    desk.floor.headset_connected("home")
    assert desk.state("home") == ("ready", "")


def test_a_change_of_device_is_told_once(desk: Desk) -> None:
    desk.ready("home")
    before = len(desk.published)
    desk.floor.reach("home", Device.PHONE, "13900000000")
    desk.floor.reach("home", Device.PHONE, "13900000000")
    assert len(desk.published) == before + 1


# ---- calls of others


@pytest.mark.parametrize("before", ["ready", "not_ready", "wrap_up"])
def test_who_was_asked_into_a_call_comes_back_to_exactly_where_they_were(desk: Desk, before: str) -> None:
    agent = desk.ready("agent1")
    if before == "not_ready":
        desk.floor.not_ready("agent1", "callbacks")
    if before == "wrap_up":
        desk.floor.rings("agent1", "own")
        desk.floor.talks("agent1", "own")
        desk.floor.wraps_up("agent1")
    kept = (agent.status, agent.reason, agent.call, agent.since, agent.idle_since)
    desk.clock.now += 10
    desk.floor.invited("agent1", "c1")
    assert desk.state("agent1")[0] == "ringing"
    desk.clock.now += 10
    desk.floor.joins("agent1", "c1", "consulted")
    assert desk.state("agent1") == ("talking", "consulted")
    desk.clock.now += 10
    desk.floor.leaves("agent1", "c1")
    assert (agent.status, agent.reason, agent.call, agent.since, agent.idle_since) == kept


def test_who_does_not_answer_a_consultation_stays_where_they_were(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.not_ready("agent1", "callbacks")
    desk.floor.invited("agent1", "c1")
    desk.floor.stops_ringing("agent1", "no_answer")
    assert desk.state("agent1") == ("not_ready", "callbacks")


def test_who_was_consulted_and_gets_the_call_has_wrap_up_at_its_end(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.not_ready("agent1", "callbacks")
    desk.floor.invited("agent1", "c1")
    desk.floor.joins("agent1", "c1", "consulted")
    desk.floor.talks("agent1", "c1")
    desk.floor.wraps_up("agent1", "c1")
    assert desk.state("agent1")[0] == "wrap_up"
    desk.floor.wrapped_up("agent1", "c1")
    assert desk.state("agent1") == ("not_ready", "callbacks")


def test_a_supervisor_listens_changes_over_to_whisper_and_is_where_they_were(desk: Desk) -> None:
    chief = desk.ready("chief")
    idle = chief.idle_since
    desk.floor.joins("chief", "c1", "monitoring")
    desk.floor.joins("chief", "c1", "whispering")
    assert desk.state("chief") == ("talking", "whispering")
    assert refused(lambda: desk.floor.joins("chief", "c2", "monitoring")) == "agent_busy"
    assert refused(lambda: desk.floor.dials("chief", "c2")) == "agent_busy"
    desk.floor.leaves("chief", "c2")
    assert desk.state("chief") == ("talking", "whispering")
    desk.floor.leaves("chief", "c1")
    assert (desk.state("chief"), chief.idle_since) == (("ready", ""), idle)


def test_what_is_asked_for_in_a_call_of_others_happens_after_it(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.joins("agent1", "c1", "conference")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.leaves("agent1")
    assert desk.state("agent1") == ("not_ready", "meal")
    desk.floor.joins("agent1", "c1", "conference")
    desk.floor.sign_out("agent1")
    desk.floor.leaves("agent1")
    assert desk.state("agent1")[0] == "offline"


def test_a_headset_lost_while_it_rings_for_a_consultation_puts_nobody_into_the_rotation(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.invited("agent1", "c1")
    desk.floor.headset_lost("agent1", "closed")
    assert desk.state("agent1") == ("not_ready", "meal")
    desk.floor.headset_connected("agent1")
    assert desk.state("agent1") == ("not_ready", "meal")


def test_the_break_that_was_asked_for_while_it_rang_is_not_lost_with_the_headset(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.not_ready("agent1", "meal")
    desk.floor.headset_lost("agent1", "closed")
    desk.floor.headset_connected("agent1")
    assert desk.state("agent1") == ("not_ready", "meal")


@pytest.mark.parametrize("visit", [True, False])
def test_whose_headset_died_in_a_call_is_not_offered_the_next_one(desk: Desk, visit: bool) -> None:
    desk.ready("agent1")
    if visit:
        desk.floor.joins("agent1", "c1", "conference")
        desk.floor.headset_lost("agent1", "closed")
        desk.floor.leaves("agent1")
    else:
        desk.floor.rings("agent1", "c1")
        desk.floor.talks("agent1", "c1")
        desk.floor.headset_lost("agent1", "closed")
        desk.floor.wraps_up("agent1")
        desk.floor.wrapped_up("agent1", "c1")
    assert desk.state("agent1") == ("not_ready", "headset_lost")


@pytest.mark.parametrize("missed", ["", "no_answer"])
def test_who_left_while_it_rang_is_gone_when_it_stops(desk: Desk, missed: str) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.sign_out("agent1")
    desk.floor.stops_ringing("agent1", missed)
    assert desk.state("agent1") == ("offline", "")


def test_who_missed_a_call_is_taken_out_of_the_rotation_and_may_come_back(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.stops_ringing("agent1", "no_answer")
    assert desk.state("agent1") == ("not_ready", "no_answer")
    desk.floor.ready("agent1")
    assert desk.state("agent1") == ("ready", "")


def test_late_news_of_a_call_changes_nothing(desk: Desk) -> None:
    agent = desk.ready("agent1")
    published = len(desk.published)
    desk.floor.wraps_up("agent1")
    desk.floor.leaves("agent1")
    desk.floor.stops_ringing("agent1", "no_answer")
    assert (agent.status, len(desk.published)) == (AgentStatus.READY, published)


def test_who_cannot_be_reached_is_not_asked(desk: Desk) -> None:
    desk.floor.sign_in("agent1", "A", ("default",))
    assert refused(lambda: desk.floor.invited("agent1", "c1")) == "no_headset"
    assert refused(lambda: desk.floor.invited("nobody", "c1")) == "signed_out"
    desk.ready("agent2")
    desk.floor.sign_out("agent2")
    assert refused(lambda: desk.floor.joins("agent2", "c1", "conference")) == "signed_out"


def test_a_dial_that_came_to_nothing_leaves_no_wrap_up_behind(desk: Desk) -> None:
    agent = desk.ready("agent1")
    idle = agent.idle_since
    desk.floor.dials("agent1", "c1")
    desk.floor.leaves("agent1", "c1")
    assert (desk.state("agent1"), agent.idle_since) == (("ready", ""), idle)


def test_who_signs_in_again_in_mid_call_stays_signed_in_after_it(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.sign_out("agent1")
    desk.floor.sign_in("agent1", "A", ("default",))
    desk.floor.wraps_up("agent1")
    desk.floor.wrapped_up("agent1", "c1")
    assert desk.state("agent1") == ("not_ready", "signed_in")


def test_nobody_stays_behind_in_a_call_that_is_over(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for user in ("owner", "guest", "rung", "other"):
        desk.ready(user)
    desk.floor.rings("owner", "c1")
    desk.floor.talks("owner", "c1")
    desk.floor.joins("guest", "c1", "monitoring")
    desk.floor.rings("rung", "c1")
    desk.floor.joins("other", "c2", "monitoring")
    desk.floor.call_over("c1")
    states = [desk.state(user)[0] for user in ("owner", "guest", "rung", "other")]
    assert states == ["wrap_up", "ready", "ready", "talking"]
    assert caplog.text.count("was left behind") == 3


def test_other_queues_make_the_router_look_again(desk: Desk) -> None:
    desk.ready("agent1")
    before = desk.asked_to_route
    desk.floor.sign_in("agent1", "A", ("vip",), {"cantonese": 5})
    assert desk.asked_to_route > before
    assert desk.floor.agents["agent1"].skills == {"cantonese": 5}
