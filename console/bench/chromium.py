"""Delays of the headset in Chromium, by the instrument of the journeys (``tests/journeys/headset``).

It needs a source checkout with Chromium and the development packages. It measures from the microphone to the headset
socket and from there to the earphone; what the phone adds between socket and RTP is the media part's added delay.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from console.bench.figures import Figure

_ROOT = Path(__file__).parents[2]
INSTRUMENT = _ROOT / "tests" / "journeys" / "headset" / "test_headset_delay.py"
_LINE = re.compile(r"^(microphone to socket|socket to earphone), (.+): (p50 .+)$", re.MULTILINE)
_AIMS = {"microphone to socket": "p95 ≤ 42 ms", "socket to earphone": "p95 ≤ 30 ms"}


class CannotMeasure(Exception):
    """What the instrument needs is not here; the text says what."""


def measure(seconds: float = 180) -> Iterator[Figure]:
    """Raises CannotMeasure."""
    if not INSTRUMENT.exists():
        raise CannotMeasure("the tests are not here: this is no source checkout")
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(INSTRUMENT)]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"the instrument did not end within {seconds:g} s") from error
    found = figures(done.stdout)
    if not found:
        raise CannotMeasure(f"the instrument measured nothing: {done.stdout.strip().splitlines()[-1:]}")
    yield from found


def figures(printed: str) -> list[Figure]:
    """What the instrument printed."""
    found = []
    for what, page, said in _LINE.findall(printed):
        values = {key: float(value) for key, value in re.findall(r"(p50|p95|max|n) ([0-9.]+)", said)}
        found.append(Figure(f"Chromium, {what}, {page}", "ms", values, _AIMS[what]))
    return found
