"""A running product whose routing a test writes, and the telephones around it: what each caller hears is a tone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from baresip_phone import Baresip
from product_house import PATIENCE, House
from tones import RATE, level_of, write_tone

from console.bench.product import PASSWORD
from console.config_file import load_config
from telephony.rules import Rules
from telephony.seam.client import SeamClient

#: what prompts of the tests' own sound like (Hz); the phone's own ring-back tone is 450 Hz
GREETING, WRONG, CLOSED, MUSIC, NOTICE = 640.0, 800.0, 560.0, 720.0, 880.0
RINGBACK, BEEP = 450.0, 1000.0
#: dBFS from which on a pitch is there
AUDIBLE = -32.0
#: seconds of each prompt
PROMPTS = {
    "tone-greeting": (GREETING, 3.0),
    "tone-wrong": (WRONG, 0.8),
    "tone-closed": (CLOSED, 1.5),
    "tone-music": (MUSIC, 5.0),
    "tone-notice": (NOTICE, 1.0),
    "tone-brief": (GREETING, 0.6),
}
_numbers = itertools.count(1)


class Switchboard:
    """``house`` is opened (``watching``) by ``open_switchboard``; its routing is put back at the end."""

    def __init__(self, house: House, baresip: Callable[..., Baresip]) -> None:
        self.house = house
        self._baresip = baresip
        #: how many events of a telephone are of calls before
        self._past: dict[Baresip, int] = {}

    # ---- routing

    async def route(self, entries: dict[str, dict[str, Any]], queues: Sequence[dict[str, Any]], **more: Any) -> int:
        """Each number dialled goes to its step, all others to the first queue; gives the version in force."""
        first = queues[0]["name"]
        told = [{"dialled": dialled, **_entry(step)} for dialled, step in entries.items()]
        document = {"entries": [*told, {"to": {"kind": "queue", "queue": first}}], "queues": list(queues), **more}
        return await self.save(document)

    async def save(self, document: dict[str, Any]) -> int:
        answer = await self.put(document)
        assert answer.status_code == 200, answer.text
        assert answer.json()["in_force"], answer.text
        return int(answer.json()["version"])

    async def put(self, document: dict[str, Any]) -> Any:
        """The answer of the API, whatever it is."""
        newest = (await self.house.api.get("/api/routing")).json()["version"]
        return await self.house.api.put("/api/routing", json={"routing": document, "base_version": newest})

    async def prompt(self, name: str, hertz: float, seconds: float) -> None:
        """A prompt of this name, which is a tone; also in the place of one that ships."""
        file = self.house.folder / f"prompt-{name}.wav"
        write_tone(file, hertz, -19.0, seconds)
        asked = {"name": name, "replace": "true"}
        made = await self.house.api.post("/api/routing/prompts", params=asked, content=file.read_bytes())
        assert made.status_code in (200, 201), made.text

    async def profile(self, user: str, **profile: Any) -> None:
        """``queues``, ``skills`` or ``mobile`` of an agent."""
        answer = await self.house.api.patch(f"/api/users/{user}", json=profile)
        assert answer.status_code == 200, answer.text

    async def user(self, name: str, role: str = "agent") -> None:
        """One more who may sign in, with everybody's password."""
        wish = {"username": name, "password": PASSWORD, "role": role}
        answer = await self.house.api.post("/api/users", json=wish)
        assert answer.status_code in (201, 409), answer.text

    @contextlib.asynccontextmanager
    async def rules(self, **wanted: float) -> AsyncIterator[None]:
        """Rules of the house for a while."""
        listed = (await self.house.api.get("/api/rules")).json()["rules"]
        before = {one["name"]: one["value"] for one in listed if one["name"] in wanted}
        assert set(before) == set(wanted)
        for name, value in wanted.items():
            await self.house.set_rule(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                await self.house.set_rule(name, value)

    @contextlib.asynccontextmanager
    async def phone_rules(self, **wanted: float) -> AsyncIterator[None]:
        """Rules that the phone has and no page sets, until they are put back to what they are."""
        path = load_config(self.house.product.config, {}).phone().seam_path
        seam = await SeamClient.connect(path)
        try:
            await seam.command("rules.set", rules={name: {"value": value} for name, value in wanted.items()})
            yield
        finally:
            usual = {name: {"value": getattr(Rules(), name)} for name in wanted}
            await seam.command("rules.set", rules=usual)
            await seam.close()

    # ---- telephones

    async def phone(self, tone: float = 300.0, number: str = "", **options: Any) -> Baresip:
        """A telephone in town with a number of its own."""
        number = number or f"1391234{next(_numbers):04d}"
        voice = self.house.folder / f"town-{tone:g}.wav"
        if not voice.exists():
            write_tone(voice, tone, -12.0, 20.0)
        # starting it takes its time, in which the headsets of agents want to be alive
        return await asyncio.to_thread(self._baresip, number, source=voice, **options)

    async def phones(self, count: int) -> list[Baresip]:
        return await asyncio.gather(*(self.phone() for _ in range(count)))

    async def call(self, dialled: str, phone: Baresip) -> str:
        """Dial; gives the call's id."""
        begun = len(self.house.events)
        await asyncio.to_thread(phone.dial, f"sip:{dialled}@127.0.0.1:{self.house.product.sip}")
        masked = f"{phone.user[:3]}****{phone.user[-4:]}"
        async with asyncio.timeout(PATIENCE), self.house.news:
            await self.house.news.wait_for(lambda: self._started(masked, dialled, begun) is not None)
        return str(self._started(masked, dialled, begun))

    async def hang_up(self, phone: Baresip, call: str) -> None:
        """The telephone ends its call, or gives it up."""
        await asyncio.to_thread(phone.hang_up)
        await self.over(phone, call)

    async def over(self, phone: Baresip, call: str) -> None:
        """Wait until both sides know that the call is over."""
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED", after=self._past.get(phone, 0))
        self._past[phone] = len(phone.events)
        await self.house.event("call.ended", call=call)

    def _started(self, masked: str, dialled: str, begun: int) -> str | None:
        wanted = {"type": "call.started", "number": masked, "dialled": dialled}
        return next((e["call"] for e in self.house.events[begun:] if wanted.items() <= e.items()), None)


def _entry(step: dict[str, Any]) -> dict[str, Any]:
    """A step alone, or an entry with its step under ``to``."""
    return step if "to" in step else {"to": step}


def to_queue(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "queue", "queue": name, **more}


def melody(phone: Baresip, *pitches: float, least: float = 0.3) -> list[float]:
    """The pitches that a telephone heard in its last call, in order; those shorter than ``least`` seconds do not count,
    nor do pauses."""
    samples = phone.heard(edge=0.0).samples
    step = RATE // 10
    blocks = []
    for at in range(0, len(samples) - step + 1, step):
        level, pitch = max((level_of(samples[at : at + step], hertz), hertz) for hertz in pitches)
        blocks.append(pitch if level > AUDIBLE else 0.0)
    runs = [(pitch, len(list(same))) for pitch, same in itertools.groupby(blocks)]
    heard = [pitch for pitch, count in runs if pitch and count >= round(least * 10)]
    return [pitch for pitch, _ in itertools.groupby(heard)]


@contextlib.asynccontextmanager
async def open_switchboard(house: House, baresip: Callable[..., Baresip]) -> AsyncIterator[Switchboard]:
    async with house.watching():
        board = Switchboard(house, baresip)
        before = (await house.api.get("/api/routing")).json()
        known = {one["name"] for one in (await house.api.get("/api/routing/prompts")).json()["prompts"]}
        for name, (hertz, seconds) in PROMPTS.items():
            if name not in known:
                await board.prompt(name, hertz, seconds)
        try:
            yield board
        finally:
            await board.save(before["routing"])


@pytest.fixture
def switchboard(house: House, baresip: Callable[..., Baresip]) -> Callable[[], Any]:
    """``async with switchboard() as board``."""
    return lambda: open_switchboard(house, baresip)
