"""The announcement that the call is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony.routing.activity import Activity
from telephony.routing.steps import Step, ToMenu

if TYPE_CHECKING:
    from telephony.routing.attendant import Attendant


class RecordingNotice(Activity):
    """It is said to the end, but the emergency key of the menu behind it counts already (D23)."""

    def __init__(self, attendant: Attendant, to: Step) -> None:
        self._attendant = attendant
        self._to = to

    def digit(self, digit: str, now: int) -> None:
        menu = self._attendant.routing.menu(self._to.menu) if isinstance(self._to, ToMenu) else None
        if menu is not None and menu.emergency and digit == menu.emergency:
            self._attendant.emergency(menu, now)
