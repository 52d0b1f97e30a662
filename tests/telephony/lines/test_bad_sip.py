"""What is logged of malformed messages. How they are answered: tests/conformance."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest


async def test_malformed_messages_are_logged_at_most_once_a_second(
    open_desk: Any, leg_class: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_desk() as (_desk, peer):
        with caplog.at_level(logging.WARNING, "telephony.lines"):
            for _ in range(50):
                peer.send(leg_class(peer, "4001", "1").build("INVITE", "").replace(b"CSeq: 1", b"CSeq: x"))
            for _ in range(50):
                await peer.status(400)
            assert 1 <= len([record for record in caplog.records if "malformed" in record.message]) <= 3


async def test_nothing_of_the_stack_reaches_stdout_or_a_log_file(
    open_desk: Any, leg_class: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    async with open_desk() as (desk, peer):
        for size in (40, 400):
            peer.send(os.urandom(size))
        peer.send(b"SIP/2.0 999 Odd\r\n" + leg_class(peer, "4001", "1").build("INVITE", "").partition(b"\r\n")[2])
        peer.send(leg_class(peer, "4001", "1").build("INVITE", "").replace(b"sip:1@127.0.0.1:", b"sip:1@127.0.0.1::"))
        await desk.alive(peer)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


async def test_logs_show_neither_numbers_nor_names_of_callers(open_desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "telephony.lines"):
        async with open_desk() as (desk, peer):
            leg, _ = await desk.answered_call(peer, caller="13912345678", display='"Zhang San" ')
            leg.send("BYE")
            await desk.calls.end()
            peer.send(leg.build("INVITE").replace(b'"Zhang San" <sip:', b'"Zhang San <<<'))
            await peer.status(400)
    assert "139****5678" in caplog.text
    assert "13912345678" not in caplog.text
    assert "Zhang" not in caplog.text
