"""Percentiles and the printed form of what a benchmark found."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from console.bench.processes import load

#: load a processor from which a machine counts as busy with other things
BUSY = 0.25


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0 to 1) of ``values`` do not exceed; NaN without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(slots=True)
class Figure:
    """One line of the report. ``aim`` is what the issue asks for; it is printed, never asserted."""

    name: str
    unit: str
    values: dict[str, float]
    aim: str = ""
    note: str = ""
    #: why the values say nothing about the product: they are kept in the file, and not printed
    void: str = ""

    @classmethod
    def of_delays(
        cls, name: str, delays: Sequence[float], unit: str = "ms", aim: str = "", note: str = "", void: str = ""
    ) -> Figure:
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        values = {key: round(percentile(delays, share), 3) for key, share in shares.items()}
        return cls(name, unit, {"n": float(len(delays)), **values}, aim, note, void)

    def line(self) -> str:
        shown = "  ".join(f"{key} {value:g}" for key, value in self.values.items())
        if self.void:
            shown = f"VOID, {self.void}"
        aim = f"   (aim: {self.aim})" if self.aim else ""
        note = f"\n    {self.note}" if self.note else ""
        return f"  {self.name} [{self.unit}]: {shown}{aim}{note}"


@dataclass(slots=True)
class Report:
    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    #: others' load for each processor before anything was measured; None: not looked at
    load_before: float | None = None

    def look_at_machine(self) -> None:
        """Say how busy the machine is with other things. Call it before anything is measured."""
        self.load_before = round(load(), 2)
        if self.load_before > BUSY:
            print(f"MACHINE BUSY: load {self.load_before:g} a core before the benchmark; go by ratios", flush=True)

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def skip(self, what: str, why: str) -> None:
        self.skipped.append(f"{what}: {why}")
        print(f"  {what}: left out, {why}", flush=True)

    def write(self, folder: Path) -> Path:
        """One JSON file with machine and date; gives its path."""
        now = datetime.now(UTC)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"bench-{now:%Y%m%d-%H%M%S}.json"
        machine = {
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load_a_core_before": self.load_before,
            "busy": self.load_before is not None and self.load_before > BUSY,
        }
        body = {
            "date": now.isoformat(timespec="seconds"),
            "machine": machine,
            "figures": [asdict(figure) for figure in self.figures],
            "left_out": self.skipped,
        }
        path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")
        return path


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
