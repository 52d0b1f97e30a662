"""A simulated patient who calls: rings, says a sentence, listens, says the next, and hangs up; or gives up waiting."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from dataclasses import dataclass

from aiortp.port_allocator import PortAllocator

from console.demo.callers import clip
from console.demo.callers.conversation import Conversation
from console.demo.callers.trunk import Trunk
from console.demo.callers.voice import Voice

log = logging.getLogger("sansheng.patients")


@dataclass(frozen=True, slots=True)
class Patience:
    """``ring_seconds`` until the caller gives up; ``turn_seconds`` to wait for the other side to speak and pause."""

    ring_seconds: float = 55.0
    turn_seconds: float = 7.0


@dataclass(frozen=True, slots=True)
class CallReport:
    """``hung_up_by``: ``caller``, ``desk``, or empty for a call that never stood. ``heard``: RTP packets."""

    status: int
    seconds: float = 0.0
    hung_up_by: str = ""
    heard: int = 0
    loudest: float = float("-inf")


async def call(
    trunk: Trunk,
    ports: PortAllocator,
    number: str,
    dialled: str,
    conversation: Conversation,
    patience: Patience = Patience(),
    chance: random.Random | None = None,
    key: str = "",
) -> CallReport:
    """Place one call from ``number`` (empty: withheld) to ``dialled`` and live it to its end.

    ``key``: what the caller presses in the menu that answers, before waiting for a human voice.
    """
    chance = chance or random.Random()
    voice = await Voice.open(trunk.host, ports)
    leg = trunk.dial(number, dialled, voice.offer(trunk.host))
    try:
        await asyncio.wait({leg.outcome}, timeout=patience.ring_seconds)
        if not leg.outcome.done():
            trunk.release(leg)
        outcome = await leg.outcome
        if outcome.status != 200:
            return CallReport(outcome.status)
        address = outcome.sdp.rtp_address if outcome.sdp else None
        if address is None:
            log.warning("answered without an address to send sound to; hanging up")
            return CallReport(200, hung_up_by="caller")
        began = asyncio.get_running_loop().time()
        voice.connect(address)
        trunk.voices[leg.call.call_id] = voice
        talk = talk_through(voice, conversation, patience, chance)
        await until_over(_through_the_menu(voice, key, talk, patience, chance) if key else talk, leg.over)
        seconds = asyncio.get_running_loop().time() - began
        by = "desk" if leg.over.is_set() else "caller"
        return CallReport(200, seconds, by, voice.packets_heard, voice.loudest)
    finally:
        trunk.release(leg)
        trunk.voices.pop(leg.call.call_id, None)
        await voice.close()


async def _through_the_menu(
    voice: Voice, key: str, talk: Coroutine[None, None, None], patience: Patience, chance: random.Random
) -> None:
    try:
        await asyncio.sleep(chance.uniform(2.0, 6.0))
        voice.interrupt()
        voice.key(key)
        # the menu may end its word; from then on only ring-back comes until somebody answers
        await asyncio.sleep(1.0)
        if await voice.listen(patience.ring_seconds):
            await talk
    finally:
        talk.close()


async def until_over(talk: Coroutine[None, None, None], over: asyncio.Event) -> None:
    """Run ``talk`` to its end or until ``over`` is set, whichever comes first. Raises what ``talk`` raised."""
    talking = asyncio.ensure_future(talk)
    ending = asyncio.ensure_future(over.wait())
    try:
        await asyncio.wait({talking, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (talking, ending):
            task.cancel()
        results = await asyncio.gather(talking, ending, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def talk_through(voice: Voice, conversation: Conversation, patience: Patience, chance: random.Random) -> None:
    """The whole of one side of a conversation: waits for the greeting, then speaks in turns."""
    await voice.listen(min(4.0, patience.turn_seconds))
    for name in conversation.clip_names():
        await voice.say(clip.frames(clip.FOLDER / name))
        await voice.listen(patience.turn_seconds)
    await asyncio.sleep(chance.uniform(0.3, 1.5))
