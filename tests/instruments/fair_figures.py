"""Figures that a test judges: of the product where the machine let it run, void where it did not.

A sound or a delay that is late because this machine had no time says nothing. In a first run such a figure fails like
any other; in the second, where what failed runs by itself (``AGAIN`` in the environment, see the Makefile), it is void
and said to be so when others had the processors or a thread that only sleeps came late.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from types import TracebackType

import pytest

from console.bench.figures import percentile
from console.bench.others import Watch

AGAIN = "RUN_AGAIN_ALONE"
#: seconds between two looks, and ms at p95 by which a sleeper may come late on a machine that has time
BEAT, MOST_LATE = 0.02, 10.0


class Fair:
    """``fair(held, figure)`` prints the figure and raises AssertionError where it did not hold, unless it is void."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._watch = Watch()
        self._late: list[float] = []
        self._over = threading.Event()
        self._sleeper = threading.Thread(target=self._beat, name="beat", daemon=True)

    def __enter__(self) -> Fair:
        self._sleeper.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._sleeper.join()

    def __call__(self, held: bool, figure: str) -> None:
        starved = "" if held else self.starved()
        void = bool(starved) and AGAIN in os.environ
        with self._capsys.disabled():
            print(f"\n    {figure}{f' (void: {starved})' if void else ''}", flush=True)
        assert held or void, f"{figure}{f' ({starved})' if starved else ''}"

    def starved(self) -> str:
        """Why the machine, and not the product, may be what was measured since the test began; empty: it is not."""
        late = percentile(self._late, 0.95) if self._late else 0.0
        if late > MOST_LATE:
            return f"a sleeper came {late:.0f} ms late at p95"
        return self._watch.void()

    def _beat(self) -> None:
        while not self._over.is_set():
            due = time.monotonic() + BEAT
            time.sleep(BEAT)
            self._late.append(1000 * (time.monotonic() - due))


@pytest.fixture
def fair(capsys: pytest.CaptureFixture[str]) -> Iterator[Fair]:
    with Fair(capsys) as fair:
        yield fair
