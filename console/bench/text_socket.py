"""A WebSocket without a loop: the upgrade, and the text frames of a server on loopback (RFC 6455)."""

from __future__ import annotations

import secrets
import socket
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A


class TextSocket:
    """Open on construction, non-blocking from then on. Raises ConnectionError where the server does not take the
    upgrade."""

    def __init__(self, address: str, origin: str, headers: dict[str, str] | None = None) -> None:
        url = urlsplit(address)
        self._waiting = b""
        self._socket = socket.create_connection((url.hostname or "", url.port or 80), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wanted = {
            "Host": url.netloc,
            "Origin": origin,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **(headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
        self._socket.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\n{lines}\r\n".encode())
        while b"\r\n\r\n" not in self._waiting:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError("the server closed the socket")
            self._waiting += piece
        head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise ConnectionError(f"the server says {head[:80]!r}")
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def texts(self) -> Iterator[bytes]:
        """What has come in whole text frames; a server masks nothing, and ours sends none in parts. Pings are
        answered. Raises ConnectionError when the server has closed."""
        try:
            piece = self._socket.recv(262_144)
        except BlockingIOError:
            return
        if not piece:
            raise ConnectionError("the server closed the socket")
        self._waiting += piece
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
                yield payload
            elif kind == _PING:
                self._send(_PONG, payload)

    def send(self, text: bytes) -> None:
        """One text frame of at most 125 bytes."""
        self._send(_TEXT, text)

    def _send(self, kind: int, payload: bytes) -> None:
        mask = secrets.token_bytes(4)
        masked = bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))
        self._socket.send(bytes((kind, 0x80 | len(payload))) + mask + masked)
