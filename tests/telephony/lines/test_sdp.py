"""Offers and answers: codecs, telephone-event, directions, holds, refused streams, and SDP that is no good."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.lines.sdp import (
    Negotiated,
    NoCommonCodec,
    SdpError,
    SessionDescription,
    make_answer,
    make_offer,
    read_answer,
)


def offer(*lines: str, connection: str = "c=IN IP4 192.0.2.5") -> str:
    head = ["v=0", "o=- 1 1 IN IP4 192.0.2.5", "s=-", connection, "t=0 0"]
    return "\r\n".join(line for line in [*head, *lines] if line) + "\r\n"


def test_an_offer_lists_our_codecs_and_telephone_event() -> None:
    assert make_offer("192.0.2.1", 4000, session_id=7, version=3) == (
        "v=0\r\no=- 7 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def test_an_offer_for_an_ipv6_address_says_so() -> None:
    assert "c=IN IP6 2001:db8::1\r\n" in make_offer("2001:db8::1", 4000)


def test_the_codec_is_the_offers_first_that_we_speak() -> None:
    answer, negotiated = make_answer(
        offer("m=audio 5000 RTP/AVP 18 0 8 96", "a=rtpmap:96 opus/48000/2"), "192.0.2.1", 4000
    )
    assert negotiated == Negotiated("PCMU", 0, None, "192.0.2.5", 5000, "sendrecv", 20)
    assert "m=audio 4000 RTP/AVP 0\r\n" in answer
    assert "telephone-event" not in answer


def test_a_line_that_speaks_only_pcmu_takes_pcmu() -> None:
    _, negotiated = make_answer(make_offer("192.0.2.5", 5000), "192.0.2.1", 4000, codecs=("PCMU",))
    assert negotiated.codec == "PCMU"


def test_dynamic_payload_types_and_the_offers_telephone_event_are_kept() -> None:
    lines = ("m=audio 5000 RTP/AVP 97 100 99", "a=rtpmap:97 pcma/8000/1", "a=rtpmap:100 telephone-event/48000")
    answer, negotiated = make_answer(offer(*lines, "a=rtpmap:99 Telephone-Event/8000"), "192.0.2.1", 4000)
    assert (negotiated.codec, negotiated.payload_type, negotiated.dtmf_payload_type) == ("PCMA", 97, 99)
    assert "m=audio 4000 RTP/AVP 97 99\r\n" in answer
    assert read_answer(answer).dtmf_payload_type == 99


def test_all_streams_of_the_offer_stand_in_the_answer_and_one_is_taken() -> None:
    text = offer(
        "m=video 6000 RTP/AVP 96", "m=audio 0 RTP/AVP 8", "m=audio 5000 RTP/SAVP 8", "m=audio 5002 RTP/AVP 8 0",
        "a=mid:a1", "m=audio 5004 RTP/AVP 8", "m=image 7000 udptl t38",
    )  # fmt: skip
    answer, negotiated = make_answer(text, "192.0.2.1", 4000)
    assert [line for line in answer.split("\r\n") if line.startswith(("m=", "a=mid"))] == [
        "m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 8", "m=audio 0 RTP/SAVP 8", "m=audio 4000 RTP/AVP 8", "a=mid:a1",
        "m=audio 0 RTP/AVP 8", "m=image 0 udptl t38",
    ]  # fmt: skip
    assert negotiated.remote_port == 5002


@pytest.mark.parametrize(
    ("offered", "wanted", "ours"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "inactive", "inactive"),
    ],
)
def test_directions_are_mirrored_and_restricted(offered: str, wanted: str, ours: str) -> None:
    for text in (
        offer("m=audio 5000 RTP/AVP 8", f"a={offered}"),
        offer(f"a={offered}", "m=audio 5000 RTP/AVP 8"),
        offer(f"a={'inactive' if offered == 'sendrecv' else 'sendrecv'}", "m=audio 5000 RTP/AVP 8", f"a={offered}"),
    ):
        answer, negotiated = make_answer(text, "192.0.2.1", 4000, direction=wanted)
        assert negotiated.direction == ours
        assert answer.endswith(f"a={ours}\r\n")


def test_a_null_address_is_a_hold() -> None:
    for text in (
        offer("m=audio 5000 RTP/AVP 8", connection="c=IN IP4 0.0.0.0"),
        offer("m=audio 5000 RTP/AVP 8", "c=IN IP4 0.0.0.0"),
    ):
        assert make_answer(text, "192.0.2.1", 4000)[1].direction == "recvonly"


def test_the_streams_own_address_goes_before_the_sessions() -> None:
    _, negotiated = make_answer(
        offer("m=audio 5000 RTP/AVP 8", "c=IN IP4 192.0.2.77/127", "a=ptime:30"), "192.0.2.1", 4
    )
    assert (negotiated.remote_host, negotiated.ptime) == ("192.0.2.77", 30)


def test_our_offer_and_its_answer_agree_on_both_sides() -> None:
    ours = make_offer("192.0.2.1", 4000, direction="sendonly")
    answer, theirs = make_answer(ours, "192.0.2.5", 5000)
    mine = read_answer(answer)
    assert (theirs.direction, mine.direction) == ("recvonly", "sendonly")
    assert (mine.codec, mine.dtmf_payload_type, mine.remote_host, mine.remote_port) == ("PCMA", 101, "192.0.2.5", 5000)


@pytest.mark.parametrize(
    "lines",
    [
        ("m=audio 5000 RTP/AVP 18 3",),
        ("m=audio 5000 RTP/AVP 96", "a=rtpmap:96 PCMA/16000"),
        ("m=audio 0 RTP/AVP 8",),
        ("m=video 5000 RTP/AVP 8",),
        ("m=audio 5000 RTP/SAVP 8",),
        ("m=audio 5000 RTP/AVP x 300 ٣",),
        ("m=audio 5000 RTP/AVP 8", "a=rtpmap:8 G722/8000"),
    ],
)
def test_nothing_in_common_is_told_as_such(lines: tuple[str, ...]) -> None:
    with pytest.raises(NoCommonCodec):
        make_answer(offer(*lines), "192.0.2.1", 4000)
    with pytest.raises(NoCommonCodec):
        read_answer(offer(*lines))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n\r\n",
        "hello",
        "m=audio 5000 RTP/AVP 8",
        offer(),
        offer("m=audio RTP/AVP 8"),
        offer("m=audio x RTP/AVP 8"),
        offer("m=audio -1 RTP/AVP 8"),
        offer("m=audio 70000 RTP/AVP 8"),
        offer("m=audio 5000 RTP/AVP 8", connection=""),
        offer("m=audio 5000 RTP/AVP 8", connection="c=ATM x"),
        offer("m=audio 5000 RTP/AVP 8", "no equals sign"),
        offer("m=audio 5000 RTP/AVP 8", *["a=x"] * 600),
    ],
)
def test_unusable_sdp_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(SdpError) as refusal:
        make_answer(text, "192.0.2.1", 4000)
    assert str(refusal.value)


def test_sloppy_line_ends_blanks_and_unknown_lines_are_borne() -> None:
    text = "v=0\no=x\ns=医院\n\nc=IN IP4 192.0.2.5\nt=0 0\nz=?\nm=audio 5000/2 RTP/AVP 8 \na=rtpmap:8 PCMA\na=ptime:x\n"
    assert make_answer(text, "192.0.2.1", 4000)[1].codec == "PCMA"


@settings(deadline=None)
@given(st.text(max_size=300) | st.text(alphabet="vmcoast=: \r\n0123456789audioRTP/AVPIN4.", max_size=300))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        SessionDescription.parse(text)
        make_answer(text, "192.0.2.1", 4000)
    except SdpError:
        pass
