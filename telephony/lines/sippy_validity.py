"""What a request must have before it may touch any state (RFC 3261 §8.1.1, §8.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sippy.SipRequest import SipRequest

_MAX_CSEQ = 2**31 - 1


class InvalidRequest(ValueError):
    """Refused with ``status``; the message is the reason phrase, free of what was received."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_request(request: SipRequest) -> None:
    """Parse each header that the stack reads later. Raises ``InvalidRequest``."""
    if request.sipver != "SIP/2.0":
        raise InvalidRequest(505, "Version Not Supported")
    for name in ("via", "from", "to", "cseq", "call-id"):
        found = request.countHFs(name)
        if found == 0:
            raise InvalidRequest(400, f"Missing {name.title()}")
        if found > 1 and name != "via":
            raise InvalidRequest(400, f"Two {name.title()}")
        _read(name, request.getHFBody)
    if not request.getHFBody("via").getBranch():
        request.getHFBody("via").params["branch"] = "none"  # RFC 2543 peers have none; any constant matches
    number, method = request.getHFBody("cseq").getCSeq()
    if not 0 <= number <= _MAX_CSEQ or method != request.getMethod():
        raise InvalidRequest(400, "Bad CSeq")
    if not str(request.getHFBody("call-id")).strip():
        raise InvalidRequest(400, "Empty Call-ID")
    for name in ("contact", "expires", "max-forwards"):
        if request.countHFs(name):
            _read(name, request.getHFBodys)
    for name in ("record-route", "route"):
        _read(name, partial(_read_copies, request))
    if method == "INVITE":
        if request.countHFs("contact") != 1 or request.getHFBody("contact").asterisk:
            raise InvalidRequest(400, "INVITE Needs One Contact")
        if request.getHFBody("contact").getUrl().scheme == "tel":
            raise InvalidRequest(400, "Contact Must Be A SIP URI")


def _read_copies(request: SipRequest, name: str) -> None:
    for copied in request.getHFBCopys(name):  # what was parsed is written anew, and must come back as it was
        copied.parse()


def _read(name: str, read: Callable[[str], Any]) -> None:
    try:
        read(name)
    except Exception as error:
        raise InvalidRequest(400, f"Bad {name.title()}") from error
