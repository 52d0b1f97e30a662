"""What else the machine did while something was measured: a figure of a starved run says nothing about the product."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from console.bench.figures import Figure, percentile

#: share of the machine's processors that processes which are not ours may take
MOST_OTHERS = 0.10
#: lateness of a load, or of the bench's own loop, at p95 (ms); a timer of asyncio alone takes 1 to 2
MOST_LATE = 3.0
#: seconds between two looks of the loop at its own lateness
BEAT = 0.05

_TICKS = os.sysconf("SC_CLK_TCK")


def load_late(late: list[float]) -> str:
    """Why a load that was ``late`` by so many ms says nothing; empty where it was in time."""
    own = percentile(late, 0.95) if late else 0.0
    return f"the load itself was late by {own:.1f} ms at p95: the machine is busy" if own > MOST_LATE else ""


def used_by_all() -> float:
    """CPU seconds that the machine's processors have worked so far, what a hypervisor took from them included."""
    user, nice, system, _idle, _wait, irq, softirq, stolen = (
        int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + stolen) / _TICKS


def used_by_us() -> dict[int, tuple[float, float]]:
    """Of this process and all that it started, by pid: CPU seconds of its own, and of children it has waited for."""
    children: dict[int, list[int]] = {}
    used: dict[int, tuple[float, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            pid = int(stat.parent.name)
            children.setdefault(int(fields[1]), []).append(pid)
            user, system, waited_user, waited_system = (int(word) / _TICKS for word in fields[11:15])
            used[pid] = user + system, waited_user + waited_system
    found: dict[int, tuple[float, float]] = {}
    family = [os.getpid()]
    while family:
        pid = family.pop()
        if pid in used:
            found[pid] = used[pid]
        family += children.get(pid, [])
    return found


def used_between(before: dict[int, tuple[float, float]], after: dict[int, tuple[float, float]]) -> float:
    """CPU seconds of ours between two looks. What those who are gone had used before is in nobody's time since: their
    parents, if they waited, have all of it at once."""
    own = sum(now[0] - before.get(pid, (0.0, 0.0))[0] for pid, now in after.items())
    waited = sum(now[1] - before.get(pid, (0.0, 0.0))[1] for pid, now in after.items())
    gone = sum(used[0] for pid, used in before.items() if pid not in after)
    return own + max(0.0, waited - gone)


@dataclass(slots=True)
class Watch:
    """Begins when it is made. ``late`` are milliseconds that the loop came late, where ``beating`` was used."""

    begun: float = field(default_factory=time.monotonic)
    all: float = field(default_factory=used_by_all)
    us: dict[int, tuple[float, float]] = field(default_factory=used_by_us)
    late: list[float] = field(default_factory=list)

    def others(self) -> float:
        """Share (0 to 1) of the machine's processors that others have had since."""
        theirs = (used_by_all() - self.all) - used_between(self.us, used_by_us())
        return max(0.0, theirs / ((time.monotonic() - self.begun) * (os.cpu_count() or 1)))

    def void(self) -> str:
        """Why what was measured since is the machine's and not the product's; empty where it is the product's."""
        if why := load_late(self.late):
            return why
        if (share := self.others()) > MOST_OTHERS:
            return f"others had {100 * share:.0f} % of the machine's processors"
        return ""

    def judge(self, figures: list[Figure]) -> list[Figure]:
        """The same figures, void where they are not void already and this says so."""
        why = self.void()
        for figure in figures:
            figure.void = figure.void or why
        return figures

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Notes how late the running loop is."""
        task = asyncio.ensure_future(self._beat())
        try:
            yield
        finally:
            task.cancel()

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.late.append(1000 * (time.monotonic() - due))
