"""One caller in one menu: greeting, keys, time-outs, retries (D2, D23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.clock import SECOND
from telephony.routing.activity import Activity
from telephony.routing.settings import Menu

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant


class MenuTurn(Activity):
    """Keeps to the menu as it was when the caller came in; where a key leads is looked up when it is pressed."""

    def __init__(self, attendant: Attendant, menu: Menu) -> None:
        self.name = menu.name
        self._attendant = attendant
        self._menu = menu
        self._failures = 0
        self._until: int | None = None

    def begin(self) -> None:
        attendant = self._attendant
        version = attendant.routing.version
        attendant.publish(events.MenuEntered(call=attendant.attended.call.id, menu=self.name, version=version))
        self._ask([self._menu.greeting], "greeting")

    def digit(self, digit: str, now: int) -> None:
        if self._menu.emergency and digit == self._menu.emergency:
            self._attendant.emergency(self._menu, now)
            return
        for choice in self._menu.choices:
            if choice.digit == digit:
                self._attendant.hush()
                self._tell("chosen", digit, str(choice.label))
                self._attendant.go(choice.to, "menu", now, chosen=True)
                return
        self._attendant.hush()
        self._failed("invalid", digit, now)

    def deadline(self) -> int | None:
        return self._until

    def due(self, now: int) -> None:
        self._failed("timeout", "", now)

    def _ask(self, prompts: list[str], why: str) -> None:
        self._until = None
        self._attendant.say(prompts, why, self._asked)

    def _asked(self, now: int) -> None:
        self._until = now + int(self._menu.timeout * SECOND)

    def _failed(self, outcome: str, digit: str, now: int) -> None:
        self._until = None
        self._failures += 1
        self._tell(outcome, digit)
        if self._failures > self._menu.retries:
            self._tell("gave_up")
            self._attendant.go(self._menu.gave_up, "gave_up", now)
        elif outcome == "invalid" and self._menu.invalid:
            self._ask([self._menu.invalid, self._menu.greeting], "invalid")
        else:
            self._ask([self._menu.greeting], "greeting")

    def _tell(self, outcome: str, digit: str = "", label: str = "") -> None:
        call = self._attendant.attended.call.id
        self._attendant.publish(
            events.MenuAnswered(call=call, menu=self.name, outcome=outcome, digit=digit, label=label)
        )
