"""The media benchmark measures what it says it measures."""

from __future__ import annotations

import math

import uvloop

from console.bench import media
from console.bench.figures import Figure, percentile


def test_the_media_bench_measures_bridged_recorded_calls() -> None:
    result = uvloop.run(media.measure(4, 1.5, record=True, pin=False))
    # 4 calls, two directions, 50 a second; a busy machine may hold a few back
    assert 400 <= result["sent"] <= 650
    assert result["lost"] <= result["sent"] // 4
    assert 0 < result["cpu_per_call_minute"] < 20
    assert min(result["delays_ms"]["to_headset"]) > 0
    assert min(result["delays_ms"]["to_line"]) > 0
    assert result["ports_left"] == 0
    assert result["troubles"] == []


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


def test_a_figure_prints_its_values_and_its_aim() -> None:
    line = Figure.of_delays("INVITE to pop", [1.0, 2.0, 3.0], aim="p95 ≤ 10 ms").line()
    assert "p50 2" in line
    assert "(aim: p95 ≤ 10 ms)" in line
