"""Outside opening hours: a message, or a voicemail that becomes one ticket."""

from __future__ import annotations

import asyncio
import datetime
import zoneinfo
from typing import Any

import pytest
from switchboard import BEEP, CLOSED, melody
from tones import SPEECH_CODER, hear_recording

pytestmark = pytest.mark.peer

CALLER = 340.0
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours() -> list[dict[str, Any]]:
    """Open round the clock but for today, which is like a holiday; and never open at all."""
    today = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Shanghai")).date()
    days = [{"date": str(today + datetime.timedelta(days=n)), "open": [], "label": "停诊"} for n in (-1, 0, 1)]
    always = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    return [{"name": "day", "weekly": always, "exceptions": days}, {"name": "never", "weekly": {}}]


def to_voicemail(prompt: str) -> dict[str, Any]:
    return {"kind": "voicemail", "queue": "complaints", "prompt": prompt}


async def closed(board: Any) -> None:
    shut = {"to": {"kind": "queue", "queue": "default"}, "hours": "day"}
    entries = {
        "7101": {**shut, "closed": {"kind": "message", "prompt": "tone-closed"}},
        "7102": {**shut, "closed": to_voicemail("tone-closed")},
        # the line is open, the queue is not
        "7103": {"kind": "queue", "queue": "night"},
    }
    night = {"name": "night", "hours": "never", "closed": to_voicemail("tone-brief")}
    await board.route(entries, [{"name": "default"}, {"name": "complaints"}, night], hours=hours())


async def test_who_calls_on_a_holiday_hears_that_it_is_closed_though_agents_are_there(
    house: Any, switchboard: Any
) -> None:
    async with switchboard() as board, house.agent() as agent:
        await closed(board)
        phone = await board.phone()
        call = await board.call("7101", phone)
        await board.over(phone, call)
        view = await house.call_when(call, state="ended")
        status = (await house.api.get("/api/routing/status")).json()
        assert not [one for one in agent.told if one["event"] == "ringing"]
    assert melody(phone, CLOSED, 450.0, BEEP) == [CLOSED]
    assert (view["outcome"], view["hung_up_by"], view["agent"], view["recording"]) == ("closed", "system", None, None)
    assert {one["name"]: one["open"] for one in status["hours"]} == {"day": False, "never": False}


@pytest.mark.parametrize(("dialled", "ends"), [("7102", "by the key"), ("7103", "by hanging up")])
async def test_a_message_left_becomes_one_ticket_with_the_callers_voice_from_its_start(
    house: Any, switchboard: Any, dialled: str, ends: str
) -> None:
    async with switchboard() as board:
        await closed(board)
        before = await tickets(house)
        phone = await board.phone(CALLER)
        call = await board.call(dialled, phone)
        await house.event("recording.started", call=call)
        await asyncio.to_thread(phone.listen, 3.4)
        if ends == "by the key":
            await asyncio.to_thread(phone.digits, "#")
            await board.over(phone, call)
        else:
            await board.hang_up(phone, call)
        left = await house.event("voicemail.left", call=call)
        view = await house.recorded(call)
        sides = hear_recording(await house.download(view))
        (ticket,) = [one for one in await tickets(house) if one["id"] not in {old["id"] for old in before}]
        await asyncio.sleep(0.3)
        assert len(await tickets(house)) == len(before) + 1
        heard = await house.api.get(ticket["audio"])
        assert heard.status_code == 200
    assert (ticket["kind"], ticket["call"], ticket["queue"], ticket["state"]) == (
        "voicemail",
        call,
        "complaints",
        "open",
    )
    assert ticket["number"] == view["number"]
    assert (ticket["starts"], ticket["seconds"]) == (pytest.approx(left["starts"]), pytest.approx(left["seconds"]))
    assert view["voicemail"]["ticket"] == ticket["id"]
    assert view["outcome"] == "voicemail"
    voice = sides[0].part(ticket["starts"], ticket["starts"] + ticket["seconds"])
    assert voice.tone(CALLER) == pytest.approx(-12.0, abs=SPEECH_CODER)
    assert ticket["seconds"] > 1.2
    assert melody(phone, CLOSED, 640.0, BEEP)[1:2] == [BEEP]


async def tickets(house: Any) -> list[dict[str, Any]]:
    answer = await house.api.get("/api/tickets")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["tickets"]
    return found
