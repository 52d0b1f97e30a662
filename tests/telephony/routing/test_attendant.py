"""The attendant when agents answer, callers hang up and documents change; and whatever happens."""

from __future__ import annotations

from random import Random

import pytest
from attended_house import AttendedHouse, entry, in_menu, in_queue, queue
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.clock import SECOND
from telephony.routing.settings import Queue, RoutingSettings
from telephony.routing.steps import ToQueue


def test_when_an_agent_answers_nothing_more_is_said_or_done() -> None:
    house = in_queue(announce_position=True, callback_offer_after=10, overflow=[{"after": 20, "to": queue("vip")}])
    house.passes(11)
    late = house.on_end
    house.attendant.answered()
    assert (house.playing, house.attendant.deadline(), house.attendant.over) == ([], None, True)
    assert late is not None
    late()
    house.press("1")
    house.attendant.due(house.clock.monotonic() + 100 * SECOND)
    house.attendant.routing_changed(house.clock.monotonic())
    assert (house.done, house.playing) == (["enqueue default 0"], [])


def test_a_call_that_comes_back_to_its_queue_waits_with_all_that_belongs_to_it() -> None:
    house = in_queue(callback_offer_after=10)
    house.passes(5)
    house.attendant.answered()
    house.picked_up = True
    house.passes(60)
    house.attendant.queued(house.clock.monotonic())
    assert house.playing == ["ringback"]
    house.attendant.queued(house.clock.monotonic() + SECOND)
    house.passes(9)
    assert house.playing == ["ringback"]
    house.passes(2)
    assert house.playing == ["callback-offer"]


def test_when_the_caller_is_gone_nothing_happens_any_more() -> None:
    house = in_menu()
    house.attendant.ended()
    house.said()
    house.press("1")
    house.attendant.forward_failed(486, house.clock.monotonic())
    house.attendant.message_taken(1.0, house.clock.monotonic())
    assert (house.done, house.attendant.deadline()) == ([], None)


def test_a_changed_document_counts_from_the_next_step_on() -> None:
    house = in_menu()
    house.change(queues=[{"name": "default"}, {"name": "vip", "priority": 9}])
    assert house.playing == ["menu-main"]
    house.press("2")
    assert house.done == ["enqueue vip 9"]


def test_a_caller_whose_queue_is_gone_goes_to_the_first_queue(caplog: pytest.LogCaptureFixture) -> None:
    house = AttendedHouse({"entries": entry(queue("vip"))}).begin()
    assert house.in_queue == "vip"
    house.change(queues=[{"name": "new"}], entries=[])
    assert house.in_queue == "new"
    assert house.call.priority == 50
    assert house.dequeued == [("vip", "overflow", "queue:new")]


def test_a_caller_whose_menu_is_gone_can_still_press_a_key() -> None:
    house = in_menu()
    house.change(menus=[], entries=[], queues=[{"name": "new"}])
    house.press("9")
    assert house.done == ["enqueue new 0"]
    house = in_menu()
    house.change(menus=[], entries=[], queues=[{"name": "new"}])
    house.press("2")
    assert house.done == ["enqueue new 0"]


def test_queues_that_send_a_caller_round_in_circles_keep_them_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """No document is like this, but one may become so by a change between two steps."""
    house = AttendedHouse({})
    house.settings = RoutingSettings(
        queues=(
            Queue(name="a", nobody_signed_in=ToQueue(queue="b")),
            Queue(name="b", nobody_signed_in=ToQueue(queue="a")),
        )
    )
    house.signed_in_agents = {}
    house.begin()
    assert house.done == ["enqueue a 0"]
    assert "round in circles" in caplog.text


_STEPS = st.sampled_from(["digit", "time", "said", "answered", "queued", "failed", "taken", "change", "agent"])


@settings(deadline=None)
@given(st.lists(_STEPS, max_size=25), st.randoms())
def test_whatever_happens_a_caller_is_in_a_queue_hears_something_or_is_gone(steps: list[str], random: Random) -> None:
    """Nobody is left in silence with nothing to come."""
    rich = [
        {"name": "default", "announce_position": True, "callback_offer_after": 20, "waiting": "music",
         "overflow": [{"after": 40, "to": queue("vip")}]},
        {"name": "vip", "max_waiting": 2, "full": {"kind": "voicemail", "queue": "vip"},
         "overflow": [{"after": 30, "to": {"kind": "number", "number": "120"}}],
         "nobody_signed_in": {"kind": "callback", "queue": "default"}},
    ]  # fmt: skip
    house = in_menu(queues=rich)
    for step in steps:
        now = house.clock.monotonic()
        match step:
            case "digit":
                house.press(random.choice("0123456789*#"))
            case "time":
                house.passes(random.choice([0.5, 6, 31, 130]))
            case "said":
                house.said()
            case "answered" if house.in_queue:
                house.attendant.answered()
                house.in_queue = ""
            case "queued" if house.attendant.over and not house.over:
                house.in_queue = house.call.queue
                house.attendant.queued(now)
            case "failed":
                house.attendant.forward_failed(480, now)
            case "taken":
                house.attendant.message_taken(3.0, now)
            case "change":
                house.signed_in_agents["vip"] = random.choice([0, 2])
                house.waiting_calls["vip"] = random.choice([0, 2])
                house.change(queues=random.choice([rich, [*rich[:1], {"name": "vip"}]]))
            case "agent":
                house.call.rings_at_agent = random.choice([True, False])
        if not house.attendant.over:
            forwarding = bool(house.done) and house.done[-1].startswith("forward") and not house.in_queue
            assert house.in_queue or house.attendant.deadline() is not None or forwarding
