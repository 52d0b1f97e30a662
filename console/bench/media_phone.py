"""The phone's side of the media benchmark: the product's own legs, headset server, bridges and recorder, in a process
of their own, told what to do by JSON lines on standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from recordings.capture import CaptureRecorder
from telephony.media.bridge import Bridge
from telephony.media.headset_server import HeadsetServer
from telephony.media.ports import MediaPorts
from telephony.settings import PhoneSettings

SECRET = "bench"


@dataclass(frozen=True)
class Agreed:
    remote_port: int
    codec: str = "PCMA"
    payload_type: int = 8
    dtmf_payload_type: int | None = 101
    remote_host: str = "127.0.0.1"
    direction: str = "sendrecv"


def trouble(*what: object) -> None:
    print(json.dumps({"trouble": what}), flush=True)


class Phone:
    def __init__(self, data: Path, record: bool) -> None:
        self.headsets = HeadsetServer(PhoneSettings(headset_port=0, secret=SECRET), self)
        self.ports = MediaPorts("127.0.0.1", (21000, 24999))
        self.bridges: dict[str, Bridge] = {}
        self.recorder: Any = None
        if record:
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


def raise_priority() -> bool:
    """As the phone does where it may: on a busy machine it is not the scheduler that is to be measured."""
    try:
        os.nice(-10)
    except PermissionError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--pin", type=int)
    arguments = parser.parse_args()
    raise_priority()
    if arguments.pin is not None:
        os.sched_setaffinity(0, {arguments.pin})
    uvloop.run(phone(arguments.data, not arguments.no_record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
