"""Calls with real recordings: events into the database, captures through the real worker."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from recordings.capture_format import END, END_NOTE, RECORD, CaptureHeader
from recordings.g711 import LINEAR
from recordings.worker import RecordingWorker
from storage.database import reading, transaction
from storage.event_log import append_events
from storage.recordings import of_call

_VALUES = sorted((value, code) for code, value in enumerate(LINEAR[8]))


def _nearest(sample: float) -> int:
    return min(_VALUES, key=lambda pair: abs(pair[0] - sample))[1]


def alaw(shape: Callable[[float], float], seconds: float) -> bytes:
    """``shape(t)`` from -1 to 1 as A-law; looked up through a table of 8-bit steps, which is good enough for a tone."""
    table = [_nearest((step - 128) * 256) for step in range(257)]
    return bytes(table[round(shape(n / 8000) * 127) + 128] for n in range(round(seconds * 8000)))


@dataclass
class Log:
    """Writes calls into the database of a house."""

    engine: Engine
    data: Path
    sequence: int = 0

    def event(self, kind: str, call: str, at: float, /, **more: Any) -> None:
        self.sequence += 1
        event = {"type": kind, "node": "phone9", "sequence": self.sequence, "at": at, "call": call, "monotonic": 0}
        with transaction(self.engine) as conn:
            append_events(conn, [event | more])

    def answered(
        self, call: str, at: float, agent: str = "agent1", number: str = "13812340001", talk: float = 6.0
    ) -> None:
        self.event("call.started", call, at, direction="inbound", line="trunk", number=number, queue="default")
        self.event("call.caller_ring", call, at, ring=1)
        self.event("call.offered", call, at + 0.1, agent=agent, offer=1, number=number, line="trunk")
        self.event("call.agent_ring", call, at + 0.1, agent=agent, ring=1)
        self.event(
            "call.answered",
            call,
            at + 3,
            agent=agent,
            codec="PCMA",
            caller_rings=1,
            agent_rings=1,
            within_three_rings=True,
            wait_seconds=3.0,
            rule_version=1,
        )
        end = {"by": "caller", "sip_status": 200, "reason": "bye", "caller_rings": 1, "agent_rings": 1, "agent": agent}
        self.event("call.ended", call, at + 3 + talk, talk_seconds=talk, **end)

    def abandoned(self, call: str, at: float, number: str = "13812340001") -> None:
        self.event("call.started", call, at, direction="inbound", line="trunk", number=number, queue="default")
        self.event("call.ended", call, at + 7, by="caller", sip_status=487, reason="cancelled", caller_rings=2)

    def recorded(self, call: str, at: float, *parties: bytes) -> str:
        """Finish a capture of these A-law streams, caller first, with the real worker; gives the recording's id."""
        path = f"recordings/raw/2026/03/01/{call}.cap"
        zero = 10**12
        records = [
            (zero + n * 20_000_000, RECORD.pack(leg, 8, 160, n * 160, zero + n * 20_000_000) + codes[n * 160 :][:160])
            for leg, codes in enumerate(parties)
            for n in range(len(codes) // 160)
        ]
        ended = zero + len(parties[0]) * 125_000
        content = CaptureHeader(call, round((at + 3) * 1e9), zero).pack()
        content += b"".join(record for _, record in sorted(records))
        content += RECORD.pack(END_NOTE, 0, END.size, 0, ended) + END.pack(len(records), 0)
        (self.data / path).parent.mkdir(parents=True, exist_ok=True)
        (self.data / path).write_bytes(content)
        self.event("recording.started", call, at + 3, path=path)
        self.event("recording.closed", call, at + 10, path=path, bytes=len(content), packets=len(records))
        assert RecordingWorker(self.engine, self.data, name="test").work_once()
        with reading(self.engine) as conn:
            (found,) = of_call(conn, call)
        assert found.state == "ready", found.error
        return found.id


@pytest.fixture
def log_of() -> Callable[[Any], Log]:
    """``log_of(house)``: its call log, to be written to."""
    return lambda house: Log(house.desk.engine, house.config.data)


@pytest.fixture
def pitched() -> Callable[[float, float], bytes]:
    """``pitched(hertz, seconds)``: a tone as A-law."""
    return lambda hertz, seconds: alaw(lambda t: 0.3 * math.sin(2 * math.pi * hertz * t), seconds)


@pytest.fixture
def tones() -> tuple[bytes, bytes]:
    """Six seconds of 440 Hz and of 1000 Hz."""
    return tuple(alaw(lambda t, f=f: 0.3 * math.sin(2 * math.pi * f * t), 6.0) for f in (440.0, 1000.0))  # type: ignore[misc,return-value]


@pytest.fixture
def sweeps() -> tuple[bytes, bytes]:
    """Twenty seconds whose pitch tells the time: on the caller's side a sweep from 300 to 3300 Hz each second, on the
    agent's a tone for each second, 300 Hz and 60 more a second."""

    def sweep(t: float) -> float:
        u = t % 1
        return 0.3 * math.sin(2 * math.pi * (300 * u + 1500 * u * u))

    def stairs(t: float) -> float:
        return 0.2 * math.sin(2 * math.pi * (300 + 60 * int(t)) * (t % 1))

    return alaw(sweep, 20.0), alaw(stairs, 20.0)
