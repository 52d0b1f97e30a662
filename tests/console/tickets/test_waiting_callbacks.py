"""Which call-backs the phone is given again, by what it says it holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from console.tickets.waiting_callbacks import OLDEST, place_again
from storage.callbacks import Callback

NOW = 1.79e9
ASKED = Callback("asked", "default", "13812340001", "", "", NOW - 60, NOW - 70, call="")


class Phone:
    """Takes commands down."""

    def __init__(self) -> None:
        self.placed: list[dict[str, Any]] = []

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        assert name == "callback.place"
        self.placed.append(arguments)
        return {"call": "new"}


@pytest.mark.parametrize(
    ("held", "waits", "placed"),
    [
        ([], ASKED, True),
        ([{"call": "other", "requested_in": ""}], ASKED, True),
        # the caller who asks for it has not hung up yet: the phone places it itself
        ([{"call": "asked", "requested_in": ""}], ASKED, False),
        # the log knows which call calls back
        ([{"call": "back", "requested_in": "asked"}], replace(ASKED, call="back"), False),
        # the web process died between storing the wish and storing the call that calls back
        ([{"call": "back", "requested_in": "asked"}], ASKED, False),
        ([], replace(ASKED, requested_at=NOW - OLDEST - 1), False),
        # a clock that was set back makes no wish too old, and none lost
        ([], replace(ASKED, requested_at=NOW + 3600, waiting_since=NOW + 3590), True),
    ],
)
def test_a_call_back_is_placed_again_only_when_the_phone_holds_no_call_of_it(
    held: list[dict[str, Any]], waits: Callback, placed: bool
) -> None:
    phone = Phone()
    assert asyncio.run(place_again(phone, {"calls": held}, [waits], NOW)) == placed
    assert [one["requested_in"] for one in phone.placed] == ["asked"] * placed


def test_it_is_placed_with_the_priority_the_try_and_the_time_that_it_had() -> None:
    phone, due = Phone(), NOW + 200
    later = replace(ASKED, state="retry", attempts=2, priority=50, due_at=due, call="tried")
    held = {"calls": [], "callbacks": [{"requested_in": "asked"}]}
    assert asyncio.run(place_again(phone, held, [later], NOW)) == 0
    assert asyncio.run(place_again(phone, {"calls": []}, [later], NOW)) == 1
    (told,) = phone.placed
    assert (told["priority"], told["attempt"], told["not_before"], told["waiting_since"]) == (50, 3, due, NOW - 70)
