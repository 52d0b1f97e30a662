"""One open console: a bounded queue toward its socket."""

from __future__ import annotations

import asyncio
import itertools
import time

from console.events.visibility import Delivery
from console.identity.user import User

#: frames that may wait for a slow console before it is let go; it resumes from the last it has seen
QUEUE_LIMIT = 2000

REPLACED = 4001
SIGNED_OUT = 4003
TOO_SLOW = 4008
GOING_AWAY = 1012

_numbers = itertools.count(1)


class Console:
    """``deliver`` never waits. Until ``open`` is called (the snapshot is on its way) deliveries are held."""

    def __init__(self, user: User, console_id: str, token: str) -> None:
        self.user = user
        self.console_id = console_id
        self.token = token
        self.number = next(_numbers)
        self.held: list[Delivery] | None = []
        self.close_code = 0
        self.sent = 0
        self._frames: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()

    def deliver(self, delivery: Delivery) -> bool:
        """Put an event in line; False when it is not for this user or the console is being closed."""
        if self.close_code:
            return False
        if self.held is not None:
            if len(self.held) >= QUEUE_LIMIT:
                self.close(TOO_SLOW)
                return False
            self.held.append(delivery)
            return True
        text = delivery.text_for(self.user)
        if text is None:
            return False
        self.put(text, float(delivery.event.get("at") or 0.0) if delivery.pop is not None else 0.0)
        return True

    def put(self, text: str, popped_at: float = 0.0) -> None:
        """Put a frame in line. ``popped_at``: the wall time of the event, where its way to the screen is measured."""
        if self._frames.qsize() >= QUEUE_LIMIT:
            self.close(TOO_SLOW)
            return
        self._frames.put_nowait((text, popped_at))

    def close(self, code: int, last: str = "") -> None:
        """Let the console go with ``code``, after the frame ``last``; what waits in line is dropped."""
        if self.close_code:
            return
        self.close_code = code
        while not self._frames.empty():
            self._frames.get_nowait()
        if last:
            self._frames.put_nowait((last, 0.0))
        self._frames.put_nowait(None)

    async def next_frame(self) -> tuple[str, float] | None:
        """The next frame to send, None when the socket is to be closed with ``close_code``."""
        return await self._frames.get()


def seconds_since(at: float) -> float:
    return max(0.0, time.time() - at)
