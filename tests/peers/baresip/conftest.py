"""Real baresips, and an ear that measures what they heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from baresip_phone import baresip
from tones import Heard, hear_wav

__all__ = ["baresip"]


@pytest.fixture
def hear() -> Callable[[Path], Heard]:
    """``hear(path)`` measures a mono 8 kHz WAV file: ``.level``, ``.tone(hertz)`` in dBFS, ``.seconds``."""
    return hear_wav
