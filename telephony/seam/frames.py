"""Framing of the seam: 4 bytes length (big endian), then one msgpack map."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

MAX_FRAME = 8 << 20
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, Any])


class SeamError(Exception):
    """The other side sent what is not a frame."""


def encode(message: dict[str, Any]) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


#: {"event": …} up to the value, in msgpack
_EVENT = b"\x81\xa5event"


def event(body: bytes) -> bytes:
    """The frame of ``{"event": …}`` around an event that is msgpack already."""
    return (len(_EVENT) + len(body)).to_bytes(4, "big") + _EVENT + body


def coming(call: str, number: str, patient_id: str) -> bytes:
    """Says that a call begins, before its ``call.started`` is written: who looks its number up need not wait for the
    disk. No record: it may be missing, and nothing may follow it."""
    return encode({"coming": {"call": call, "number": number, "patient_id": patient_id}})


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises SeamError for garbage, asyncio.IncompleteReadError at the end of the stream."""
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > MAX_FRAME:
        raise SeamError(f"a frame of {length} bytes is too long")
    body = await reader.readexactly(length)
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise SeamError(f"not a message: {error}") from error
