"""Brings the routing document to the phone: when the phone is reached, and after each save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from console.http import ApiError, PhoneLink
from storage.routing import Document

log = structlog.get_logger("console.routing")


class RoutingPush:
    """``in_force`` is the version that the phone goes by, as far as it has said; None before it has. ``trouble`` says
    why the newest version is not in force, empty while it is (or while there is no phone to ask)."""

    def __init__(self, phone: PhoneLink, newest: Callable[[], Awaitable[Document]]) -> None:
        self._phone = phone
        self._newest = newest
        self.document: Document = {}
        self.in_force: int | None = None
        self.trouble = ""

    async def push(self) -> None:
        """Give the phone the newest document. Raises ApiError when it is away or refuses it: it keeps the one it
        has."""
        self.document = document = await self._newest()
        version = int(document["version"])
        try:
            await self._phone.command("routing.set", routing=document)
        except ApiError as error:
            # a phone that is away gets it when it is back: no trouble of the document's
            self.trouble = (
                "" if error.status == 503 else f"version {version} is saved, but the phone refuses it: {error}"
            )
            log.error("the phone does not take the routing document", version=version, reason=str(error))
            raise
        self.trouble, self.in_force = "", version
        log.info("routing in force", version=version)

    def heard(self, event: dict[str, Any]) -> None:
        """Follow the phone's own word of what it goes by."""
        if event.get("type") == "routing.changed" and isinstance(event.get("version"), int):
            self.in_force = event["version"]

    def phone_gone(self) -> None:
        self.in_force = None
