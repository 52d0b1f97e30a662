"""Offers and answers in a standing dialog, for every driver: re-INVITE both ways, UPDATE in.

RFC 3261 §14, RFC 3264, RFC 3311.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

#: how often a 491 is tried again before it is reported
_MAX_GLARES = 8
#: an UPDATE that the core does not answer in this many seconds is refused
_UPDATE_PATIENCE = 5.0
#: the T1 that RFC 3261's waits after a 491 go with (§14.1)
_USUAL_T1 = 0.5


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The final response to a re-INVITE of ours; ``local`` when it was made here because none came."""

    status: int
    reason: str
    sdp: str
    local: bool = False


class PeerOffer(Protocol):
    """A re-INVITE or UPDATE of the peer's that waits for our answer."""

    @property
    def sdp(self) -> str:
        """Empty: a late offer."""

    @property
    def is_update(self) -> bool: ...

    def take(self) -> None:
        """It will be answered later: 100 Trying, and the peer's new address counts."""

    def answer(
        self,
        status: int,
        reason: str,
        sdp: str = "",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        acknowledged: Callable[[str], None] | None = None,
        unacknowledged: Callable[[], None] | None = None,
    ) -> None:
        """The final response. ``acknowledged(sdp)`` when the ACK to a 200 came, ``unacknowledged()`` when none did."""


class OfferingDialog(Protocol):
    """What a driver's dialog is to its offers."""

    confirmed: bool
    ended: bool

    @property
    def owns_call_id(self) -> bool: ...

    @property
    def t1(self) -> float: ...

    def send_offer(self, sdp: str, answered: Callable[[OfferAnswered], None]) -> Callable[[], None]:
        """Re-INVITE; gives what cancels it. A 2xx is acknowledged and its Contact counts before ``answered``."""

    def report(self, name: str, *arguments: Any) -> None: ...

    def later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle: ...

    def fail(self, status: int, reason: str) -> None: ...


class Offers:
    """The offer state of one dialog: at most one offer of ours and one of the peer's are open."""

    def __init__(self, dialog: OfferingDialog) -> None:
        self._dialog = dialog
        self._cancel_ours: Callable[[], None] | None = None
        self._waiting_sdp: str | None = None
        self._glares = 0
        self._theirs: PeerOffer | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._impatience: asyncio.TimerHandle | None = None

    def dialog_confirmed(self) -> None:
        """The dialog stands: an offer that was asked for too early goes now."""
        self._next()

    # our offers

    def offer(self, sdp: str) -> None:
        """Re-INVITE now, or as soon as an open offer is done; of several that wait the newest goes."""
        dialog = self._dialog
        if dialog.ended:
            return
        if not dialog.confirmed or self._cancel_ours or self._theirs is not None or self._retry is not None:
            self._waiting_sdp = sdp
            return
        self._glares = 0
        self._send(sdp)

    def _send(self, sdp: str) -> None:
        dialog = self._dialog
        self._retry = None
        if dialog.ended:
            return
        if self._theirs is not None:
            self._waiting_sdp = self._waiting_sdp or sdp
            return
        self._cancel_ours = cancel = dialog.send_offer(sdp, lambda answered: self._answered(answered, sdp))
        dialog.later(64 * dialog.t1, cancel)

    def _answered(self, answered: OfferAnswered, sdp: str) -> None:
        dialog = self._dialog
        self._cancel_ours = None
        if dialog.ended:
            return
        if answered.status < 300:
            dialog.report("dialog_reinvite_done", answered.status, answered.sdp)
        elif answered.status == 491 and self._glares < _MAX_GLARES:
            self._glares += 1
            self._retry = dialog.later(self._glare_wait(), lambda: self._again(sdp))
            return
        elif answered.status in (408, 481):  # RFC 3261 §12.2.1.2
            told = f"re-INVITE: {answered.status} {answered.reason}"
            dialog.fail(answered.status, "no answer to the re-INVITE" if answered.local else told)
            return
        else:
            # refused: the session stays as it was (RFC 3261 §14.1)
            dialog.report("dialog_reinvite_done", answered.status, "")
        self._next()

    def _glare_wait(self) -> float:
        """Seconds; whoever chose the Call-ID waits longer (RFC 3261 §14.1)."""
        low, high = (210, 400) if self._dialog.owns_call_id else (0, 200)
        return random.randint(low, high) / 100 * self._dialog.t1 / _USUAL_T1

    def _again(self, sdp: str) -> None:
        newest = self._waiting_sdp if self._waiting_sdp is not None else sdp
        self._waiting_sdp = None
        self._send(newest)

    def _next(self) -> None:
        sdp, self._waiting_sdp = self._waiting_sdp, None
        if sdp is not None:
            self.offer(sdp)

    # the peer's offers

    def receive(self, offer: PeerOffer) -> None:
        dialog = self._dialog
        if offer.is_update and not offer.sdp:  # a session refresh
            offer.take()
            offer.answer(200, "OK")
        elif self._cancel_ours is not None:
            offer.answer(491, "Request Pending")
        elif self._theirs is not None or not dialog.confirmed:
            wait = str(random.randint(0, 10))
            offer.answer(500, "Another Offer Is Open", headers=(("Retry-After", wait),))
        else:
            offer.take()
            self._theirs = offer
            dialog.report("dialog_reoffer", offer.sdp)
            if offer.is_update:
                self._impatience = dialog.later(_UPDATE_PATIENCE, lambda: self.reject(504))

    def accept(self, sdp: str) -> None:
        self._final(200, "OK", sdp)

    def reject(self, status: int) -> None:
        self._final(status if 300 <= status < 700 else 488, "Not Acceptable Here" if status == 488 else "Refused", "")

    def _final(self, status: int, reason: str, sdp: str) -> None:
        offer, self._theirs = self._theirs, None
        dialog = self._dialog
        if offer is None or dialog.ended:
            return
        self._calm()
        offer.answer(
            status,
            reason,
            sdp,
            acknowledged=self._late_answer if not offer.sdp else None,
            unacknowledged=lambda: dialog.fail(408, "no ACK to the answer of a re-INVITE"),
        )
        asyncio.get_running_loop().call_soon(self._next)

    def _late_answer(self, sdp: str) -> None:
        if not self._dialog.ended:
            self._dialog.report("dialog_confirmed", sdp)

    def withdrawn(self) -> None:
        """The peer cancelled its re-INVITE, and was told so."""
        self._theirs = None
        self._next()

    def _calm(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def abandon(self) -> None:
        """The dialog ends: answer what the peer still waits for."""
        offer, self._theirs = self._theirs, None
        if offer is not None:
            self._calm()
            offer.answer(487, "Request Terminated")

    def stop(self) -> None:
        self.abandon()
        self._waiting_sdp = None
        cancel, self._cancel_ours = self._cancel_ours, None
        if cancel is not None:
            cancel()
