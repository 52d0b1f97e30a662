"""Agents and supervisors are on the floor while their console is open: signed in when it says hello, out when it has
been gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from console.events.phone_link import PhoneLink
from console.http import ApiError
from console.identity.user import User
from console.routing.agent_profile import AgentProfile

log = structlog.get_logger("console.events")

SPEAKERS = ("agent", "supervisor")


class Presence:
    """``profile_of`` gives the queues and skills of a user name; ``gone_seconds``: so long a console may be away (a
    reload, a cable) before its agent is signed out."""

    def __init__(
        self, phone: PhoneLink, profile_of: Callable[[str], Awaitable[AgentProfile]], gone_seconds: float
    ) -> None:
        self._phone = phone
        self._profile_of = profile_of
        self._gone_seconds = gone_seconds
        self._here: dict[str, User] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def arrived(self, user: User) -> None:
        """The user's console said hello. Who may speak is signed in; a phone process that is away hears of it when
        back."""
        if user.role not in SPEAKERS:
            return
        self._here[user.username] = user
        if timer := self._leaving.pop(user.username, None):
            timer.cancel()
        await self._sign_in(user)

    def left(self, user: User) -> None:
        """The user's last console is gone; it may come back."""
        if self._here.pop(user.username, None) is not None:
            self._leave_later(user.username)

    async def signed_out(self, username: str, *, leave: bool = True) -> None:
        """The user logged out: no waiting, and out of calls that others go on with. ``leave`` is False where the
        session ended by itself: nobody is rung any more, but whoever talks signs in again and goes on."""
        known = self._here.pop(username, None)
        timer = self._leaving.pop(username, None)
        if timer is not None:
            timer.cancel()
        if known is not None or timer is not None:
            await self._sign_out(username, leave=leave)

    async def renew(self, username: str = "") -> None:
        """Queues or skills changed: tell the phone, of whom it concerns or of everybody. Nobody's state changes:
        whom a supervisor has put offline stays it."""
        for user in list(self._here.values()):
            if username in ("", user.username):
                await self._sign_in(user, renew=True)

    async def phone_connected(self, snapshot: dict[str, Any]) -> None:
        """Bring a phone process that has just been reached up to date with who is here."""
        for user in list(self._here.values()):
            await self._sign_in(user, renew=True)
        for agent in snapshot.get("agents", ()):
            name = agent["agent"]
            if agent["status"] != "offline" and name not in self._here and name not in self._leaving:
                self._leave_later(name)

    async def stop(self) -> None:
        for timer in self._leaving.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _leave_later(self, username: str) -> None:
        self._leaving[username] = asyncio.get_running_loop().call_later(self._gone_seconds, self._leave_now, username)

    def _leave_now(self, username: str) -> None:
        self._leaving.pop(username, None)
        task = asyncio.ensure_future(self._sign_out(username))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sign_in(self, user: User, *, renew: bool = False) -> None:
        profile = await self._profile_of(user.username)
        # left out: none
        skills = {"skills": dict(profile.skills)} if profile.skills else {}
        # a supervisor may listen and take over, and is offered no calls
        queues = list(profile.queues) if user.role == "agent" else []
        try:
            await self._phone.command(
                "agent.sign_in", agent=user.username, name=user.display_name, queues=queues, renew=renew, **skills
            )
        except ApiError as error:
            log.warning("an agent could not be signed in to the floor", agent=user.username, reason=str(error))

    async def _sign_out(self, username: str, *, leave: bool = False) -> None:
        """``leave``: nobody comes back, so nobody waits for their headset in a conference."""
        try:
            await self._phone.command("agent.sign_out", agent=username, leave=leave)
            log.info("agent signed out of the floor", agent=username)
        except ApiError as error:
            log.warning("an agent could not be signed out of the floor", agent=username, reason=str(error))
