"""What a bridged, recorded call costs the phone process, what gets lost and how much delay is added.

Two processes: the phone (legs, headset server, bridges, recorder: the product's own code) and the load, which plays
every telephone (a UDP socket) and every headset (a WebSocket). Each side sends a G.711 packet each 20 ms that carries
its sending time, so that the added delay is read at the other end on the same clock.

    python tests/bench/media_bench.py --calls 50 100 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from telephony.media.bridge import Bridge
from telephony.media.headset_server import HeadsetServer
from telephony.media.ports import MediaPorts
from telephony.media.token import sign
from telephony.settings import PhoneSettings

ROOT = str(Path(__file__).resolve().parents[2])
SECRET = "bench"
FRAME_NS = 20_000_000
#: sending time (monotonic ns) and number, in front of every payload
STAMP = struct.Struct("!QI")
RTP = struct.Struct("!BBHII")
HEADSET = struct.Struct("!BBHI")
FILLER = bytes(range(160 - STAMP.size))
#: how long the load sends before anything is counted
WARM_UP = 2.0


@dataclass(frozen=True)
class Agreed:
    remote_port: int
    codec: str = "PCMA"
    payload_type: int = 8
    dtmf_payload_type: int | None = 101
    remote_host: str = "127.0.0.1"
    direction: str = "sendrecv"


# the phone process


def trouble(*what: object) -> None:
    print(json.dumps({"trouble": what}), flush=True)


class Phone:
    def __init__(self, data: Path, record: bool) -> None:
        self.headsets = HeadsetServer(PhoneSettings(headset_port=0, secret=SECRET), self)
        self.ports = MediaPorts("127.0.0.1", (21000, 24999))
        self.bridges: dict[str, Bridge] = {}
        self.recorder: Any = None
        if record:
            from recordings.capture import CaptureRecorder

            self.recorder = CaptureRecorder(data, asyncio.get_running_loop())

    def headset_connected(self, agent: str, console: str) -> None:
        headset = self.headsets.headset(agent)
        assert headset is not None
        self.bridges[agent].connect(headset)

    def headset_lost(self, agent: str, reason: str) -> None:
        if agent in self.bridges:
            trouble("headset", reason)

    def begin(self, agent: str, remote_port: int) -> int:
        leg = self.ports.open_leg()
        leg.negotiate(Agreed(remote_port))
        tap = None
        if self.recorder is not None:
            tap, _ = self.recorder.open(agent, lambda *_: None, trouble)
        self.bridges[agent] = Bridge(agent, leg, tap)
        return leg.port


async def phone(data: Path, record: bool) -> None:
    loop = asyncio.get_running_loop()
    served = Phone(data, record)
    await served.headsets.start()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    begun = os.times()
    async for line in commands:
        command = json.loads(line)
        answer: dict[str, Any] = {}
        if "begin" in command:
            answer["ports"] = [served.begin(agent, port) for agent, port in command["begin"]]
            answer["headset_port"] = served.headsets.port
        elif "measure" in command:
            gc.collect()
            begun = os.times()
        elif "measured" in command:
            ended = os.times()
            answer["user"], answer["system"] = ended.user - begun.user, ended.system - begun.system
        elif "end" in command:
            bridges = dict(served.bridges)
            served.bridges.clear()
            qualities = [bridge.close() for bridge in bridges.values()]
            pacers = [bridge.leg.sender.pacer for bridge in bridges.values()]
            answer["left_out"] = sum(pacer.dropped + pacer.shed for pacer in pacers)
            answer["lost"] = sum(quality.lost for quality in qualities)
            answer["ignored"] = sum(quality.ignored for quality in qualities)
            await served.headsets.stop()
            if served.recorder is not None:
                await asyncio.to_thread(served.recorder.stop)
            answer["ports_in_use"] = served.ports.in_use
            print(json.dumps(answer), flush=True)
            return
        print(json.dumps(answer), flush=True)


# the load


class Load:
    def __init__(self) -> None:
        self.counting = False
        self.sent = {"line": 0, "headset": 0}
        #: delays by direction (ns), of packets sent while counting
        self.delays: dict[str, list[int]] = {"to_headset": [], "to_line": []}
        self.from_ns = 1 << 63
        self.until_ns = 1 << 63

    def arrived(self, direction: str, payload: bytes) -> None:
        now = time.monotonic_ns()
        sent_at, _ = STAMP.unpack_from(payload)
        if self.from_ns <= sent_at < self.until_ns:
            self.delays[direction].append(now - sent_at)


class LoadHeadset(WSListener):
    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: WSTransport | None = None
        self.started = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        data = frame.get_payload_as_bytes()
        if data[:1] == b"\x08":
            self.load.arrived("to_headset", data[8:])
            return
        if frame.msg_type == WSMsgType.TEXT:
            message = json.loads(data)
            if message["type"] == "probe":
                alive = {"type": "alive", "n": message["n"], "page_age_ms": 5, "stats": {}}
                transport.send(WSMsgType.TEXT, json.dumps(alive).encode())
            elif message["type"] == "start":
                self.started.set()


class LoadCall:
    """One telephone and one headset, each with a phase of its own."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self.agent = f"agent{number}"
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.port: int = self.udp.getsockname()[1]
        self.headset = LoadHeadset(load)
        self.numbers = [0, 0]

    def connect(self, port: int) -> None:
        self.udp.connect(("127.0.0.1", port))
        asyncio.get_running_loop().add_reader(self.udp, self._read)

    def _read(self) -> None:
        try:
            datagram = self.udp.recv(2048)
        except OSError:
            return
        if len(datagram) == 172 and datagram[24:] == FILLER:
            self.load.arrived("to_line", datagram[12:])

    def send_rtp(self) -> None:
        number = self.numbers[0] = self.numbers[0] + 1
        now = time.monotonic_ns()
        header = RTP.pack(0x80, 8, number & 0xFFFF, number * 160 & 0xFFFFFFFF, 4711)
        self.udp.send(header + STAMP.pack(now, number) + FILLER)
        if self.load.from_ns <= now < self.load.until_ns:
            self.load.sent["line"] += 1

    def send_frame(self) -> None:
        number = self.numbers[1] = self.numbers[1] + 1
        now = time.monotonic_ns()
        header = HEADSET.pack(8, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF)
        assert self.headset.transport is not None
        self.headset.transport.send(WSMsgType.BINARY, header + STAMP.pack(now, number) + FILLER)
        if self.load.from_ns <= now < self.load.until_ns:
            self.load.sent["headset"] += 1


async def generate(calls: list[LoadCall], until: float) -> None:
    """Send every stream's packets on time until loop time ``until``."""
    loop = asyncio.get_running_loop()
    streams = [(random.random() * 0.02, send) for call in calls for send in (call.send_rtp, call.send_frame)]
    streams.sort(key=lambda stream: stream[0])
    frame = loop.time() + 0.01
    while frame < until:
        for phase, send in streams:
            wait = frame + phase - loop.time()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            send()
        frame += 0.02


def percentile(values: list[int], share: float) -> float:
    """In ms."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6


async def measure(count: int, seconds: float, record: bool, pin: bool) -> dict[str, Any]:
    """One run of ``count`` calls; see ``run`` for the result."""
    data = Path(tempfile.mkdtemp(prefix="media-bench-"))
    arguments = [sys.executable, __file__, "--role", "phone", "--data", str(data)]
    environment = dict(os.environ, PYTHONPATH=ROOT)
    process = await asyncio.create_subprocess_exec(
        *arguments,
        *([] if record else ["--no-record"]),
        *(["--pin", "0"] if pin else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    troubles: list[Any] = []

    async def ask(command: dict[str, Any]) -> dict[str, Any]:
        process.stdin.write(json.dumps(command).encode() + b"\n")
        while True:
            answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
            if "trouble" not in answer:
                return dict(answer)
            troubles.append(answer["trouble"])

    try:
        load = Load()
        calls = [LoadCall(load, number) for number in range(count)]
        answer = await ask({"begin": [(call.agent, call.port) for call in calls]})
        for call, port in zip(calls, answer["ports"], strict=True):
            call.connect(port)
            token = sign(SECRET, call.agent, "bench")
            url = f"ws://127.0.0.1:{answer['headset_port']}/headset?token={token}"
            await ws_connect(lambda call=call: call.headset, url)
            await asyncio.wait_for(call.headset.started.wait(), 10)
        loop = asyncio.get_running_loop()
        gc.collect()
        gc.freeze()
        sending = loop.create_task(generate(calls, loop.time() + WARM_UP + seconds + 0.5))
        await asyncio.sleep(WARM_UP)
        await ask({"measure": True})
        load.from_ns = time.monotonic_ns()
        load.until_ns = load.from_ns + int(seconds * 1e9)
        await asyncio.sleep(seconds)
        cpu = await ask({"measured": True})
        await sending
        await asyncio.sleep(0.5)
        ended = await ask({"end": True})
        await asyncio.wait_for(process.wait(), 10)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shutil.rmtree(data, ignore_errors=True)
    minutes = count * seconds / 60
    result: dict[str, Any] = {
        "calls": count,
        "seconds": seconds,
        "recorded": record,
        "cpu_per_call_minute": round((cpu["user"] + cpu["system"]) / minutes, 4),
        "system_share": round(cpu["system"] / (cpu["user"] + cpu["system"]), 2),
        "sent": sum(load.sent.values()),
        "lost": sum(load.sent.values()) - sum(len(delays) for delays in load.delays.values()),
        "left_out_by_pacer": ended["left_out"],
        "ports_left": ended["ports_in_use"],
        "troubles": troubles,
    }
    for direction, delays in load.delays.items():
        result[direction] = {f"p{share}_ms": round(percentile(delays, share / 100), 3) for share in (50, 95, 99)}
    return result


def run(calls: list[int], seconds: float = 20.0, record: bool = True, pin: bool = True) -> dict[str, Any]:
    """Measure each number of calls in turn.

    The result is ``{"runs": [...]}``; each run has ``calls``, ``cpu_per_call_minute`` (CPU seconds of the phone),
    ``sent`` and ``lost`` packets of both directions (of the lost ``left_out_by_pacer`` were left out toward the line
    to shed delay, after a stall of the machine), and ``to_headset`` and ``to_line`` with the added delay in ms.
    """
    if pin and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[1:]))
    runs = []
    for count in calls:
        result = uvloop.run(measure(count, seconds, record, pin))
        print(json.dumps(result), flush=True)
        runs.append(result)
    return {"runs": runs}


def raise_priority() -> None:
    """As the phone does where it may: on a busy machine it is not the scheduler that is to be measured."""
    try:
        os.nice(-10)
    except PermissionError:
        print(
            "media_bench: no right to raise the priority, others on this machine disturb the figures", file=sys.stderr
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--no-pin", action="store_true", help="leave the processes to the scheduler")
    parser.add_argument("--role", choices=["load", "phone"], default="load", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--pin", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    raise_priority()
    if arguments.role == "phone":
        if arguments.pin is not None:
            os.sched_setaffinity(0, {arguments.pin})
        uvloop.run(phone(arguments.data, not arguments.no_record))
        return 0
    run(arguments.calls, arguments.seconds, not arguments.no_record, not arguments.no_pin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
