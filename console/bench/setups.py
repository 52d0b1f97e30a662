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
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.bench.figures import Figure
from console.bench.media import apart
from console.bench.processes import cpu_seconds, pin_process
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
    """One run. ``cpu`` is CPU seconds of the phone process, ``repeated`` messages that SIPp had to send again."""

    rate: int
    calls: int
    failed: int
    repeated: int
    cpu: float
    events: int

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
        before = cpu_seconds(pid)
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
        last = _last_row(statistics)
    return Setups(
        rate,
        calls,
        calls - int(last.get("SuccessfulCall(C)", 0)),
        int(last.get("Retransmissions(C)", 0)),
        cpu,
        len(client.waiting_events()),
    )


def _last_row(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="", errors="replace") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return rows[-1] if rows else {}


async def _figure(rates: list[int], seconds: float, pin: int | None, note: str) -> Figure:
    values: dict[str, float] = {}
    most = 0
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
                values[f"ms at {rate}"] = round(run.cpu_ms, 2)
                values[f"failed at {rate}"] = run.failed
                values[f"sent again at {rate}"] = run.repeated
                if run.failed:
                    break
                most = rate
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Figure(
        "calls set up per second without a failure, no media, phone on one core",
        "calls/s; CPU ms of the phone a call",
        {"most": most, **values},
        "≥ 250 at ≤ 4 ms",
        note,
    )


def most_setups(rates: list[int], seconds: float) -> Figure:
    """Go up ``rates`` until calls fail (twice). Raises NoSipp."""
    if shutil.which("sipp") is None:
        raise NoSipp("sipp is not installed (apt install sip-tester)")
    with apart() as (pin, note):
        return asyncio.run(_figure(rates, seconds, pin, note))
