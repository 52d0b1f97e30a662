"""A headset's socket without a loop: when it was said to ring."""

from __future__ import annotations

import json

from console.bench.text_socket import TextSocket


class HeadsetSocket(TextSocket):
    """``rings`` holds when a call was said to ring here, by call (monotonic ns)."""

    def __init__(self, address: str, origin: str) -> None:
        super().__init__(address, origin)
        self.rings: dict[str, int] = {}

    def read(self, now: int) -> None:
        """Take what has come by ``now`` (monotonic ns), and answer the server's probes."""
        for text in self.texts():
            message = json.loads(text)
            if message.get("type") == "ring" and message["on"]:
                self.rings.setdefault(message["call"], now)
            elif message.get("type") == "probe":
                self.send(json.dumps({"type": "alive", "n": message["n"], "page_age_ms": 1, "stats": {}}).encode())
