"""The session description in a message's body, on its own or within multipart/mixed (RFC 5621)."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r'boundary\s*=\s*"?([^";\s]+)', re.IGNORECASE)


def media_type(content_type: str) -> str:
    """The media type of a Content-Type value in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def session_body(content_type: str, text: str) -> str:
    """The SDP in ``text``, whose Content-Type is given whole; empty without one."""
    kind = media_type(content_type)
    if kind == "application/sdp":
        return text
    found = _BOUNDARY.search(content_type)
    if not kind.startswith("multipart/") or not found:
        return ""
    for part in text.split(f"--{found.group(1)}"):
        head, _, rest = part.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
        if "application/sdp" in head.lower():
            return rest.strip("\n").replace("\n", "\r\n") + "\r\n"
    return ""
