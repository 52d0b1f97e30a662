"""Headset tokens: the web process signs them, the phone process verifies them (HMAC-SHA256, RFC 2104).

Form: ``base64url(json).base64url(mac)`` without padding; the JSON is ``{"agent", "console", "iat", "exp"}``. The last
two are Unix seconds: when it was signed, and until when it is good.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from dataclasses import dataclass

import msgspec

#: seconds a token is good for unless the signer says otherwise
LIFETIME = 60.0
#: a token may be so much (seconds) younger than the clock of whoever verifies it
AHEAD = 30.0

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_MOST_LENGTH = 2048


class InvalidToken(ValueError):
    """Not signed by us, expired, of a time to come, or no token at all. The message says which, without quoting it."""


@dataclass(frozen=True, slots=True)
class HeadsetToken:
    agent: str
    console: str
    exp: float
    iat: float = 0.0


def sign(secret: str, agent: str, console: str, seconds: float = LIFETIME) -> str:
    """A token for the headset of ``agent``, good for ``seconds``. Raises ValueError without secret or agent."""
    if not secret or not agent:
        raise ValueError("a headset token needs a secret and an agent")
    now = time.time()
    claims = {"agent": agent, "console": console, "iat": now, "exp": now + seconds}
    body = _encode(msgspec.json.encode(claims))
    return f"{body}.{_encode(_mac(secret, body))}"


def verify(secret: str, token: str, now: float | None = None) -> HeadsetToken:
    """Raises InvalidToken."""
    if not secret:
        raise InvalidToken("no secret is configured")
    if len(token) > _MOST_LENGTH or not _FORM.fullmatch(token):
        raise InvalidToken("not a token")
    body, mac = token.split(".")
    try:
        if not hmac.compare_digest(_decode(mac), _mac(secret, body)):
            raise InvalidToken("wrong signature")
        claims = msgspec.json.decode(_decode(body), type=HeadsetToken)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidToken("not a token") from error
    if not claims.agent:
        raise InvalidToken("names no agent")
    now = time.time() if now is None else now
    if claims.exp < now:
        raise InvalidToken("expired")
    if claims.iat > now + AHEAD:
        # the clock was set back: it must not be good for so much longer; the console asks for another
        raise InvalidToken("signed in the future")
    return claims


def _mac(secret: str, body: str) -> bytes:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
