"""Entries and menus: what a caller hears first, and where their keys lead."""

from __future__ import annotations

import logging

import pytest
from attended_house import HOUR, MENU, MESSAGE, AttendedHouse, entry, in_menu, queue

from telephony import events
from telephony.clock import SECOND
from telephony.routing.announcer import LONGEST_PROMPT

TO_MENU = {"kind": "menu", "menu": "main"}


def test_without_menu_or_announcement_a_call_rings_at_its_queue_and_nothing_is_picked_up() -> None:
    for house in (AttendedHouse({}), AttendedHouse({"entries": entry(queue("default"))})):
        house.begin()
        assert house.done == ["enqueue default 0"]
        assert not house.picked_up
        assert house.attendant.deadline() is None
        assert house.published == []


def test_an_entry_or_its_step_gives_the_priority() -> None:
    assert AttendedHouse({"entries": entry(queue("vip"))}).begin().done == ["enqueue vip 50"]
    assert AttendedHouse({"entries": entry(queue("vip", priority=7))}).begin().done == ["enqueue vip 7"]


def test_the_announcement_of_the_recording_comes_before_the_queue() -> None:
    house = AttendedHouse({"entries": entry(queue("vip"), announce_recording=True)}).begin()
    assert (house.picked_up, house.playing, house.done) == (True, ["recording-notice"], [])
    house.said()
    assert house.done == ["enqueue vip 50"]
    assert (house.playing, house.looping) == (["ringback"], True)
    assert house.announced == [("recording", "recording-notice")]


@pytest.mark.parametrize(("hours_from_ten", "open_now"), [(0, True), (7.4, True), (7.6, False), (-2.1, False)])
def test_outside_its_hours_a_line_says_so_and_hangs_up(hours_from_ten: float, open_now: bool) -> None:
    document = {
        "hours": [{"name": "day", "weekly": {"mon": [["08:00", "17:30"]]}}],
        "entries": entry(queue("default"), hours="day", closed=MESSAGE),
    }
    house = AttendedHouse(document)
    house.clock.now += hours_from_ten * HOUR
    house.begin()
    if open_now:
        assert house.done == ["enqueue default 0"]
        return
    assert house.announced == [("closed", "closed")]
    house.press("1")
    house.said()
    assert (house.over, house.done) == ("announcement", [])


def test_a_menu_greets_and_a_key_leads_to_its_queue_at_once() -> None:
    house = in_menu()
    assert (house.attendant.menu, house.playing, house.picked_up) == ("main", ["menu-main"], True)
    house.press("2")
    assert house.done == ["enqueue vip 50"]
    assert (house.playing, house.looping) == (["ringback"], True)
    assert house.answers == [("chosen", "投诉建议")]
    assert house.attendant.menu == ""
    assert [event.version for event in house.told(events.MenuEntered)] == [0]


def test_the_emergency_key_goes_ahead_of_everybody_who_waits() -> None:
    house = in_menu()
    house.press("0")
    assert house.done == ["enqueue default 100 emergency"]
    assert house.answers == [("chosen", "emergency")]


def test_an_emergency_is_let_into_a_queue_that_is_full() -> None:
    full = {"name": "default", "max_waiting": 1, "full": {"kind": "hang_up"}}
    house = in_menu(queues=[full, {"name": "vip"}])
    house.waiting_calls["default"] = 1
    house.press("0")
    assert house.done == ["enqueue default 100 emergency"]


def test_the_emergency_key_counts_already_while_the_recording_is_announced() -> None:
    house = AttendedHouse(
        {"menus": [MENU], "entries": entry({"kind": "menu", "menu": "main"}, announce_recording=True)}
    )
    house.begin()
    house.press("1")
    assert house.playing == ["recording-notice"]
    house.press("0")
    assert house.done == ["enqueue default 100 emergency"]


def test_who_presses_nothing_is_asked_again_and_then_helped_all_the_same() -> None:
    house = in_menu()
    for _ in range(3):
        assert house.playing == ["menu-main"]
        house.said()
        house.passes(4.9)
        assert house.playing == []
        house.passes(0.2)
    assert house.done == ["enqueue vip 50"]
    assert [outcome for outcome, _ in house.answers] == ["timeout", "timeout", "timeout", "gave_up"]


def test_a_wrong_key_is_said_to_be_wrong_and_counts_as_a_try() -> None:
    house = in_menu()
    house.press("7")
    assert house.playing == ["menu-invalid", "menu-main"]
    house.press("8")
    house.press("*")
    assert house.done == ["enqueue vip 50"]
    assert house.answers == [("invalid", "7"), ("invalid", "8"), ("invalid", "*"), ("gave_up", "")]


def test_the_end_of_a_greeting_that_was_interrupted_means_nothing() -> None:
    house = in_menu()
    late = house.on_end
    house.press("7")
    assert late is not None
    late()
    assert house.playing == ["menu-invalid", "menu-main"]
    assert house.attendant.deadline() == house.clock.monotonic() + LONGEST_PROMPT


def test_a_greeting_whose_end_is_never_reported_is_not_waited_for_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    house = in_menu()
    house.passes(LONGEST_PROMPT / SECOND + 1)
    assert "was not reported" in caplog.text
    house.passes(5)
    assert house.answers == [("timeout", "")]


def test_prompts_that_cannot_be_played_hold_nobody_up() -> None:
    house = AttendedHouse(
        {"menus": [MENU], "entries": entry({"kind": "menu", "menu": "main"}, announce_recording=True)}
    )
    house.silent = True
    house.begin()
    assert house.attendant.menu == "main"
    house.passes(16)
    assert house.done == ["enqueue vip 50"]


def test_a_key_may_lead_to_a_menu_again() -> None:
    house = in_menu()
    house.press("7")
    house.press("9")
    assert len(house.told(events.MenuEntered)) == 2
    house.press("7")
    house.press("8")
    assert house.attendant.menu == "main"


def test_a_key_may_end_the_call() -> None:
    house = in_menu()
    house.press("#")
    assert house.over == "hung up by routing"


def test_a_key_may_lead_to_a_number_and_back_to_the_desk_when_nobody_is_there(caplog: pytest.LogCaptureFixture) -> None:
    house = in_menu()
    house.press("3")
    assert house.done == ["forward 120 trunk"]
    assert (house.playing, house.looping) == (["ringback"], True)
    with caplog.at_level(logging.INFO):
        house.attendant.forward_failed(486, house.clock.monotonic())
    assert "486" in caplog.text
    assert house.done[1:] == ["enqueue default 30"]
