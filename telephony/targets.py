"""Where a call can be sent: an agent, a queue or a number."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class TargetKind(StrEnum):
    AGENT = "agent"
    QUEUE = "queue"
    NUMBER = "number"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call is to go. ``agent``, ``queue`` and ``number`` by ``kind``; ``name`` is what people call it,
    ``entry`` the directory's entry it was chosen from, if any."""

    kind: TargetKind
    agent: str = ""
    queue: str = ""
    number: str = ""
    name: str = ""
    entry: str = ""
