"""Delays of the headset in Chromium, by the instrument of the journeys (``tests/journeys/headset``).

It needs a source checkout with Chromium and the development packages. It measures from the microphone to the RTP packet
on the wire and from the RTP packet to the earphone's worklet, and the same with the headset socket in the place of RTP.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from console.bench.figures import Figure

_ROOT = Path(__file__).parents[2]
INSTRUMENT = _ROOT / "tests" / "journeys" / "headset" / "test_headset_delay.py"
_LINE = re.compile(r"^((?:microphone|RTP|socket) to \w+), (quiet|stalling) page: (p50 .+)$", re.MULTILINE)
_VOID = re.compile(r"^void: (.+)$", re.MULTILINE)
_AIMS = {"microphone to RTP": "p95 ≤ 42 ms", "RTP to worklet": "p95 ≤ 30 ms"}


class CannotMeasure(Exception):
    """What the instrument needs is not here; the text says what."""


def measure(seconds: float = 180) -> list[Figure]:
    """Raises CannotMeasure."""
    if not INSTRUMENT.exists():
        raise CannotMeasure("the tests are not here: this is no source checkout")
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(INSTRUMENT)]
    try:
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env={**os.environ, "HEADSET_TURNS": "3"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"the instrument did not end within {seconds:g} s") from error
    found = figures(done.stdout)
    if not found:
        raise CannotMeasure(f"the instrument measured nothing: {done.stdout.strip().splitlines()[-1:]}")
    return found


def figures(printed: str) -> list[Figure]:
    """What the instrument printed, and what stalls of the page add to it."""
    why = _VOID.search(printed)
    void = why[1] if why else ""
    found, by_page = [], {}
    for what, page, said in _LINE.findall(printed):
        values = {key: float(value) for key, value in re.findall(r"(p50|p95|max|n) ([0-9.]+)", said)}
        found.append(Figure(f"Chromium, {what}, {page} page", "ms", values, _AIMS.get(what, ""), void=void))
        by_page[what, page] = values
    for what in _AIMS:
        if (what, "quiet") in by_page and (what, "stalling") in by_page:
            quiet, stalling = by_page[what, "quiet"], by_page[what, "stalling"]
            added = {key: round(stalling[key] - quiet[key], 1) for key in ("p50", "p95")}
            found.append(Figure(f"Chromium, {what}: added by stalls of the page", "ms", added, "0", void=void))
    return found
