"""What a dialog is to the core, whichever driver it belongs to: its names, reports in order, timers and one end."""

# ruff: noqa: B027 (doing nothing is right where a dialog has nothing to ring, to answer or to stop)

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from telephony.lines.line import DialogEnd, DialogListener, EndedBy

if TYPE_CHECKING:
    from telephony.lines.offers import Offers
    from telephony.lines.transfers import Transfers

log = logging.getLogger(__name__)


class ReportingDialog(ABC):
    """The drivers' dialogs build on it; with them it implements ``telephony.lines.line.Dialog``."""

    offers: Offers
    transfers: Transfers

    def __init__(self, call_id: str, line_name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.call_id = call_id
        self.confirmed = False
        self.ended = False
        self._line_name = line_name
        self._loop = loop
        self._listener: DialogListener | None = None
        self._reports: list[tuple[str, tuple[Any, ...]]] = []
        self._timers: list[asyncio.TimerHandle] = []

    @abstractmethod
    def send_bye(self) -> None:
        """BYE in this dialog."""

    @abstractmethod
    def linger(self) -> None:
        """The dialog has ended; it stays known for stragglers (a BYE that crosses ours) for 64*T1."""

    def forgotten(self) -> None:
        """No straggler comes any more. What holds the dialog is let go, so that its memory is free at once: rings of
        objects wait for the garbage collector, which holds up the audio for as long as it has to free."""
        self._listener = None
        del self.offers, self.transfers

    def stop_negotiating(self) -> None:
        """The dialog ends: nothing of its own is to go on."""

    # what the core sees

    @property
    def sip_call_id(self) -> str:
        return self.call_id

    @property
    def line_name(self) -> str:
        return self._line_name

    def listen(self, listener: DialogListener) -> None:
        self._listener = listener
        waiting, self._reports = self._reports, []
        for name, arguments in waiting:
            self.report(name, *arguments)

    def ring(self) -> None:
        """Nothing to ring on a leg that we dialled."""

    def progress(self, sdp: str) -> None:
        """No early media of ours on a leg that we dialled."""

    def answer(self, sdp: str) -> None:
        """Nothing to answer on a leg that we dialled."""

    def reject(self, status: int, reason: str = "") -> None:
        self.hang_up()

    def hang_up(self) -> None:
        if self.confirmed and not self.ended:
            self.send_bye()
            self.end(EndedBy.US, 200, "Hung up")

    # reports to the core, in order, never from inside a call of the core's

    def report(self, name: str, *arguments: Any) -> None:
        if self._listener is None:
            self._reports.append((name, arguments))
            return
        self._loop.call_soon(self._deliver, self._listener, name, arguments)

    def _deliver(self, listener: DialogListener, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            getattr(listener, name)(*arguments)
        except Exception:
            log.exception("the listener of call %s failed in %s", self.call_id, name)

    def ask(self, name: str, answered: Callable[[bool], None], *arguments: Any) -> None:
        """A report that wants yes or no; no where nobody listens or the listener fails."""
        self._loop.call_soon(self._ask, name, answered, arguments)

    def _ask(self, name: str, answered: Callable[[bool], None], arguments: tuple[Any, ...]) -> None:
        yes = False
        if self._listener is not None and not self.ended:
            try:
                yes = bool(getattr(self._listener, name)(*arguments))
            except Exception:
                log.exception("the listener of call %s failed in %s", self.call_id, name)
        answered(yes)

    def end(self, by: EndedBy, status: int, reason: str) -> None:
        """Report the end, once."""
        if self.ended:
            return
        self.ended = True
        for timer in self._timers:
            timer.cancel()
        self.stop_negotiating()
        self.report("dialog_ended", DialogEnd(by, status, reason))
        self.linger()

    def later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """A timer that the end of the dialog stops."""
        timer = self._loop.call_later(delay, callback)
        self._timers.append(timer)
        return timer
