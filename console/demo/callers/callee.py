"""Simulated people who are called. The last two digits of the number dialled decide what happens:

====  =============================================
01    busy (486)
02    rings, then declines (603)
03    no such number (404)
04    rings and nobody answers
05    switched off (480)
else  rings, answers, talks and hangs up
====  =============================================

Short numbers are the hospital's own desks: somebody is always there.
"""

from __future__ import annotations

import asyncio
import logging
import random

from aiortp.port_allocator import PortAllocator
from aiosipua import IncomingCall
from aiosipua.sdp_negotiate import SdpNegotiationError, negotiate_sdp

from console.demo.callers.caller import Patience, talk_through, until_over
from console.demo.callers.conversation import DEPARTMENT, OUTBOUND, Conversation
from console.demo.callers.trunk import Trunk
from console.demo.callers.voice import PCMA, PCMU, Voice

log = logging.getLogger("sansheng.patients")

BUSY, DECLINES, UNKNOWN, SILENT, OFF = "01", "02", "03", "04", "05"

#: digits of the longest extension
EXTENSION = 5

#: an unanswered telephone stops ringing after a minute
LONGEST_RING = 60.0


class Callees:
    """Everybody who can be called on this trunk. Takes over the trunk's incoming side."""

    def __init__(
        self,
        trunk: Trunk,
        ports: PortAllocator,
        patience: Patience,
        chance: random.Random,
        ring_seconds: float = 4.0,
        conversation: Conversation = OUTBOUND,
    ) -> None:
        self._trunk, self._ports, self._patience, self._chance = trunk, ports, patience, chance
        self._ring_seconds, self._conversation = ring_seconds, conversation
        self._calls: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        trunk.on_call = self._called
        trunk.on_over = self._over

    @property
    def live(self) -> int:
        return len(self._calls)

    async def stop(self) -> None:
        tasks = [task for task, _ in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _called(self, call: IncomingCall) -> None:
        over = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._take(call, over))
        self._calls[call.call_id] = (task, over)
        task.add_done_callback(lambda done: self._done(call, done))

    def _done(self, call: IncomingCall, task: asyncio.Task[None]) -> None:
        self._calls.pop(call.call_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a called patient failed: %r", task.exception())

    def _over(self, call_id: str) -> None:
        if call_id in self._calls:
            self._calls[call_id][1].set()

    async def _take(self, call: IncomingCall, over: asyncio.Event) -> None:
        uri = call.invite.uri
        number = uri.removeprefix("sip:").partition("@")[0].partition(";")[0]
        desk = len(number) <= EXTENSION
        ending = "" if desk else number[-2:]
        refusals = {BUSY: (486, "Busy Here"), UNKNOWN: (404, "Not Found"), OFF: (480, "Temporarily Unavailable")}
        if ending in refusals:
            call.reject(*refusals[ending])
            return
        # a late offer is refused: aiosipua does not show the answer that comes in the ACK
        offer = call.sdp_offer
        address = offer.rtp_address if offer is not None else None
        if offer is None or address is None:
            log.warning("called without an offer of sound")
            call.reject(488, "Not Acceptable Here")
            return
        try:
            _, payload_type = negotiate_sdp(offer, self._trunk.host, 9, [PCMA, PCMU])
        except SdpNegotiationError as problem:
            log.warning("called without a codec we know: %s", problem)
            call.reject(488, "Not Acceptable Here")
            return
        call.ringing()
        if ending == SILENT:
            if not await _within(over, LONGEST_RING):
                call.reject(480, "Temporarily Unavailable")
            return
        if await _within(over, self._ring_seconds * self._chance.uniform(0.6, 1.4)):
            return
        if ending == DECLINES:
            call.reject(603, "Decline")
            return
        voice = await Voice.open(self._trunk.host, self._ports, payload_type)
        try:
            answer, _ = negotiate_sdp(offer, self._trunk.host, voice.port, [PCMA, PCMU])
            call.accept(answer)
            voice.connect(address)
            self._trunk.voices[call.call_id] = voice
            conversation = DEPARTMENT if desk else self._conversation
            await until_over(talk_through(voice, conversation, self._patience, self._chance), over)
            if not over.is_set():
                self._trunk.end(call)
        finally:
            self._trunk.voices.pop(call.call_id, None)
            await voice.close()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
