"""One call all the way: SIP and RTP in, headset socket, capture, worker, log, replay. Each voice on its side."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recordings.capture import CaptureRecorder
from recordings.ffmpeg import executable
from recordings.worker import RecordingWorker
from telephony.lines.sippy_driver import SippyDriver
from telephony.phone import Phone

SECONDS = 3.0


def level(samples: np.ndarray, hertz: float) -> float:
    """Level (dB full scale) of one frequency."""
    t = np.arange(len(samples)) / 8000
    window = np.hanning(len(samples))
    amplitude = abs(np.sum(samples * window * np.exp(-2j * np.pi * hertz * t))) / window.sum() * 2
    return 20 * math.log10(max(float(amplitude), 1e-7))


def decoded(file: Path) -> np.ndarray:
    command = [executable(), "-v", "error", "-i", str(file), "-f", "s16le", "-ar", "8000", "-ac", "2", "pipe:1"]
    pcm = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(pcm, "<i2").reshape(-1, 2).T / 32768


async def speak(send: Callable[[int, bytes], Any], codes: bytes) -> None:
    """Twenty milliseconds at a time, on the clock."""
    begun = time.monotonic()
    for n in range(len(codes) // 160):
        await asyncio.sleep(max(0.0, begun + n * 0.02 - time.monotonic()))
        done = send(n, codes[n * 160 : n * 160 + 160])
        if asyncio.iscoroutine(done):
            await done


def test_what_both_sides_say_is_replayed_from_the_log(house: Any, tones: tuple[bytes, bytes]) -> None:
    async def body(house: Any) -> None:
        settings = house.config.phone()
        recorder = CaptureRecorder(house.config.data, asyncio.get_running_loop())
        house.phone = Phone(settings, SippyDriver(settings), recorder, "test")
        await house.phone.start()
        await house.phone_there()
        answers: list[bytes] = []
        received = house.source.datagram_received

        def listening(data: bytes, addr: Any) -> None:
            if b"m=audio" in data:
                answers.append(data)
            received(data, addr)

        house.source.datagram_received = listening
        caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        caller.bind(("127.0.0.1", 0))
        try:
            async with house.signed_in("agent1") as client:
                console = await house.console(client)
                headset = await house.headset(client)
                assert (await client.post("/api/agent/state", json={"state": "ready"})).status_code == 200
                call = house.source.invite("13812340001", rtp_port=caller.getsockname()[1])
                offered = await console.frame("call.offered")
                id_ = offered["call"]
                assert (await client.post(f"/api/calls/{id_}/answer")).status_code == 204
                await console.frame("call.answered")
                await house.over(call)
                port = int(re.search(rb"m=audio (\d+)", answers[-1]).group(1))  # type: ignore[union-attr]

                def to_line(n: int, payload: bytes) -> None:
                    head = struct.pack(">BBHII", 0x80, 8, n, 1000 + n * 160, 77)
                    caller.sendto(head + payload, ("127.0.0.1", port))

                def to_headset(n: int, payload: bytes) -> Any:
                    return headset.send(struct.pack(">BBHI", 8, 0, n, n * 160) + payload)

                cut = round(SECONDS * 8000)
                await asyncio.gather(speak(to_line, tones[0][:cut]), speak(to_headset, tones[1][:cut]))
                house.source.bye(call)
                await console.frame("call.ended")
                await console.frame("recording.closed")
                await house.until(lambda: house.desk.store.waiting == 0)
                worker = RecordingWorker(house.desk.engine, house.config.data, name="test")
                assert await asyncio.to_thread(worker.work_once)
                row = (await client.get(f"/api/calls/{id_}")).json()
                recording = row["recording"]
                assert (row["hung_up_by"], recording["state"], recording["channels"]) == ("caller", "ready", 2)
                assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=0.3)
                assert all(gap["seconds"] < 1.0 for gap in recording["gaps"])
                audio = await client.get(recording["url"])
                file = house.folder / "replay.webm"
                file.write_bytes(audio.content)
        finally:
            caller.close()
        sides = await asyncio.to_thread(decoded, file)
        middle = slice(12_000, 20_000)
        assert level(sides[0][middle], 440) == pytest.approx(-10.5, abs=2)
        assert level(sides[1][middle], 1000) == pytest.approx(-10.5, abs=2)
        assert level(sides[0][middle], 1000) < -45
        assert level(sides[1][middle], 440) < -45
        assert await asyncio.to_thread(recorder.stop)

    house(body, phone=False)
