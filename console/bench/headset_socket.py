"""A headset's socket without a loop: the upgrade, and the text frames of a server on loopback (RFC 6455)."""

from __future__ import annotations

import json
import secrets
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

_TEXT = 0x81


class HeadsetSocket:
    """Open on construction, non-blocking from then on. ``rings`` holds when a call was said to ring here, by call
    (monotonic ns). Raises ConnectionError where the server does not take the upgrade."""

    def __init__(self, address: str, origin: str) -> None:
        url = urlsplit(address)
        self.rings: dict[str, int] = {}
        self._waiting = b""
        self._socket = socket.create_connection((url.hostname or "", url.port or 80), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._waiting:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError("the headset's server closed the socket")
            self._waiting += piece
        head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"the headset's server says {head[:80]!r}")
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def read(self, now: int) -> None:
        """Take what has come by ``now`` (monotonic ns), and answer the server's probes."""
        try:
            piece = self._socket.recv(65_536)
        except BlockingIOError:
            return
        if not piece:
            raise ConnectionError("the headset's server closed the socket")
        self._waiting += piece
        for message in self._messages():
            if message.get("type") == "ring" and message["on"]:
                self.rings.setdefault(message["call"], now)
            elif message.get("type") == "probe":
                self._send(json.dumps({"type": "alive", "n": message["n"], "page_age_ms": 1, "stats": {}}).encode())

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Whole text frames; a server masks nothing, and the phone's are never in parts."""
        while len(self._waiting) >= 2:
            length, begin = self._waiting[1], 2
            if length >= 126:
                begin = 4 if length == 126 else 10
                length = int.from_bytes(self._waiting[2:begin], "big")
            if len(self._waiting) < begin + length:
                return
            kind, payload = self._waiting[0], self._waiting[begin : begin + length]
            self._waiting = self._waiting[begin + length :]
            if kind == _TEXT:
                yield json.loads(payload)

    def _send(self, text: bytes) -> None:
        mask = secrets.token_bytes(4)
        masked = bytes(octet ^ mask[place % 4] for place, octet in enumerate(text))
        self._socket.send(bytes((_TEXT, 0x80 | len(text))) + mask + masked)
