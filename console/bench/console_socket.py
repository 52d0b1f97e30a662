"""A console's socket without a loop: when a call was offered there, and what the pop says."""

from __future__ import annotations

import json
import select
import time

from console.bench.text_socket import TextSocket

_OFFERED = b'"call.offered"'
#: seconds for the snapshot that answers the hello
_GREETING = 20.0


class ConsoleSocket(TextSocket):
    """``offered`` holds each call that was offered here, by what it dialled: when (monotonic ns), its id, and the
    pop's ``match``. Other events are let go unread, so that the next one is not late because of them. Once this is
    made, the server has greeted it: the agent is signed in to the floor. Raises ConnectionError where it does not."""

    def __init__(self, address: str, origin: str, cookie: str) -> None:
        super().__init__(address, origin, {"Cookie": cookie})
        self.offered: dict[str, tuple[int, str, str]] = {}
        self.send(json.dumps({"type": "hello", "console": "bench", "after": {}}).encode())
        until = time.monotonic() + _GREETING
        while not any(b'"snapshot"' in text[:30] for text in self.texts()):
            if not select.select([self], [], [], max(0.0, until - time.monotonic()))[0]:
                raise ConnectionError("the server sent no snapshot")

    def read(self, now: int) -> None:
        """Take what has come by ``now`` (monotonic ns)."""
        for text in self.texts():
            if _OFFERED in text[:200]:
                event = json.loads(text)
                match = (event.get("pop") or {}).get("match", "")
                self.offered.setdefault(event["dialled"], (now, event["call"], match))
