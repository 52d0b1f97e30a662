"""When a caller hears the agent, by what comes to an ``RtpVoice``."""

from __future__ import annotations

import asyncio

from rtp_voice import RtpVoice

from recordings.g711 import LINEAR


async def heard(voice: RtpVoice, since: float) -> float:
    """When (monotonic) the caller heard the agent's microphone after ``since``: three packets in a row with its
    tone."""
    async with asyncio.timeout(20):
        while True:
            packets = [(at, data) for at, data in voice.received if at >= since]
            for place in range(len(packets) - 2):
                if all(loud(data) for _, data in packets[place : place + 3]):
                    return packets[place][0]
            await asyncio.sleep(0.02)


def loud(datagram: bytes) -> bool:
    table = LINEAR[datagram[1] & 0x7F]
    return max(abs(table[code]) for code in datagram[12:]) > 1000
