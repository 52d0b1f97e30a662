"""A network that stops for 200 ms between headset and phone: how long until the delay that this left is gone again.

One call through ``media_phone``: what the headset says comes out as RTP, 50 packets a second with the time at which
each was said. While the network is stopped they pile up, and come all at once when it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import struct
import sys
import tempfile
import time

from websockets.asyncio.client import connect

from console.bench.figures import Figure
from console.bench.media_phone import SECRET
from telephony.media.token import sign

STALL = 0.2
#: how much above the delay before the stall counts as shed: one packet's time, in ms
SHED = 20.0
_BEFORE, _AFTER = 2.0, 4.0
_STAMP = struct.Struct("!Q")


async def _delays() -> tuple[float, list[tuple[float, float]]]:
    """When the stall ended (monotonic), and each packet's arrival with its delay in ms."""
    arrived: list[tuple[float, float]] = []
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.setblocking(False)

    def read() -> None:
        with contextlib.suppress(BlockingIOError):
            datagram = udp.recv(2048)
            now = time.monotonic_ns()
            # what the phone made itself, silence, carries no time
            if len(datagram) == 172 and datagram[20:] == bytes([0x55]) * 152:
                arrived.append((now / 1e9, (now - _STAMP.unpack_from(datagram, 12)[0]) / 1e6))

    loop = asyncio.get_running_loop()
    loop.add_reader(udp, read)
    with tempfile.TemporaryDirectory(prefix="stall-bench-") as folder:
        phone = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console.bench.media_phone", folder, str(udp.getsockname()[1]),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert phone.stdout is not None
        assert phone.stdin is not None
        try:
            headset_port = int((await asyncio.wait_for(phone.stdout.readline(), 30)).split()[0])
            url = f"ws://127.0.0.1:{headset_port}/headset?token={sign(SECRET, '0', 'bench')}"
            async with connect(url, compression=None, proxy=None) as headset:

                async def answer_probes() -> None:
                    async for message in headset:
                        if isinstance(message, str) and (probe := json.loads(message)).get("type") == "probe":
                            alive = {"type": "alive", "n": probe["n"], "page_age_ms": 1, "stats": {}}
                            await headset.send(json.dumps(alive))

                answering = asyncio.ensure_future(answer_probes())
                begun = time.monotonic()
                stopped, resumed = begun + _BEFORE, begun + _BEFORE + STALL
                held: list[bytes] = []
                for number in range(round((_BEFORE + STALL + _AFTER) * 50)):
                    await asyncio.sleep(max(0.0, begun + number * 0.02 - time.monotonic()))
                    header = struct.pack("!BBHI", 8, 0, number & 0xFFFF, number * 160)
                    held.append(header + _STAMP.pack(time.monotonic_ns()) + bytes([0x55]) * 152)
                    if not stopped <= time.monotonic() < resumed:
                        for frame in held:
                            await headset.send(frame)
                        held.clear()
                await asyncio.sleep(0.3)
                answering.cancel()
                phone.stdin.close()
                await asyncio.wait_for(phone.wait(), 20)
        finally:
            if phone.returncode is None:
                phone.kill()
                await phone.wait()
            loop.remove_reader(udp)
            udp.close()
    return resumed, arrived


def _shed_at(usual: list[bool]) -> int:
    """From which packet on a second in a row is as usual, a single one that the machine held up aside."""
    for first in range(len(usual) - 50):
        if usual[first] and sum(usual[first : first + 50]) >= 45:
            return first
    return len(usual)


async def measure() -> Figure:
    resumed, arrived = await _delays()
    before = [delay for at, delay in arrived if at < resumed - STALL - 0.1]
    usual = statistics.median(before) if before else float("nan")
    after = [(at, delay) for at, delay in arrived if at >= resumed]
    shed = _shed_at([delay <= usual + SHED for _, delay in after])
    values = {
        "shed after": round(after[shed][0] - resumed, 2) if shed < len(after) else float("inf"),
        "usual delay ms": round(usual, 2),
        "worst delay ms": round(max((delay for _, delay in after), default=float("nan")), 1),
        "delay at the end ms": round(statistics.median([delay for _, delay in after[-25:]] or [float("nan")]), 2),
        "packets": len(arrived),
    }
    return Figure("audio after a 200 ms network stall: time until the added delay is shed", "s", values, "≤ 3 s")
