"""In a queue: music, announcements, overflow, call-backs, messages."""

from __future__ import annotations

from typing import Any

import pytest
from attended_house import AttendedHouse, entry, in_menu, in_queue, queue

from telephony import events
from telephony.clock import SECOND
from telephony.routing.message_taking import LONGEST_MESSAGE


def test_music_is_played_where_the_queue_says_so() -> None:
    house = in_queue(waiting="music")
    assert (house.picked_up, house.playing, house.looping) == (True, ["hold-music"], True)


def test_the_place_and_the_wait_are_told_at_intervals() -> None:
    house = in_queue(announce_position=True, announce_wait=True, announce_every=30)
    house.place, house.wait = 12, 130.0
    house.passes(29)
    assert not house.picked_up
    house.passes(2)
    assert house.playing == ["position", "num-10", "num-2", "position-end", "wait", "num-3", "wait-minutes"]
    assert house.announced == [("position", "position")]
    house.clock.now += 6
    house.said()
    assert house.playing == ["ringback"]
    house.place, house.wait = 1, 20.0
    house.passes(29)
    assert house.playing == ["ringback"]
    house.passes(2)
    assert house.playing == ["position", "num-1", "position-end", "wait-soon"]


def test_an_offer_or_announcement_waits_for_the_one_before_to_end() -> None:
    house = in_queue(announce_position=True, announce_every=10, callback_offer_after=12)
    house.passes(11)
    assert house.playing[0] == "position"
    house.passes(20)
    assert house.playing[0] == "position"
    house.said()
    house.passes(1)
    assert house.playing == ["callback-offer"]
    house.passes(20)
    assert house.playing == ["callback-offer"]
    house.said()
    assert house.playing == ["ringback"]
    house.passes(11)
    assert house.playing[0] == "position"


def test_a_wait_that_nobody_knows_is_not_told() -> None:
    house = in_queue(announce_wait=True)
    house.passes(100)
    assert not house.picked_up
    house.wait = 61
    house.passes(30)
    assert house.playing == ["wait", "num-2", "wait-minutes"]


def test_who_waits_too_long_overflows_and_keeps_the_time_waited() -> None:
    house = in_queue(overflow=[{"after": 60, "to": queue("vip")}])
    house.passes(59)
    assert house.done == ["enqueue default 0"]
    house.passes(2)
    assert house.done[1:] == ["enqueue vip 0"]
    assert house.dequeued == [("default", "overflow", "queue:vip")]
    assert house.told(events.CallDequeued)[0].waited_seconds == pytest.approx(60, abs=0.1)
    assert house.call.queued_at == 100 * SECOND


def test_a_call_that_rings_at_an_agent_does_not_overflow_under_their_hand() -> None:
    house = in_queue(overflow=[{"after": 60, "to": queue("vip")}])
    house.call.rings_at_agent = True
    house.passes(70)
    assert house.in_queue == "default"
    house.call.rings_at_agent = False
    house.passes(1)
    assert house.in_queue == "vip"


def test_nobody_overflows_into_a_queue_that_would_turn_them_away() -> None:
    house = AttendedHouse({
        "queues": [
            {"name": "default", "overflow": [{"after": 60, "to": queue("vip")}]},
            {"name": "vip", "nobody_signed_in": {"kind": "hang_up"}},
        ]
    })  # fmt: skip
    house.signed_in_agents["vip"] = 0
    house.begin()
    house.passes(120)
    assert (house.in_queue, house.over) == ("default", "")
    house.signed_in_agents["vip"] = 1
    house.passes(5)
    assert house.in_queue == "vip"


@pytest.mark.parametrize(
    ("settings", "waiting", "signed_in", "goes"),
    [
        ({"max_waiting": 3, "full": queue("vip")}, 3, 1, ["enqueue vip 50"]),
        ({"max_waiting": 3, "full": queue("vip")}, 2, 1, ["enqueue default 0"]),
        ({"nobody_signed_in": {"kind": "number", "number": "120"}}, 0, 0, ["forward 120"]),
        ({"nobody_signed_in": {"kind": "number", "number": "120"}}, 0, 1, ["enqueue default 0"]),
        ({"hours": "night", "closed": queue("vip")}, 0, 1, ["enqueue vip 50"]),
    ],
)
def test_a_queue_that_is_full_empty_or_closed_sends_on(
    settings: dict[str, Any], waiting: int, signed_in: int, goes: list[str]
) -> None:
    house = AttendedHouse({
        "queues": [{"name": "default", **settings}, {"name": "vip", "priority": 50}],
        "hours": [{"name": "night", "weekly": {"mon": [["20:00", "06:00"]]}}],
    })  # fmt: skip
    house.waiting_calls["default"] = waiting
    house.signed_in_agents["default"] = signed_in
    house.begin()
    assert house.done == goes


def test_a_forwarding_that_fails_brings_the_caller_back_to_the_queue_they_came_from() -> None:
    house = AttendedHouse({"queues": [{"name": "default"}, {"name": "vip", "overflow": [
        {"after": 30, "to": {"kind": "number", "number": "120"}}]}], "entries": entry(queue("vip"))})  # fmt: skip
    house.begin()
    house.passes(31)
    assert house.done[1:] == ["forward 120"]
    assert house.in_queue == ""
    house.attendant.forward_failed(480, house.clock.monotonic())
    assert (house.in_queue, house.call.priority) == ("vip", 30)


def test_a_call_back_is_offered_and_its_place_kept() -> None:
    house = in_queue(callback_offer_after=45)
    house.press("1")
    house.passes(46)
    assert (house.playing, house.done) == (["callback-offer"], ["enqueue default 0"])
    house.said()
    assert house.playing == ["ringback"]
    house.passes(100)
    assert house.playing == ["ringback"]
    house.press("2")
    house.press("1")
    assert house.done[1:] == ["request_callback default"]
    assert house.dequeued == [("default", "callback", "callback:default")]
    assert (house.in_queue, house.playing) == ("", ["callback-accepted"])
    house.said()
    assert house.over == "to be called back"


def test_nobody_without_a_number_is_offered_to_be_called_back() -> None:
    house = AttendedHouse({"queues": [{"name": "default", "callback_offer_after": 45}]}, number="anonymous").begin()
    house.passes(100)
    assert not house.picked_up
    house.press("1")
    assert house.done == ["enqueue default 0"]


def test_an_overflow_may_be_the_offer_to_call_back() -> None:
    house = in_queue(overflow=[{"after": 20, "to": {"kind": "callback", "queue": "vip"}}])
    house.passes(21)
    assert (house.in_queue, house.playing) == ("default", ["callback-offer"])
    house.press("1")
    assert house.done[1:] == ["request_callback vip"]


def test_who_chooses_to_be_called_back_in_a_menu_is_not_asked_again() -> None:
    house = in_menu()
    house.press("4")
    assert house.done == ["request_callback vip"]
    assert house.playing == ["callback-accepted"]
    assert house.dequeued == []


def test_at_a_closed_line_a_call_back_is_offered_until_it_is_plain_that_nobody_wants_it() -> None:
    document = {
        "hours": [{"name": "never", "weekly": {}}],
        "entries": entry(queue("vip"), hours="never", closed={"kind": "callback", "queue": "vip"}),
    }
    house = AttendedHouse(document).begin()
    assert house.playing == ["callback-offer"]
    house.said()
    house.passes(9)
    assert house.playing == ["goodbye"]
    house.said()
    assert (house.over, house.done) == ("no call-back wanted", [])
    house = AttendedHouse(document).begin()
    house.press("1")
    assert house.done == ["request_callback vip"]
    # without a number there is nobody to call back: a message can be left
    house = AttendedHouse(document, number="").begin()
    assert house.playing == ["voicemail", "beep"]


def test_a_message_is_taken_after_the_tone() -> None:
    house = in_menu()
    house.press("5")
    assert (house.playing, house.done) == (["voicemail", "beep"], [])
    house.said()
    assert house.done == ["take_message vip"]
    assert house.message_starts is not None
    house.message_starts()
    house.attendant.message_taken(12.0, house.clock.monotonic())
    assert house.playing == ["voicemail-thanks"]
    house.said()
    assert house.over == "message left"


def test_a_message_has_an_end() -> None:
    house = in_menu()
    house.press("5")
    house.said()
    house.passes(LONGEST_MESSAGE / SECOND - 1)
    assert not house.over
    house.passes(2)
    assert house.over == "the message is long enough"


def test_an_overflow_may_take_a_message() -> None:
    house = in_queue(overflow=[{"after": 20, "to": {"kind": "voicemail", "queue": "vip", "prompt": "closed"}}])
    house.passes(21)
    assert (house.in_queue, house.playing) == ("", ["closed", "beep"])
    assert house.dequeued == [("default", "voicemail", "voicemail:vip")]


def test_a_call_back_overflows_to_queues_alone_and_says_nothing_to_nobody() -> None:
    first = {
        "name": "default", "waiting": "music", "announce_position": True, "callback_offer_after": 5,
        "overflow": [{"after": 10, "to": {"kind": "voicemail", "queue": "vip"}}, {"after": 20, "to": queue("vip")}],
    }  # fmt: skip
    third = {"name": "third"}
    second = {
        "name": "vip",
        "overflow": [
            {"after": 20, "to": {"kind": "callback", "queue": "default"}},
            {"after": 30, "to": queue("third", priority=4)},
        ],
    }
    house = AttendedHouse({"queues": [first, second, third]})
    house.call.requested_in = "asked"
    house.attendant.wait_to_call_back(house.clock.monotonic())
    house.passes(19)
    assert (house.done, house.published, house.picked_up) == ([], [], False)
    house.passes(2)
    assert house.done == ["enqueue vip 0"]
    house.call.rings_at_agent = True
    house.passes(60)
    assert house.done == ["enqueue vip 0"]
    house.call.rings_at_agent = False
    house.passes(12)
    assert house.done == ["enqueue vip 0", "enqueue third 4"]
    assert (house.dequeued, house.picked_up) == (
        [("default", "overflow", "queue:vip"), ("vip", "overflow", "queue:third")],
        False,
    )
    house.change(queues=[first, {"name": "vip"}])
    assert house.done[-1] == "enqueue default 4"
    house.attendant.answered()
    house.passes(600)
    assert len(house.done) == 3
