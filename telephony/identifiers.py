"""Call identifiers: UUIDv7 (RFC 9562 §5.7), so that they sort by the time of the call."""

from __future__ import annotations

import os
import time
import uuid


def new_call_id() -> str:
    """A fresh UUIDv7 in canonical text form."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
