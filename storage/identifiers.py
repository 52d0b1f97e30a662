"""New identifiers: UUID version 7 (RFC 9562 §5.7), which sort by the time they were made."""

from __future__ import annotations

import os
import time
import uuid


def new_id(at: float | None = None) -> str:
    """A UUIDv7 in canonical text form; ``at`` is Unix seconds (default: now)."""
    milliseconds = int((time.time() if at is None else at) * 1000) & 0xFFFFFFFFFFFF
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80
    value |= 0x7 << 76 | (random >> 64 & 0xFFF) << 64
    value |= 0b10 << 62 | random & 0x3FFFFFFFFFFFFFFF
    return str(uuid.UUID(int=value))
