"""How somebody who is asked into a call is reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """How a target is reached: ``number`` as dialled on ``line``; ``phone``: the number an agent answers at, if they
    work without a headset."""

    number: str = ""
    line: str = ""
    phone: str = ""
