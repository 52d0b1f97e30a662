"""SIP datagrams as text and back, one character for each byte.

Lengths (Content-Length) count bytes, and headers must be echoed byte for byte, whatever charset a PBX writes
names in. Bytes above 127 therefore become lone surrogates (PEP 383) inside the stack and are read as text only
for people.
"""

from __future__ import annotations


def decode(datagram: bytes) -> str:
    return datagram.decode("ascii", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def to_wire(text: str) -> str:
    """Text of ours for the stack: UTF-8 bytes, one character each. CR and LF become spaces (no header injection)."""
    return decode(encode(text.replace("\r", " ").replace("\n", " ")))


def body_to_wire(text: str) -> str:
    return decode(encode(text))


def from_wire(text: str) -> str:
    """Text of the stack for people: UTF-8, else GB 18030 as Chinese PBXs write it, else Latin-1."""
    octets = encode(text)
    for charset in ("utf-8", "gb18030"):
        try:
            return octets.decode(charset)
        except UnicodeDecodeError:
            continue
    return octets.decode("latin-1")
