"""The console's socket of the benchmark, against a server that writes as it likes."""

from __future__ import annotations

import json
import select
import socket
import threading

import pytest

from console.bench.console_socket import ConsoleSocket

SNAPSHOT = b'{"type":"snapshot","calls":[]}'


def _frame(kind: int, payload: bytes) -> bytes:
    length = bytes((len(payload),)) if len(payload) < 126 else bytes((126,)) + len(payload).to_bytes(2, "big")
    return bytes((kind,)) + length + payload


def _event(kind: str, dialled: str, match: str) -> bytes:
    event = {"type": kind, "call": f"c{dialled}", "dialled": dialled, "pop": {"match": match}, "more": "x" * 200}
    return _frame(0x81, json.dumps(event).encode())


def _connected(greeting: bytes) -> tuple[ConsoleSocket, socket.socket, bytes]:
    """A console whose server says ``greeting`` to its hello, the server's end, and the head of the request."""
    taken: list[socket.socket] = []
    head = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            peer, _ = listening.accept()
            while b"\r\n\r\n" not in head:
                head.extend(peer.recv(4096))
            peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            assert peer.recv(4096)[0] == 0x81
            if greeting:
                peer.sendall(greeting)
            else:
                peer.close()
            taken.append(peer)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            console = ConsoleSocket(f"ws://127.0.0.1:{listening.getsockname()[1]}/ws/events", "http://here", "s=1")
        finally:
            thread.join(10)
    return console, taken[0], bytes(head)


def test_offers_are_heard_after_the_greeting_and_pings_are_answered() -> None:
    console, peer, head = _connected(_frame(0x81, SNAPSHOT))
    assert b"\r\nCookie: s=1\r\n" in head
    with peer:
        peer.sendall(
            _event("call.queued", "9501", "") + _event("call.offered", "9502", "one") + _frame(0x89, b"there?")
        )
        assert select.select([console], [], [], 10)[0]
        console.read(7)
        peer.settimeout(10)
        assert peer.recv(4096)[:2] == bytes((0x8A, 0x80 | len(b"there?")))
        assert console.offered == {"9502": (7, "c9502", "one")}
    console.close()


def test_a_server_that_closes_instead_of_a_greeting_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="closed"):
        _connected(b"")
