"""Answers to requests that never reach the SIP stack: strangers (403) and what cannot be parsed (400).

Works on the raw datagram, so that a stranger or a broken peer costs a few string operations and no state.
"""

from __future__ import annotations

import re
from hashlib import sha1

from telephony.lines.wire import decode, encode

#: the token that a method is (RFC 3261 §25.1)
METHOD = r"[A-Za-z0-9.!%*_+`'~-]{1,64}"
_REQUEST_LINE = re.compile(rf"({METHOD}) +\S")
_SCHEME = re.compile(r"[^ ]{1,64} ([A-Za-z][A-Za-z0-9+.-]{0,60}):[^ ]* SIP/")
_NAMES = {"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length"}
_COPIED = ("via", "from", "to", "call-id", "cseq")
_CANONICAL = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
_MAX_HEAD = 16_384
_MAX_VIAS = 70


def request_method(datagram: bytes) -> str:
    """The method of a request, ``""`` for a response or what is no SIP at all."""
    match = _REQUEST_LINE.match(decode(datagram[:80]))
    return match.group(1) if match and not datagram.startswith(b"SIP/2.0 ") else ""


def request_key(datagram: bytes) -> str:
    """What a request and its repetitions have in common, and no other request; empty for what is no request."""
    method = request_method(datagram)
    return f"{method} {header_values(datagram, 'via')[:1]} {header_values(datagram, 'call-id')[:1]}" if method else ""


def known_scheme(datagram: bytes) -> bool:
    """Whether the Request-URI of a request has a scheme that we serve (RFC 3261 §8.2.2.1); True for what is no request.

    What has no scheme at all is left to the parser, which refuses it with 400.
    """
    match = _SCHEME.match(decode(datagram[:160]))
    return match is None or match.group(1).lower() in ("sip", "sips", "tel")


def accepts_sdp(accept: list[str]) -> bool:
    """Whether who sent these Accept headers takes SDP (RFC 3261 §20.1); without any: yes."""
    kinds = [kind.partition(";")[0].strip().lower() for value in accept for kind in value.split(",")]
    return not accept or any(kind in ("application/sdp", "application/*", "*/*") for kind in kinds)


def header_values(datagram: bytes, name: str) -> list[str]:
    """All values of a header (long name, lower case) in order, folded lines joined."""
    return [value for header, value in _headers(datagram) if header == name]


def refusal(
    datagram: bytes, status: int, reason: str, source: tuple[str, int], headers: tuple[str, ...] = ()
) -> tuple[bytes, tuple[str, int]] | None:
    """A response to the request in ``datagram`` and where to send it (RFC 3261 §8.2.6, §18.2.2, RFC 3581).

    None where no answer is due or possible: a response, an ACK, or a request without Via, From, To, Call-ID or CSeq.
    """
    method = request_method(datagram)
    if not method or method == "ACK":
        return None
    found = [(name, value) for name, value in _headers(datagram) if name in _COPIED]
    names = {name for name, _ in found}
    if names != set(_COPIED) or sum(name == "via" for name, _ in found) > _MAX_VIAS:
        return None
    lines = [f"SIP/2.0 {status} {reason}"]
    first_via = True
    port = source[1]
    for name, value in found:
        copied = value
        if name == "via" and first_via:
            first_via = False
            top, rest = _split_first(value)
            port = _reply_port(top, source[1])
            copied = _with_received(top, source) + rest
        elif name == "to" and not re.search(r";\s*tag\s*=", value, re.IGNORECASE):
            seed = "|".join(v for _, v in found)
            copied += f";tag={sha1(encode(seed), usedforsecurity=False).hexdigest()[:16]}"
        lines.append(f"{_CANONICAL[name]}: {copied}")
    lines += [*headers, "Content-Length: 0", "", ""]
    return encode("\r\n".join(lines)), (source[0], port)


def _headers(datagram: bytes) -> list[tuple[str, str]]:
    head = decode(datagram[:_MAX_HEAD]).replace("\r\n", "\n").partition("\n\n")[0]
    headers: list[tuple[str, str]] = []
    for line in head.split("\n")[1:]:
        if line[:1] in (" ", "\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers.append((_NAMES.get(name, name), value.strip()))
    return headers


def _split_first(via: str) -> tuple[str, str]:
    top, comma, rest = via.partition(",")
    return top.strip(), comma + rest


def _reply_port(via: str, source_port: int) -> int:
    if re.search(r";\s*rport\b", via, re.IGNORECASE):
        return source_port
    sent_by = via.partition(";")[0].split()[-1] if via.split() else ""
    port = sent_by.rpartition("]")[2].rpartition(":")[2] if ":" in sent_by.rpartition("]")[2] else ""
    return int(port) if port.isascii() and port.isdigit() and 0 < int(port) < 65536 else 5060


def _with_received(via: str, source: tuple[str, int]) -> str:
    via = re.sub(r";\s*received\s*=[^;]*", "", via, flags=re.IGNORECASE)
    via = re.sub(r";\s*rport\b(?:\s*=\s*\d*)?", f";rport={source[1]}", via, flags=re.IGNORECASE)
    return f"{via};received={source[0]}"
