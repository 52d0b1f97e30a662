"""Each part of the capacity benchmark measures what it says, here in small."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.bench import chromium, freed, media, others, pop, run, setups, stall
from console.bench.figures import Figure
from console.bench.product import Product, running


def test_calls_set_up_by_sipp_are_counted_with_what_each_costs(tmp_path: Path) -> None:
    async def work() -> setups.Setups:
        product = Product(tmp_path / "data")
        product.write_config()
        async with setups.phone_alone(product) as (pid, client):
            await client.command("routing.set", routing=setups.ROUTING)
            return await setups.measure(product, pid, client, 20, 1.0)

    found = asyncio.run(work())
    assert (found.calls, found.failed) == (20, 0)
    assert 0 < found.cpu_ms < 500
    # each call began, was picked up, ended, and its recording was closed
    assert found.events >= 4 * found.calls


def test_without_sipp_the_bench_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(setups.NoSipp, match="not installed"):
        setups.most_setups([10], 1.0)


def test_rings_through_the_queue_are_timed_to_the_agents_socket(tmp_path: Path) -> None:
    product = Product(tmp_path / "data")
    product.write_config()
    agents = ["bench1", "bench2"]
    numbers = run._fill(product, 50, agents)
    with running(product):
        ring, popped, ringing, _ = asyncio.run(pop.measure(product, agents, numbers, 10.0, 4))
        at_headset, at_console = asyncio.run(freed.measure(product, agents[0], numbers, 3))
    assert ring.values["n"] == popped.values["n"] == ringing.values["n"] == 4
    assert popped.values["p50"] > ring.values["p50"] > 0
    assert ringing.values["p50"] > 0
    assert at_headset.values["n"] == at_console.values["n"] == 3
    assert 0 < at_headset.values["p50"] <= at_console.values["p50"]


def test_the_disturbance_runs_beside_the_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "WARM_UP", 0.3)
    figure = media.disturbance(2, 1.0)
    assert figure.values["JSON texts"] > 0
    assert figure.values["queries"] > 0
    assert figure.values["p99 disturbed"] > 0


def test_after_a_stall_of_the_network_the_added_delay_is_shed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "_BEFORE", 0.6)
    monkeypatch.setattr(stall, "_AFTER", 2.0)
    figure = asyncio.run(stall.measure())
    assert figure.values["worst delay ms"] > 100
    assert 0 < figure.values["shed after"] < 3
    assert figure.values["delay at the end ms"] < figure.values["usual delay ms"] + stall.SHED


def test_the_figures_of_the_journeys_instrument_are_read() -> None:
    printed = (
        "\nmicrophone to RTP, quiet page: p50 27.0 ms, p95 32.1 ms, max 40.0 ms, n 33\n."
        "\nmicrophone to RTP, stalling page: p50 27.5 ms, p95 32.0 ms, max 41.0 ms, n 33\n"
    )
    quiet, stalling, added = chromium.figures(printed)
    assert quiet.values == {"p50": 27.0, "p95": 32.1, "max": 40.0, "n": 33}
    assert (quiet.aim, quiet.void, stalling.name) == ("p95 ≤ 42 ms", "", "Chromium, microphone to RTP, stalling page")
    assert added.values == {"p50": 0.5, "p95": -0.1}
    assert {figure.void for figure in chromium.figures(printed + "\nvoid: the machine is busy\n")} == {
        "the machine is busy"
    }
    assert chromium.INSTRUMENT.exists()


def test_a_run_beside_others_who_work_is_void_and_one_beside_our_own_work_is_not() -> None:
    own = "import time\nwhile time.process_time() < 0.5: pass"
    watch = others.Watch()
    subprocess.run([sys.executable, "-c", own], check=True)
    share = watch.others()
    # the clock of /proc ticks a hundred times a second
    assert others.used_between(watch.us, others.used_by_us()) >= 0.47
    # what the rest of the machine does is not known here; that ours is taken off is
    assert share <= (others.used_by_all() - watch.all - 0.47) / (0.5 * (os.cpu_count() or 1))
    watch = others.Watch(begun=time.monotonic() - 1.0, us=dict.fromkeys(others.used_by_us(), (-1.0, 0.0)))
    assert watch.others() == 0.0
    watch = others.Watch(begun=time.monotonic() - 1.0, all=others.used_by_all() - 1.0)
    (figure,) = watch.judge([Figure("delay", "ms", {"p95": 1.0})])
    assert "of the machine's processors" in figure.void
    assert "VOID" in figure.line()


def test_what_somebody_who_is_gone_had_used_before_is_no_work_of_others() -> None:
    before = {1: (5.0, 0.0), 2: (3.0, 0.0)}
    assert others.used_between(before, {1: (6.0, 0.0)}) == 1.0, "nobody of ours waited for it"
    assert others.used_between(before, {1: (6.0, 3.5)}) == 1.5, "its parent has all of its time at once"
    assert others.used_between(before, {1: (6.0, 0.0), 2: (3.25, 0.0), 3: (0.5, 0.0)}) == 1.75


def test_a_run_whose_own_loop_was_late_is_void() -> None:
    async def work() -> others.Watch:
        watch = others.Watch()
        async with watch.beating():
            for _ in range(3):
                asyncio.get_running_loop().call_later(0.06, time.sleep, 0.1)
                await asyncio.sleep(0.08)
            await asyncio.sleep(0.06)
        return watch

    assert "late" in asyncio.run(work()).void()


def test_a_part_alone_is_written_with_machine_and_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "WARM_UP", 0.3)
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    arguments = parser.parse_args(["--only", "cost", "--calls", "2", "--seconds", "1", "--output", str(tmp_path)])
    assert run.run(arguments) == 0
    (written,) = tmp_path.glob("bench-*.json")
    body = json.loads(written.read_text())
    assert body["machine"]["cores"] >= 1
    cost = body["figures"][0]["values"]
    assert cost["ratio"] == pytest.approx(cost["phone"] / cost["C relay"], rel=0.1) or cost["C relay"] == 0
