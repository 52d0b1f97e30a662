"""The media benchmark measures what it says it measures."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from console.bench import media
from console.bench.compiled import NoCompiler, compiled
from console.bench.figures import Figure, percentile
from telephony.media.packet_path import NOT_COMPILED


@pytest.mark.parametrize("subject", ["phone", "relay"])
def test_the_media_bench_measures_bridged_recorded_calls(subject: str) -> None:
    run = asyncio.run(media.measure(subject, 4, 1.5, pin=None, warm_up=0.5))
    # 4 calls, two directions, 50 a second; a busy machine may hold a few back
    assert 400 <= run.sent <= 650
    assert run.lost <= run.sent // 4
    assert 0 < run.cpu_per_call_minute < 20
    assert run.delays["to_headset"]["n"] > 0 < run.delays["to_line"]["p50"]
    if subject == "phone":
        assert run.ended["ports_left"] == 0
        assert run.ended["troubles"] == []
        assert run.ended["packet_path"].startswith("Python (" if NOT_COMPILED else "C")


def test_without_a_compiler_the_bench_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompiler, match="no C compiler"):
        compiled("media_relay", tmp_path)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


def test_a_figure_prints_its_values_and_its_aim() -> None:
    line = Figure.of_delays("INVITE to pop", [1.0, 2.0, 3.0], aim="p95 ≤ 10 ms").line()
    assert "p50 2" in line
    assert "(aim: p95 ≤ 10 ms)" in line
