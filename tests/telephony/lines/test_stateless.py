"""Answers made from the raw datagram, the counting of refusals, and text on the wire."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.lines.refusals import RefusalCounter
from telephony.lines.stateless import refusal, request_method
from telephony.lines.wire import decode, encode, from_wire, to_wire

SOURCE = ("192.0.2.9", 40000)


def request(
    via: str = "SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKa", to: str = "<sip:b@x>", method: str = "INVITE"
) -> bytes:
    return (
        f"{method} sip:b@x SIP/2.0\r\nVia: {via}\r\nf: <sip:a@x>;tag=1\r\nTo: {to}\r\ni: id\r\nCSeq: 1 {method}\r\n\r\n"
    ).encode()


def answered(datagram: bytes) -> tuple[str, tuple[str, int]]:
    answer = refusal(datagram, 403, "Forbidden", SOURCE)
    assert answer is not None
    return answer[0].decode(), answer[1]


def test_a_refusal_copies_what_the_request_says_and_adds_a_tag() -> None:
    text, where = answered(request())
    assert text.startswith(
        "SIP/2.0 403 Forbidden\r\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKa;received=192.0.2.9"
    )
    assert "To: <sip:b@x>;tag=" in text
    assert "Call-ID: id\r\n" in text
    assert text.endswith("Content-Length: 0\r\n\r\n")
    assert where == ("192.0.2.9", 5062)


def test_the_tag_of_a_repeated_request_is_the_same() -> None:
    assert answered(request())[0] == answered(request())[0]


@pytest.mark.parametrize(
    ("via", "port"),
    [
        ("SIP/2.0/UDP 10.0.0.1;branch=b", 5060),
        ("SIP/2.0/UDP 10.0.0.1:5080;branch=b;rport", 40000),
        ("SIP/2.0/UDP [2001:db8::1]:5090;branch=b", 5090),
        ("SIP/2.0/UDP [2001:db8::1];branch=b", 5060),
        ("SIP/2.0/UDP 10.0.0.1:99999", 5060),
        ("SIP/2.0/UDP 10.0.0.1:5081;branch=b, SIP/2.0/UDP 10.0.0.2:5082", 5081),
    ],
)
def test_the_answer_goes_to_the_source_and_the_port_that_the_via_asks_for(via: str, port: int) -> None:
    assert answered(request(via))[1] == ("192.0.2.9", port)


def test_a_forged_received_parameter_is_replaced() -> None:
    text, _ = answered(request("SIP/2.0/UDP h;received=203.0.113.9;rport=1;branch=b"))
    assert "203.0.113.9" not in text
    assert ";rport=40000;branch=b;received=192.0.2.9" in text


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"SIP/2.0 200 OK\r\n\r\n",
        request(method="ACK"),
        request().replace(b"CSeq", b"X"),
        request().replace(b"Via", b"X"),
        b"\xff\xfe\x00" * 50,
    ],
)
def test_what_cannot_or_must_not_be_answered_is_not(datagram: bytes) -> None:
    assert refusal(datagram, 400, "Bad Request", SOURCE) is None


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_datagram_is_borne(datagram: bytes) -> None:
    request_method(datagram)
    refusal(b"INVITE sip:x SIP/2.0\r\n" + datagram, 400, "Bad Request", SOURCE)
    assert encode(decode(datagram)) == datagram


def test_text_survives_the_wire_in_any_charset() -> None:
    assert from_wire(to_wire("张三 李四")) == "张三 李四"
    assert from_wire(decode("张三".encode("gb18030"))) == "张三"
    assert from_wire(decode(b"\xff\xff")) == "ÿÿ"
    assert to_wire("a\r\nb") == "a  b"
    assert len(to_wire("张")) == 3


async def test_refusals_are_reported_at_once_then_once_an_interval() -> None:
    reports: list[tuple[str, int, str]] = []
    counter = RefusalCounter(lambda *report: reports.append(report), interval=0.05)
    for number in range(5):
        counter.note("a", str(number))
    counter.note("b", "x")
    assert reports == [("a", 1, "0"), ("b", 1, "x")]
    async with asyncio.timeout(5):
        while len(reports) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert reports[2] == ("a", 4, "4")
    counter.note("a", "last")
    counter.close()
    assert reports[3] == ("a", 1, "last")


async def test_a_flood_of_sources_is_gathered_under_one_name() -> None:
    reports: list[tuple[str, int, str]] = []
    counter = RefusalCounter(lambda *report: reports.append(report), interval=30)
    for number in range(3000):
        counter.note(str(number), "")
    counter.close()
    assert len(reports) < 1010
    assert sum(report[1] for report in reports) == 3000
