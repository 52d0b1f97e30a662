import itertools

from telephony.media.rtp import RtpPacket
from telephony.media.rtp_sender import RtpSender
from telephony.media.silence import silence

MS = 1_000_000
START = 10**12
LOUD = b"\x2a" * 160


class Wire:
    def __init__(self, payload_type: int = 8) -> None:
        self.packets: list[RtpPacket] = []
        self.recorded: list[tuple[int, bytes]] = []
        self.sender = RtpSender(payload_type, self.transmit, self.sent)
        self.sender.event_payload_type = 101

    def transmit(self, datagram: bytes) -> None:
        self.packets.append(RtpPacket.parse(datagram))

    def sent(self, payload_type: int, timestamp: int, payload: bytes, now: int) -> None:
        self.recorded.append((timestamp, payload))

    def run(self, begin: int, milliseconds: int, step: float = 20.0, headset: bool = True) -> int:
        """Frames of the headset each ``step`` ms under the clock's own calls; gives the end's time."""
        frame = 0.0
        for at in range(0, milliseconds, 5):
            now = begin + at * MS
            while headset and frame <= at:
                self.sender.audio(LOUD, now)
                frame += step
            self.sender.tick(now)
            if at % 20 == 0:
                self.sender.frame_due(now)
        return begin + milliseconds * MS

    def elapsed(self) -> int:
        """Samples from the first packet's begin to the last one's."""
        return (self.packets[-1].timestamp - self.packets[0].timestamp) & 0xFFFFFFFF


def test_numbers_and_timestamps_grow_evenly_and_only_the_first_is_marked() -> None:
    wire = Wire()
    wire.run(START, 2000)
    assert len(wire.packets) == 100
    first = wire.packets[0]
    for number, packet in enumerate(wire.packets):
        assert packet.sequence == (first.sequence + number) & 0xFFFF
        assert packet.timestamp == (first.timestamp + 160 * number) & 0xFFFFFFFF
        assert packet.ssrc == first.ssrc
        assert packet.marker == (number == 0)
    assert wire.recorded == [(packet.timestamp, packet.payload) for packet in wire.packets]


def test_a_gap_is_filled_with_silence_and_marked_and_time_goes_on() -> None:
    wire = Wire()
    now = wire.run(START, 400)
    now = wire.run(now, 1000, headset=False)
    wire.run(now, 400)
    filled = [packet for packet in wire.packets if packet.payload == silence(8)]
    assert 45 <= len(filled) <= 50
    assert filled[0].marker
    assert not any(packet.marker for packet in filled[1:])
    assert abs(wire.elapsed() - 1800 * 8) <= 480


def test_timestamps_keep_up_with_the_wall_when_the_headsets_clock_is_slow() -> None:
    wire = Wire()
    wire.run(START, 60_000, step=20.04)  # 0.2 % slow: 120 ms behind after a minute
    assert abs(wire.elapsed() - 60_000 * 8) <= 640
    assert sum(packet.marker for packet in wire.packets) > 1


def test_a_fast_headset_clock_never_builds_up_delay() -> None:
    wire = Wire()
    wire.run(START, 60_000, step=19.96)
    assert wire.sender.pacer.waiting <= 2
    assert abs(wire.elapsed() - 60_000 * 8) <= 1280


def test_after_a_pause_the_stream_resumes_marked_and_on_time() -> None:
    wire = Wire()
    now = wire.run(START, 400)
    before = len(wire.packets)
    wire.sender.pause()
    wire.run(now + 5000 * MS, 400)
    assert wire.packets[before].marker
    assert abs(wire.elapsed() - 5800 * 8) <= 480


def test_digits_take_the_line_and_are_not_recorded() -> None:
    wire = Wire()
    now = wire.run(START, 200)
    wire.sender.digits("42")
    wire.run(now, 1000)
    events = [packet for packet in wire.packets if packet.payload_type == 101]
    assert len(events) == 16
    assert [packet.payload[0] for packet in events[::8]] == [4, 2]
    assert [packet.marker for packet in events[:8]] == [True] + [False] * 7
    assert all(len(payload) == 160 for _, payload in wire.recorded)
    sequences = [packet.sequence for packet in wire.packets]
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(sequences))
    assert abs(wire.elapsed() - 1200 * 8) <= 480


def test_digits_that_a_hold_cut_off_are_not_sent_after_it() -> None:
    wire = Wire()
    wire.sender.digits("123")
    now = wire.run(START, 100)
    wire.sender.pause()
    wire.packets.clear()
    wire.run(now + 1000 * MS, 400)
    assert {packet.payload_type for packet in wire.packets} == {8}


def test_another_law_negotiated_in_mid_call_is_sent_at_once() -> None:
    wire = Wire(8)
    now = wire.run(START, 100)
    wire.sender.payload_type = 0
    wire.run(now, 100)
    assert {packet.payload_type for packet in wire.packets[:5]} == {8}
    assert wire.packets[5].payload_type == 0
    assert wire.packets[5].marker
