"""Prints what the packet path does with SEED's packets, expected ones and others; run as a program, once for each of
the two implementations (``PACKET_PATH``). Clocks and numbers are made up, sockets are real."""

from __future__ import annotations

import json
import random
import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from recordings.capture import CaptureTap
from telephony.media import packet_path
from telephony.media.pacer import Pacer
from telephony.media.packet_path import HeadsetToLeg, LegToHeadset, Microphone, Receiving, serve, transmitter
from telephony.media.quality import ReceiverQuality
from telephony.media.rtp_sender import RtpSender

Said = list[Any]


def attempt(said: Said, what: Callable[[], Any]) -> None:
    """The result, or the kind of exception: the words of the two differ."""
    try:
        said.append(what())
    except Exception as error:
        said.append(type(error).__name__)


def quality(chance: random.Random, said: Said) -> None:
    one = ReceiverQuality()
    sequence, timestamp, ssrc, now = 65_500, 2**32 - 4000, 7, 10**12
    for _ in range(3000):
        if chance.random() < 0.03:
            sequence += chance.choice((-3, -1, 1, 2, 500, 5000, 60_000))
        if chance.random() < 0.01:
            ssrc, timestamp = chance.getrandbits(32), chance.getrandbits(32)
        now += chance.randrange(40_000_000)
        said.append(one.packet(sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, now))
        sequence, timestamp = sequence + 1, timestamp + 160
    said += [one.received, one.late, one.lost, one.expected, one.jitter_ms]


def sender(chance: random.Random, said: Said) -> None:
    """The pacer beneath it, too."""
    sent: list[str] = []

    def transmit(datagram: bytes) -> None:
        sent.append(datagram.hex())
        if chance.random() < 0.02:
            raise OSError("no buffer space")
        if chance.random() < 0.005:
            raise ValueError("a defect")

    one = RtpSender(8, transmit, lambda *words: said.append([str(word) for word in words]))
    one._ssrc, one._sequence, one._timestamp = 5, 65_530, 2**32 - 500
    one.event_payload_type = 101
    now = 10**12
    for _ in range(3000):
        step = chance.random()
        payload = chance.randbytes(chance.choice((1, 80, 160, 160, 160, 960, 1500)))
        if step < 0.7:
            attempt(said, lambda payload=payload, now=now: one.audio(payload, now))  # type: ignore[misc]
        elif step < 0.9:
            attempt(said, lambda now=now: one.tick(now))  # type: ignore[misc]
        elif step < 0.98:
            attempt(said, lambda now=now: one.frame_due(now))  # type: ignore[misc]
        elif step < 0.985:
            one.digits("1")
        elif step < 0.99:
            one.pause()
        else:
            one.payload_type = chance.choice((0, 8))
        now += chance.choice((0, 1_000_000, 20_000_000, 20_000_000, 35_000_000, 500_000_000))
    pacer = one.pacer
    said += [sent, one.sent, one.unsent, pacer.dropped, pacer.shed, pacer.waiting, pacer.in_gap]


class Leg(Receiving):
    """What is rare is written down."""

    def __init__(self, said: Said, udp: socket.socket) -> None:
        self.said = said
        self._latch = SimpleNamespace(last_heard=0)
        self._quality = ReceiverQuality()
        self._sender = RtpSender(8, transmitter(udp))
        self._sender._ssrc, self._sender._sequence, self._sender._timestamp = 1, 2, 3
        self._may_send = True
        self._receive_from(udp)

    def _packet(self, datagram: bytes, now: int) -> None:
        self.said.append(["rare", datagram.hex(), now])

    def _waits(self) -> None:
        self.said.append("waits")


def datagrams(chance: random.Random) -> list[bytes]:
    """G.711 packets in order, and everything else that a peer may send."""
    found = []
    for number in range(400):
        head = bytes((0x80, 8)) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big") + bytes(3) + b"\x07"
        plain = head + chance.randbytes(160)
        found.append(
            chance.choice(
                (
                    *(plain,) * 12,
                    b"",
                    plain[: chance.randrange(14)],
                    bytes((chance.randrange(256), chance.randrange(256))) + plain[2:],
                    head + chance.randbytes(chance.choice((1, 960, 961, 2100))),
                    chance.randbytes(chance.randrange(300)),
                    plain[:8] + chance.randbytes(4) + plain[12:],
                )
            )
        )
    return found


def leg(chance: random.Random, said: Said) -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.setblocking(False)
    there.setblocking(False)
    one = Leg(said, here)
    recorded: Said = []
    tap = CaptureTap(SimpleNamespace(opened=0), "c", "c.cap", print, print)  # type: ignore[arg-type]

    def deliver(kind: int, frame: bytes) -> None:
        said.append([kind, frame.hex()])
        if frame[8] == 0:
            raise ValueError("a defect")

    one.on_audio = LegToHeadset(0, SimpleNamespace(deliver=deliver), tap.packet, 2).audio
    now = 10**12
    for datagram in datagrams(chance):
        now += 20_000_000
        there.send(datagram)
        attempt(said, lambda now=now: one._read_connected(now))  # type: ignore[misc]
        said += [one._latch.last_heard, one._quality.received, one._quality.late]
    attempt(said, lambda: one._read_connected(now))  # nothing there
    record = lambda *words: recorded.append(str(words[:4]))  # noqa: E731
    microphone = Microphone(lambda transport, frame, data: said.append(["other", transport, data.hex()]))
    microphone.payload_type = 8
    for number, frame in enumerate(datagrams(chance)):
        head = bytes((chance.choice((8, 8, 8, 8, 8, 0, 123)), 0)) + number.to_bytes(2, "big")
        data = head + frame[4:]
        microphone.on_frame = HeadsetToLeg(1, one, record, 8).frame if number % 9 else None
        microphone.on_audio = (lambda payload: said.append(payload.hex())) if number % 11 == 0 else None
        source = SimpleNamespace(get_payload_as_bytes=lambda data=data: data)
        attempt(said, lambda source=source: microphone.frame("transport", source))  # type: ignore[misc]
    said += [microphone.received, microphone.lost, microphone.next, recorded, one._sender.sent, one._sender.unsent]
    said.append([entry.hex() for entry in tap.take()])
    there.close()
    here.close()
    one._receive_from(None)


def tap(chance: random.Random, said: Said) -> None:
    reports: Said = []
    recorder = SimpleNamespace(opened=3, report=lambda tap, reason, lost: reports.append((reason, lost)), wake=print)
    one = CaptureTap(recorder, "c", "c.cap", print, print)  # type: ignore[arg-type]
    odd = (-1, 255, 256, 65_536, 2**32 - 1, 2**32, 2**64, "8", None, 8.0, True)
    for number in range(8000):
        words: list[Any] = [number % 2, 8, 160 * number, chance.randbytes(chance.choice((0, 1, 160))), 10**12 + number]
        if chance.random() < 0.05:
            words[chance.choice((0, 1, 2, 4))] = chance.choice(odd)
        elif chance.random() < 0.02:
            words[3] = chance.choice((None, "text", bytearray(b"ab"), bytes(65_535), bytes(65_536), 5))
        attempt(said, lambda words=words: one.packet(*words))  # type: ignore[misc]
    said += [one.refused, one.limit, sum(one.overflow), reports, [record.hex()[:60] for record in one.take()]]


def rounds(chance: random.Random, said: Said) -> None:
    import select

    epoll = select.epoll()
    pairs = [socket.socketpair() for _ in range(5)]
    readers: dict[int, Any] = {}
    callbacks: dict[int, Any] = {}
    numbers = {here.fileno(): number for number, (here, _) in enumerate(pairs)}

    def read(number: int, now: int) -> None:
        said.append([number, now, pairs[number][0].recv(10).hex()])
        if number == 2:
            raise KeyError(number)

    for descriptor, number in numbers.items():
        epoll.register(descriptor, select.EPOLLIN)
        if number < 3:
            readers[descriptor] = lambda now, number=number: read(number, now)
        elif number == 3:
            callbacks[descriptor] = lambda: read(3, 0)
    for _, there in pairs[:4]:
        there.send(b"x")
    said.append(serve(epoll, readers, callbacks, 77, lambda error: said.append(type(error).__name__)))
    said.append(serve(epoll, readers, callbacks, 78, print))
    epoll.close()
    attempt(said, lambda: serve(epoll, readers, callbacks, 79, print))
    for here, there in pairs:
        here.close()
        there.close()


def misuse(chance: random.Random, said: Said) -> None:
    """Objects that were never filled, and words of the wrong kind: an exception each, whichever."""
    for kind in (packet_path.Reception, packet_path.Pacing, packet_path.Sending, packet_path.Receiving):
        for name in ("packet", "push", "audio", "_send", "_read_connected", "send_audio", "_receive_from"):
            for words in ((), (None,), (b"x", None), ("x", 1), (1, 2, 3, 4), (b"", 1, 2, 3, 4, 5), (2**70, 1, 1, 1)):
                method = getattr(kind(), name, None)
                if method is None or (name == "_receive_from" and words == (None,)):
                    continue
                if name == "send_audio" and 1 <= len(words) <= 2:
                    continue  # a leg that may not send looks at nothing
                try:
                    method(*words)
                    said.append([kind.__name__, name, str(words), "was taken"])
                except Exception:
                    said.append("refused")


def main() -> None:
    seed = int(sys.argv[1])
    traces: dict[str, Said] = {"compiled": [not packet_path.NOT_COMPILED]}
    for part in (quality, sender, leg, tap, rounds, misuse):
        traces[part.__name__] = []
        part(random.Random(seed), traces[part.__name__])
    assert Pacer(8).waiting == 0
    json.dump(traces, sys.stdout, default=str)


if __name__ == "__main__":
    main()
