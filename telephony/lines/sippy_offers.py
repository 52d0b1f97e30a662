"""Offers and answers within a standing dialog: re-INVITE both ways, UPDATE in (RFC 3261 §14, RFC 3311)."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from sippy.SipRequest import SipRequest

from telephony.lines.sippy_request import ClientRequest, header, is_local, session_description

if TYPE_CHECKING:
    from telephony.lines.sippy_dialog import SippyDialog

log = logging.getLogger(__name__)

#: how often a 491 is tried again before it is reported
_MAX_GLARES = 8
#: an UPDATE that the core does not answer in this many seconds is refused
_UPDATE_PATIENCE = 5.0


class Offers:
    """The offer state of one dialog: at most one offer of ours and one of the peer's are open."""

    def __init__(self, dialog: SippyDialog) -> None:
        self._dialog = dialog
        self._ours: ClientRequest | None = None
        self._waiting_sdp: str | None = None
        self._glares = 0
        self._theirs: tuple[SipRequest, Any, bool] | None = None
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
        if not dialog.confirmed or self._ours is not None or self._theirs is not None or self._retry is not None:
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

        def answered(response: Any, _transaction: Any) -> None:
            self._answered(response, sdp)

        self._ours = request = dialog.request("INVITE", answered, sdp=sdp)
        dialog.later(dialog.stack.transactions.patience, request.cancel)

    def _answered(self, response: Any, sdp: str) -> None:
        code, reason = response.getSCode()
        dialog = self._dialog
        if code < 200:
            return
        self._ours = None
        if dialog.ended:
            return
        if code < 300:
            dialog.refresh_target(response)
            dialog.report("dialog_reinvite_done", code, session_description(response))
        elif code == 491 and self._glares < _MAX_GLARES:
            self._glares += 1
            # RFC 3261 §14.1: whoever chose the Call-ID waits longer
            low, high = (2.1, 4.0) if dialog.owns_call_id else (0.0, 2.0)
            self._retry = dialog.later(random.randint(int(low * 100), int(high * 100)) / 100, lambda: self._again(sdp))
            return
        elif code in (408, 481):
            where = "no answer to the re-INVITE" if is_local(response) else f"re-INVITE: {code} {reason}"
            dialog.fail(code, where)
            return
        else:
            # refused: the session stays as it was (RFC 3261 §14.1)
            dialog.report("dialog_reinvite_done", code, "")
        self._next()

    def _again(self, sdp: str) -> None:
        newest = self._waiting_sdp if self._waiting_sdp is not None else sdp
        self._waiting_sdp = None
        self._send(newest)

    def _next(self) -> None:
        sdp, self._waiting_sdp = self._waiting_sdp, None
        if sdp is not None:
            self.offer(sdp)

    # the peer's offers

    def receive(self, request: SipRequest, transaction: Any) -> Any:
        dialog = self._dialog
        update = request.getMethod() == "UPDATE"
        sdp = session_description(request)
        if update and not sdp:
            dialog.refresh_target(request)
            return dialog.respond(request, 200, "OK"), None, None
        if self._ours is not None:
            return dialog.respond(request, 491, "Request Pending"), None, None
        if self._theirs is not None or not dialog.confirmed:
            response = dialog.respond(request, 500, "Another Offer Is Open")
            response.appendHeader(header("Retry-After", str(random.randint(0, 10))))
            return response, None, None
        dialog.refresh_target(request)
        self._theirs = (request, transaction, not sdp)
        dialog.report("dialog_reoffer", sdp)
        if update:
            self._impatience = dialog.later(_UPDATE_PATIENCE, lambda: self.reject(504))
            return None, None, None
        dialog.stack.transactions.adopt(transaction, request, dialog.local_tag)
        dialog.stack.send(dialog.respond(request, 100, "Trying"), transaction)
        return None, self._cancelled, None

    def accept(self, sdp: str) -> None:
        self._final(200, "OK", sdp)

    def reject(self, status: int) -> None:
        self._final(status if 300 <= status < 700 else 488, "Not Acceptable Here" if status == 488 else "Refused", "")

    def _final(self, status: int, reason: str, sdp: str) -> None:
        if self._theirs is None or self._dialog.ended:
            return
        request, transaction, late = self._theirs
        self._theirs = None
        dialog = self._dialog
        response = dialog.respond(request, status, reason, sdp)
        self._calm()
        if request.getMethod() == "UPDATE":
            dialog.stack.send(response, transaction)
        elif status < 300:
            transaction.noack_cb = lambda: dialog.fail(408, "no ACK to the answer of a re-INVITE")
            dialog.stack.send(response, transaction, lambda ack: self._acknowledged(ack, late))
        else:
            dialog.stack.send(response, transaction)
        dialog.stack.loop.call_soon(self._next)

    def _acknowledged(self, ack: SipRequest, late: bool) -> None:
        if late and not self._dialog.ended:
            self._dialog.report("dialog_confirmed", session_description(ack))

    def _cancelled(self, _time: Any, _request: Any) -> None:
        self._theirs = None
        self._next()

    def _calm(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def abandon(self) -> None:
        """The dialog ends: answer what the peer still waits for."""
        if self._theirs is not None:
            request, transaction, _ = self._theirs
            self._theirs = None
            self._calm()
            self._dialog.stack.send(self._dialog.respond(request, 487, "Request Terminated"), transaction)

    def stop(self) -> None:
        self.abandon()
        self._waiting_sdp = None
        if self._ours is not None:
            self._ours.cancel()
            self._ours = None
