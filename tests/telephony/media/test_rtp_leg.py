import asyncio
import itertools
import struct
import time
from typing import Any

import pytest

from telephony.media.latch import RELATCH_SILENCE
from telephony.media.ports import MediaPorts
from telephony.media.rtp import RtpPacket
from telephony.media.rtp_leg import RtpLeg


class Heard:
    """What a leg reports."""

    def __init__(self, leg: RtpLeg) -> None:
        self.payloads: list[bytes] = []
        self.heads: list[bytes] = []
        self.digits = ""
        leg.on_audio = self.audio
        leg.on_digit = self.digit

    def audio(self, datagram: bytes, payload: bytes, timestamp: int, now: int) -> None:
        self.payloads.append(payload)
        self.heads.append(datagram[1:8])

    def digit(self, digit: str) -> None:
        self.digits += digit


def test_audio_goes_both_ways(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = await RtpLeg.open(ports)
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        leg.send_audio(b"\x11" * 160)
        first = RtpPacket.parse(await telephone.receive())
        assert (first.payload, first.payload_type, first.marker) == (b"\x11" * 160, 8, True)
        for n in range(5):
            telephone.send(leg.port, bytes([n]) * 160)
        await parts.eventually(lambda: len(heard.payloads) == 5)
        assert heard.payloads == [bytes([n]) * 160 for n in range(5)]
        quality = leg.close()
        assert (quality.received, quality.lost, quality.ignored, quality.foreign) == (5, 0, 0, 0)
        assert quality.sent >= 1
        assert ports.in_use == 0

    on_loop(work())


@pytest.mark.parametrize("samples", [80, 160, 240, 320, 480])
def test_any_packet_time_passes_whole(on_loop: Any, parts: Any, ports: MediaPorts, samples: int) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        for n in range(3):
            telephone.send(leg.port, bytes([n]) * samples)
        await parts.eventually(lambda: len(heard.payloads) == 3)
        assert {len(payload) for payload in heard.payloads} == {samples}
        leg.close()

    on_loop(work())


def test_headers_with_csrc_extension_and_padding_are_understood(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        for n in range(2):  # the first while the leg looks for its peer, the second on the fast path
            packet = RtpPacket(0, n, n * 160, 5, b"\x01" * 160, csrc=(1, 2), padding=4)
            telephone.udp.sendto(packet.serialise(), ("127.0.0.1", leg.port))
            await parts.eventually(lambda n=n: len(heard.payloads) == n + 1)
        assert heard.payloads == [b"\x01" * 160] * 2
        leg.close()

    on_loop(work())


def test_malformed_and_unknown_packets_are_counted_and_do_no_harm(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        bad = [b"", b"\x80", b"\x00" * 12, b"OPTIONS sip:x SIP/2.0", b"\x8f\x08" + bytes(11), b"\xa0\x08" + bytes(20)]
        for _ in range(2):
            for datagram in bad:
                telephone.udp.sendto(datagram, ("127.0.0.1", leg.port))
            telephone.send(leg.port)
            await parts.eventually(lambda: leg.quality().received > 0)
        telephone.send(leg.port, b"\x00" * 160, payload_type=9)
        telephone.send(leg.port, b"")
        telephone.send(leg.port, bytes(1500))
        telephone.send(leg.port, b"\x01", payload_type=101)
        await parts.eventually(lambda: leg.quality().ignored == 2 * len(bad) + 4)
        telephone.send(leg.port)
        await parts.eventually(lambda: len(heard.payloads) == 3)
        leg.close()

    on_loop(work())


def test_only_the_negotiated_host_is_heard(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        stranger = parts.Telephone("127.0.0.2")
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        stranger.send(leg.port, b"\x66" * 160)
        leg.negotiate(parts.Agreed(telephone.port))
        stranger.send(leg.port, b"\x66" * 160)
        await parts.eventually(lambda: leg.foreign == 2)
        telephone.send(leg.port)
        await parts.eventually(lambda: heard.payloads)
        for _ in range(5):
            stranger.send(leg.port, b"\x66" * 160)
            telephone.send(leg.port)
        await parts.eventually(lambda: len(heard.payloads) == 6)
        assert b"\x66" * 160 not in heard.payloads
        leg.send_audio(bytes(160))
        assert await telephone.receive()
        assert stranger.waiting() == []
        leg.close()

    on_loop(work())


def test_packets_of_strangers_that_wait_in_the_socket_are_not_let_in_by_the_latch(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        stranger = parts.Telephone("127.0.0.2")
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        # all in the socket's queue before the loop reads once
        telephone.send(leg.port)
        for _ in range(100):
            stranger.send(leg.port, b"\x66" * 160)
        telephone.send(leg.port)
        await parts.eventually(lambda: len(heard.payloads) == 2)
        assert b"\x66" * 160 not in heard.payloads
        assert leg.foreign == 100
        leg.close()

    on_loop(work())


def test_the_answer_goes_to_where_the_peer_really_sends_from(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        said, real = parts.Telephone(), parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(said.port))
        real.send(leg.port)
        await parts.eventually(lambda: heard.payloads)
        leg.send_audio(bytes(160))
        await real.receive()
        assert said.waiting() == []
        leg.close()

    on_loop(work())


def test_a_peer_that_moves_to_another_port_is_found_again_after_a_silence(
    on_loop: Any, parts: Any, ports: MediaPorts
) -> None:
    async def work() -> None:
        before, after = parts.Telephone(), parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(before.port))
        before.send(leg.port, b"\x01" * 160)
        await parts.eventually(lambda: heard.payloads)
        began = time.monotonic()
        while b"\x02" * 160 not in heard.payloads:
            assert time.monotonic() - began < 5
            after.send(leg.port, b"\x02" * 160, ssrc=8)
            await asyncio.sleep(0.02)
        assert time.monotonic() - began > RELATCH_SILENCE / 1e9 - 0.05
        leg.send_audio(bytes(160))
        await after.receive()
        leg.close()

    on_loop(work())


def test_a_new_address_by_reinvite_takes_over_at_once(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        before, after = parts.Telephone(), parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(before.port))
        before.send(leg.port, b"\x01" * 160)
        await parts.eventually(lambda: heard.payloads)
        leg.negotiate(parts.Agreed(after.port))
        leg.send_audio(bytes(160))
        await after.receive(1.0)
        after.send(leg.port, b"\x02" * 160)
        await parts.eventually(lambda: len(heard.payloads) == 2, 0.2)
        leg.close()

    on_loop(work())


def test_a_new_source_is_marked_for_the_headset(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        for ssrc in (1, 1, 2, 2):
            telephone.send(leg.port, ssrc=ssrc)
        await parts.eventually(lambda: len(heard.heads) == 4)
        assert [head[0] >> 7 for head in heard.heads] == [1, 0, 1, 0]
        sequences = [struct.unpack("!H", head[1:3])[0] for head in heard.heads]
        assert sequences == [0, 1, 2, 3]
        leg.close()

    on_loop(work())


def test_digits_come_once_and_are_no_audio(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port, dtmf_payload_type=96))
        for begin, event in ((160, 4), (4000, 11)):
            for end in (0, 0, 0x80, 0x80, 0x80):
                telephone.timestamp = begin
                telephone.send(leg.port, struct.pack("!BBH", event, end | 10, 400), payload_type=96)
        await parts.eventually(lambda: leg.quality().received == 10)
        assert heard.digits == "4#"
        assert heard.payloads == []
        leg.close()

    on_loop(work())


def test_sent_digits_are_events_that_the_peer_can_read(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg, peer = ports.open_leg(), ports.open_leg()
        heard = Heard(peer)
        peer.negotiate(parts.Agreed(leg.port))
        leg.negotiate(parts.Agreed(peer.port))
        leg.stream()
        leg.send_digits("19*#d")
        await parts.eventually(lambda: heard.digits == "19*#D")
        assert peer.quality().lost == 0
        with pytest.raises(ValueError, match="no DTMF digit"):
            leg.send_digits("x")
        leg.negotiate(parts.Agreed(telephone.port, dtmf_payload_type=None))
        with pytest.raises(ValueError, match="telephone events"):
            leg.send_digits("1")
        leg.close()
        peer.close()

    on_loop(work())


def test_the_stream_stays_continuous_without_a_headset(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        leg.negotiate(parts.Agreed(telephone.port))
        leg.stream()
        packets = [RtpPacket.parse(await telephone.receive()) for _ in range(10)]
        leg.close()
        assert {packet.payload for packet in packets} == {b"\xd5" * 160}
        assert [packet.marker for packet in packets] == [True] + [False] * 9
        numbers = [packet.sequence for packet in packets]
        assert [(number - numbers[0]) & 0xFFFF for number in numbers] == list(range(10))
        steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(packets)}
        assert steps == {160}

    on_loop(work())


@pytest.mark.parametrize(
    "change", [{"direction": "recvonly"}, {"direction": "inactive"}, {"remote_host": "0.0.0.0"}, {"remote_port": 0}]
)
def test_a_peer_that_holds_gets_nothing_until_it_resumes(
    on_loop: Any, parts: Any, ports: MediaPorts, change: dict[str, Any]
) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        leg.negotiate(parts.Agreed(telephone.port))
        leg.stream()
        await telephone.receive()
        leg.negotiate(parts.Agreed(**{"remote_port": telephone.port, **change}))
        telephone.waiting()
        for _ in range(5):
            leg.send_audio(b"\x11" * 160)
            await asyncio.sleep(0.02)
        assert telephone.waiting() == []
        with pytest.raises(ValueError, match="held"):
            leg.send_digits("1")
        leg.negotiate(parts.Agreed(telephone.port))
        leg.send_audio(b"\x22" * 160)
        resumed = RtpPacket.parse(await telephone.receive())
        assert resumed.marker
        leg.close()

    on_loop(work())


@pytest.mark.parametrize(
    "wrong", [{"remote_host": "pbx.example"}, {"remote_host": "::1"}, {"remote_port": 70000}, {"payload_type": 9}]
)
def test_what_cannot_be_sent_to_is_refused_and_changes_nothing(
    on_loop: Any, parts: Any, ports: MediaPorts, wrong: dict[str, Any]
) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        leg.negotiate(parts.Agreed(telephone.port))
        with pytest.raises(ValueError, match=r"port|address|G\.711"):
            leg.negotiate(parts.Agreed(**{"remote_port": telephone.port, **wrong}))
        leg.send_audio(bytes(160))
        await telephone.receive()
        leg.close()

    on_loop(work())


def test_a_peer_whose_port_is_closed_does_no_harm(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    async def work() -> None:
        telephone = parts.Telephone()
        leg = ports.open_leg()
        heard = Heard(leg)
        leg.negotiate(parts.Agreed(telephone.port))
        telephone.send(leg.port)
        await parts.eventually(lambda: heard.payloads)
        telephone.close()
        leg.stream()
        await parts.eventually(lambda: leg.unsent > 2)
        leg.close()
        leg.close()
        leg.send_audio(bytes(160))

    on_loop(work())


def test_a_thousand_legs_leave_nothing_behind(on_loop: Any, parts: Any, ports: MediaPorts) -> None:
    import os

    async def work() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            legs = [ports.open_leg() for _ in range(50)]
            for leg in legs:
                leg.negotiate(parts.Agreed(9))
                leg.stream()
                leg.send_audio(bytes(160))
            for leg in legs:
                leg.close()
        assert ports.in_use == 0
        assert len(os.listdir("/proc/self/fd")) == before

    on_loop(work())
