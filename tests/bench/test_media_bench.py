import importlib.util
import sys
from pathlib import Path

import uvloop


def test_the_media_bench_measures_bridged_recorded_calls() -> None:
    path = Path(__file__).with_name("media_bench.py")
    spec = importlib.util.spec_from_file_location("media_bench", path)
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    sys.modules["media_bench"] = bench
    try:
        spec.loader.exec_module(bench)
        result = uvloop.run(bench.measure(4, 1.5, record=True, pin=False))
    finally:
        del sys.modules["media_bench"]
    # 4 calls, two directions, 50 a second; a busy machine may hold a few back
    assert 400 <= result["sent"] <= 650
    assert result["lost"] <= result["sent"] // 4
    assert 0 < result["cpu_per_call_minute"] < 20
    assert result["to_headset"]["p50_ms"] > 0
    assert result["to_line"]["p50_ms"] > 0
    assert result["ports_left"] == 0
    assert result["troubles"] == []
