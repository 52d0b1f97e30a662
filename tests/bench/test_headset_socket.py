"""The headset's socket of the benchmark, against a server that writes as it likes."""

from __future__ import annotations

import json
import select
import socket
import threading

import pytest

from console.bench.headset_socket import HeadsetSocket

RING = json.dumps({"type": "ring", "call": "c1", "on": True}).encode()
LONG = json.dumps({"type": "ring", "call": "c2", "on": True, "more": "x" * 300}).encode()
PROBE = b'{"type":"probe","n":5}'


def _connected(answer: bytes) -> tuple[HeadsetSocket, socket.socket]:
    """A headset whose server says ``answer`` to its upgrade, and the server's end."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            peer, _ = listening.accept()
            while not peer.recv(4096).endswith(b"\r\n\r\n"):
                pass
            peer.sendall(answer)
            taken.append(peer)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            headset = HeadsetSocket(f"ws://127.0.0.1:{listening.getsockname()[1]}/headset?token=t", "http://here")
        finally:
            thread.join(10)
    return headset, taken[0]


def test_frames_are_read_whole_however_they_come_and_probes_are_answered() -> None:
    frames = b"".join((
        bytes((0x81, len(RING))) + RING,
        bytes((0x81, 126)) + len(LONG).to_bytes(2, "big") + LONG,
        bytes((0x82, 3)) + b"\0\0\0",
        bytes((0x81, len(PROBE))) + PROBE,
    ))  # fmt: skip
    headset, peer = _connected(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    with peer:
        for place in range(0, len(frames), 50):
            peer.sendall(frames[place : place + 50])
            assert select.select([headset], [], [], 10)[0]
            headset.read(1000 + place)
        assert list(headset.rings) == ["c1", "c2"]
        assert 1000 <= headset.rings["c1"] < headset.rings["c2"] < 1000 + len(frames)
        answer = peer.recv(4096)
        mask, masked = answer[2:6], answer[6:]
        assert answer[1] == 0x80 | len(masked)
        told = json.loads(bytes(octet ^ mask[place % 4] for place, octet in enumerate(masked)))
        assert (told["type"], told["n"]) == ("alive", 5)
    with pytest.raises(ConnectionError):
        headset.read(0)
    headset.close()


def test_a_server_that_refuses_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="403"):
        _connected(b"HTTP/1.1 403 Forbidden\r\n\r\n")
