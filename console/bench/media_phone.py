"""The phone's side of the media benchmark: the product's own legs, headset server, rooms and recorder, in a process of
their own. It speaks like ``media_relay.c``: ports in the arguments, "HEADSET_PORT Q1 … Qn" on standard output, and
it runs until its standard input ends; then one JSON object says what was lost.
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

import uvloop

from console.bench.processes import allow_descriptors, raise_priority
from console.serve.lifeline import keep_time, keep_time_first
from console.serve.phone import SWITCH_INTERVAL
from recordings.capture import CaptureRecorder
from telephony.media.gathering_loop import GatheringLoop
from telephony.media.headset_server import HeadsetServer
from telephony.media.packet_path import NOT_COMPILED
from telephony.media.ports import MediaPorts
from telephony.media.room import Room
from telephony.media.rtp_leg import RtpLeg
from telephony.settings import PhoneSettings

SECRET = "bench"
CALLER, AGENT = 0, 1


@dataclass(frozen=True)
class Agreed:
    remote_port: int
    codec: str = "PCMA"
    payload_type: int = 8
    dtmf_payload_type: int | None = 101
    remote_host: str = "127.0.0.1"
    direction: str = "sendrecv"


class Phone:
    """The agent of call ``n`` is called ``n``."""

    def __init__(self, data: Path) -> None:
        self.headsets = HeadsetServer(PhoneSettings(headset_port=0, secret=SECRET), self)
        self.ports = MediaPorts("127.0.0.1", (21000, 24999))
        self.recorder = CaptureRecorder(data, asyncio.get_running_loop())
        self.rooms: dict[str, Room] = {}
        self.legs: list[RtpLeg] = []
        self.troubles: list[str] = []

    def headset_connected(self, agent: str, console: str) -> None:
        headset = self.headsets.headset(agent)
        assert headset is not None
        self.rooms[agent].add_headset(AGENT, headset)
        self.rooms[agent].route({CALLER: {AGENT}, AGENT: {CALLER}})

    def headset_lost(self, agent: str, reason: str) -> None:
        self.troubles.append(f"headset {reason}")

    def begin(self, agent: str, remote_port: int) -> int:
        leg = self.ports.open_leg()
        leg.negotiate(Agreed(remote_port))
        tap, _ = self.recorder.open(agent, lambda *_: None, lambda reason, _: self.troubles.append(reason))
        self.legs.append(leg)
        self.rooms[agent] = Room(agent, self.ports.clock, tap)
        self.rooms[agent].add_leg(CALLER, leg)
        return leg.port

    async def end(self) -> dict[str, object]:
        troubles = list(self.troubles)
        pacers = [leg.sender.pacer for leg in self.legs]
        qualities = [room.close()[CALLER] for room in self.rooms.values()]
        await self.headsets.stop()
        await asyncio.to_thread(self.recorder.stop)
        return {
            "left_out": sum(pacer.dropped + pacer.shed for pacer in pacers),
            "lost": sum(quality.lost for quality in qualities),
            "ports_left": self.ports.in_use,
            "troubles": troubles,
            "packet_path": f"Python ({NOT_COMPILED})" if NOT_COMPILED else "C",
        }


async def phone(data: Path, peers: list[int]) -> None:
    served = Phone(data)
    await served.headsets.start()
    ports = [served.begin(str(number), peer) for number, peer in enumerate(peers)]
    print(served.headsets.port, *ports, flush=True)
    keep_time_first()
    gc.collect()
    gc.freeze()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(sys.stdin)
    print(json.dumps(await served.end()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pin", type=int)
    parser.add_argument("data", type=Path)
    parser.add_argument("peers", type=int, nargs="+")
    arguments = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL)
    raise_priority()
    keep_time()
    allow_descriptors(4 * len(arguments.peers) + 200)
    if arguments.pin is not None:
        os.sched_setaffinity(0, {arguments.pin})
    uvloop.run(phone(arguments.data, arguments.peers), loop_factory=GatheringLoop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
