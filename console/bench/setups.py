"""How many calls a second the phone sets up, and what each costs: SIPp calls the menu, is answered and hangs up.

The phone is the product's own phone process with everything that belongs to a call (events, journal, seam with one
client, a recording that begins and ends); no audio is sent to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.bench.figures import Figure
from console.bench.media import MOST_WAITED, apart
from console.bench.processes import cpu_seconds, pin_process, waited_for_others
from console.bench.product import Product, free_port
from telephony.seam.client import SeamClient, SeamClosed

SCENARIO = Path(__file__).with_name("setups.xml")
#: every call goes to the menu, which answers
ROUTING: dict[str, Any] = {
    "version": 1,
    "entries": [{"line": "trunk", "to": {"kind": "menu", "menu": "main"}}],
    "menus": [
        {
            "name": "main",
            "greeting": "menu-main",
            "choices": [{"digit": "1", "to": {"kind": "queue", "queue": "default"}}],
            "gave_up": {"kind": "queue", "queue": "default"},
        }
    ],
    "queues": [{"name": "default"}],
}


class NoSipp(Exception):
    """SIPp is not installed."""


@dataclass(slots=True)
class Setups:
    """One run. ``cpu`` is CPU seconds of the phone process, ``repeated`` messages that SIPp had to send again,
    ``waited`` the share of the time in which the phone was ready and another process had its processor."""

    rate: int
    calls: int
    failed: int
    repeated: int
    cpu: float
    events: int
    waited: float

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu / self.calls


@contextlib.asynccontextmanager
async def phone_alone(product: Product) -> AsyncIterator[tuple[int, SeamClient]]:
    """The phone process without web and worker; gives its pid and a client of its seam."""
    process = product.start_phone()
    try:
        for _ in range(200):
            try:
                client = await SeamClient.connect(product.data / "run" / "phone.sock", after=0)
                break
            except SeamClosed:
                await asyncio.sleep(0.1)
        else:
            raise RuntimeError(f"the phone did not start:\n{product.log.read_text(errors='replace')[-2000:]}")
        yield process.pid, client
        await client.close()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


async def measure(product: Product, pid: int, client: SeamClient, rate: int, seconds: float) -> Setups:
    """One rate for ``seconds``. Raises NoSipp."""
    program = shutil.which("sipp")
    if program is None:
        raise NoSipp("sipp is not installed (apt install sip-tester)")
    calls = max(1, round(rate * seconds))
    with tempfile.TemporaryDirectory(prefix="setups-") as folder:
        statistics = Path(folder) / "statistics.csv"
        options = {
            "-sf": SCENARIO, "-i": "127.0.0.1", "-p": free_port(socket.SOCK_DGRAM), "-mp": free_port(socket.SOCK_DGRAM),
            "-m": calls, "-r": rate, "-l": 20 * rate, "-s": "1000", "-timeout": f"{seconds + 40:.0f}s",
            "-stf": statistics, "-fd": 1,
        }  # fmt: skip
        words = [str(word) for pair in options.items() for word in pair]
        client.waiting_events()
        before, waited, begun = cpu_seconds(pid), waited_for_others(pid), time.monotonic()
        process = await asyncio.create_subprocess_exec(
            program, f"127.0.0.1:{product.sip}", *words, "-nostdin", "-trace_stat",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), seconds + 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        # the calls' ends: recordings closed, ports released
        await asyncio.sleep(1.0)
        cpu = cpu_seconds(pid) - before
        waited = max(0.0, waited_for_others(pid) - waited) / (time.monotonic() - begun)
        last = _last_row(statistics)
    return Setups(
        rate,
        calls,
        calls - int(last.get("SuccessfulCall(C)", 0)),
        int(last.get("Retransmissions(C)", 0)),
        cpu,
        len(client.waiting_events()),
        waited,
    )


def _last_row(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="", errors="replace") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return rows[-1] if rows else {}


async def _figures(rates: list[int], seconds: float, pin: int | None, note: str) -> list[Figure]:
    cost: dict[str, float] = {}
    failed: dict[str, float] = {}
    most, void = 0, ""
    folder = Path(tempfile.mkdtemp(prefix="setups-bench-"))
    product = Product(folder / "data")
    product.write_config()
    try:
        async with phone_alone(product) as (pid, client):
            if pin is not None:
                pin_process(pid, pin)
            await client.command("routing.set", routing=ROUTING)
            await measure(product, pid, client, 20, 1.0)
            for rate in rates:
                for _ in range(2):
                    run = await measure(product, pid, client, rate, seconds)
                    if run.failed == 0:
                        break
                cost[f"at {rate}"] = round(run.cpu_ms, 2)
                failed[f"failed at {rate}"] = run.failed
                failed[f"sent again at {rate}"] = run.repeated
                failed[f"core taken by others % at {rate}"] = round(100 * run.waited, 1)
                if run.failed:
                    if run.waited > MOST_WAITED:
                        void = f"others had the phone's processor for {100 * run.waited:.1f} % of the time"
                    break
                most = rate
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # a rate that was carried is one whatever else ran; one that was not says nothing then
    capped = f"what failed at {rate} is void: {void}" if void and most else note
    return [
        Figure(
            "calls set up per second without a failure, no media, phone on one core",
            "calls/s",
            {"most": most, **failed},
            "≥ 250",
            capped,
            "" if most else void,
        ),
        Figure("CPU of the phone for a call set up, by calls a second", "ms", cost, "≤ 4 ms at 250"),
    ]


def most_setups(rates: list[int], seconds: float) -> list[Figure]:
    """Go up ``rates`` until calls fail (twice); the rate, and what a call costs. Raises NoSipp."""
    if shutil.which("sipp") is None:
        raise NoSipp("sipp is not installed (apt install sip-tester)")
    with apart() as (pin, note):
        return asyncio.run(_figures(rates, seconds, pin, note))
