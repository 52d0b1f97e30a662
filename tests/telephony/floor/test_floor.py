"""Agents, their states, and who is asked first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_clock import FakeClock

from telephony.clock import SECOND
from telephony.events import AgentState, AgentStatus, Event
from telephony.floor.agent import AgentRefused
from telephony.floor.floor import Floor
from telephony.rules import RuleError, Rules


class Desk:
    """A floor with a clock of the test's own and everything it published."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.published: list[Event] = []
        self.floor = Floor(self.clock, self.published.append, lambda: None)

    def status(self, user: str) -> tuple[AgentStatus, str]:
        agent = self.floor.agents[user]
        return agent.status, agent.reason

    def ready(self, user: str) -> None:
        self.floor.sign_in(user, user, ("default",))
        self.floor.headset_connected(user)
        self.floor.ready(user)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_ready_needs_a_headset(desk: Desk) -> None:
    desk.floor.sign_in("agent1", "A", ("default",))
    with pytest.raises(AgentRefused) as refused:
        desk.floor.ready("agent1")
    assert refused.value.code == "no_headset"
    assert desk.status("agent1") == (AgentStatus.NOT_READY, "signed_in")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda floor: floor.ready("agent1"), AgentStatus.READY),
        (lambda floor: floor.not_ready("agent1", "meal"), AgentStatus.NOT_READY),
        (lambda floor: floor.sign_out("agent1"), AgentStatus.OFFLINE),
    ],
)
def test_what_is_asked_for_in_a_call_happens_after_it(
    desk: Desk, before: Callable[[Floor], object], after: AgentStatus
) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    before(desk.floor)
    assert desk.status("agent1")[0] is AgentStatus.TALKING
    desk.floor.wraps_up("agent1")
    desk.floor.wrapped_up("agent1", "c1")
    assert desk.status("agent1")[0] is after


def test_wrap_up_runs_out_after_its_limit(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.wraps_up("agent1")
    assert desk.floor.deadline() == int(1120 * SECOND)
    desk.clock.now += 119
    desk.floor.due()
    assert desk.status("agent1")[0] is AgentStatus.WRAP_UP
    desk.clock.now += 1
    desk.floor.due()
    assert desk.status("agent1")[0] is AgentStatus.READY
    assert desk.floor.deadline() is None


def test_a_ready_agent_whose_headset_is_lost_leaves_the_rotation_and_is_put_back_in_time(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.headset_lost("agent1", "closed")
    assert desk.status("agent1") == (AgentStatus.NOT_READY, "headset_lost")
    desk.clock.now += 10
    desk.floor.headset_connected("agent1")
    assert desk.status("agent1")[0] is AgentStatus.READY
    desk.floor.headset_lost("agent1", "closed")
    desk.clock.now += 16
    desk.floor.headset_connected("agent1")
    assert desk.status("agent1")[0] is AgentStatus.NOT_READY


def test_dialling_from_not_ready_leads_back_to_not_ready_with_its_reason(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.not_ready("agent1", "callbacks")
    desk.floor.dials("agent1", "c1")
    with pytest.raises(AgentRefused):
        desk.floor.dials("agent1", "c2")
    desk.floor.wraps_up("agent1")
    desk.floor.wrapped_up("agent1", "c1")
    assert desk.status("agent1") == (AgentStatus.NOT_READY, "callbacks")


def test_a_second_console_of_an_agent_on_a_call_changes_nothing(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    published = len(desk.published)
    desk.floor.sign_in("agent1", "A", ("default",))
    assert len(desk.published) == published


def test_every_visible_change_is_published_once(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.ready("agent1")
    states = [event.status for event in desk.published if isinstance(event, AgentState)]
    assert states == [AgentStatus.NOT_READY, AgentStatus.READY]


def test_wrapping_up_another_call_is_no_way_out_of_wrap_up(desk: Desk) -> None:
    desk.ready("agent1")
    desk.floor.rings("agent1", "c1")
    desk.floor.talks("agent1", "c1")
    desk.floor.wraps_up("agent1")
    desk.floor.wrapped_up("agent1", "other")
    assert desk.status("agent1")[0] is AgentStatus.WRAP_UP


@pytest.mark.parametrize("value", [0, -1, "many", None, True, 1e9])
def test_a_rule_that_is_no_positive_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(RuleError, match="three_rings"):
        Rules().updated({"three_rings": {"value": value}})


def test_there_may_be_no_wrap_up_at_all() -> None:
    assert Rules().updated({"wrap_up_limit": {"value": 0}}).wrap_up_limit == 0
    with pytest.raises(RuleError, match="wrap_up_limit"):
        Rules().updated({"wrap_up_limit": {"value": -1}})


def test_rules_of_other_rooms_are_passed_over() -> None:
    assert Rules().updated({"login_failures": {"value": 5}}) == Rules()
