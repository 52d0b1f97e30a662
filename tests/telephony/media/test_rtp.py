import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.media.rtp import MalformedRtp, RtpExtension, RtpPacket

u32 = st.integers(0, 2**32 - 1)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 65535),
    timestamp=u32,
    ssrc=u32,
    payload=st.binary(max_size=400),
    marker=st.booleans(),
    csrc=st.lists(u32, max_size=15).map(tuple),
    extension=st.none()
    | st.builds(
        RtpExtension,
        profile=st.integers(0, 65535),
        data=st.binary(max_size=40).map(lambda data: data[: len(data) // 4 * 4]),
    ),
    padding=st.integers(0, 255),
)


@given(packets)
def test_a_packet_survives_being_written_and_parsed(packet: RtpPacket) -> None:
    assert RtpPacket.parse(packet.serialise()) == packet


@given(st.binary(max_size=200))
def test_any_datagram_is_a_packet_or_malformed(datagram: bytes) -> None:
    try:
        packet = RtpPacket.parse(datagram)
    except MalformedRtp:
        return
    assert len(packet.payload) <= len(datagram) - 12


@given(packets, st.data())
def test_a_cut_packet_never_reads_beyond_its_end(packet: RtpPacket, data: st.DataObject) -> None:
    datagram = packet.serialise()
    cut = datagram[: data.draw(st.integers(0, len(datagram)))]
    try:
        assert len(RtpPacket.parse(cut).payload) <= len(cut)
    except MalformedRtp:
        assert len(cut) < len(datagram)


def test_the_fields_are_where_the_rfc_puts_them() -> None:
    packet = RtpPacket.parse(bytes.fromhex("80880102 00000003 deadbeef d5d5"))
    assert (packet.payload_type, packet.marker, packet.sequence) == (8, True, 0x0102)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (3, 0xDEADBEEF, b"\xd5\xd5")


@pytest.mark.parametrize(
    ("datagram", "complaint"),
    [
        ("", "too short"),
        ("8008000100000001000000", "too short"),
        ("4008000100000001000000010000", "version 1"),
        ("8f080001000000010000000100000001", "CSRC"),
        ("900800010000000100000001bede", "extension is cut off"),
        ("900800010000000100000001bede0002aaaaaaaa", "longer than the packet"),
        ("a00800010000000100000001d500", "padding"),
        ("a00800010000000100000001d509", "padding"),
    ],
)
def test_what_the_rfc_forbids_is_named(datagram: str, complaint: str) -> None:
    with pytest.raises(MalformedRtp, match=complaint):
        RtpPacket.parse(bytes.fromhex(datagram))


@pytest.mark.parametrize(
    "fields",
    [
        {"payload_type": 128},
        {"sequence": 65536},
        {"timestamp": -1},
        {"csrc": (1,) * 16},
        {"padding": 256},
        {"extension": RtpExtension(1, b"abc")},
    ],
)
def test_a_packet_that_fits_no_header_is_not_written(fields: dict[str, object]) -> None:
    values: dict[str, object] = {"payload_type": 8, "sequence": 1, "timestamp": 1, "ssrc": 1, "payload": b""}
    with pytest.raises(MalformedRtp):
        RtpPacket(**{**values, **fields}).serialise()  # type: ignore[arg-type]
