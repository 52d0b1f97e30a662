"""The product behind Kamailio, which registers phones and hands calls to one of two desks, one of them dead.

baresip and pyVoIP's own VoIPPhone are the phones. Of the latter only the signalling is judged: its sound is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kamailio_registrar import free_port, run_kamailio
from stock_pyvoip_phone import stock_phone
from tones import hear_pcm

__all__ = ["stock_phone"]

pytestmark = pytest.mark.peer
PHONE_TONE, AGENT_TONE = 440.0, 1000.0


@pytest.fixture(scope="module")
def desk(start_house: Callable[..., Any]) -> Any:
    """The house of this file: its trunk's proxy is where Kamailio will be."""
    return start_house("dispatched", (36500, 36599))


@asynccontextmanager
async def dispatcher(desk: Any, folder: Path, dead_first: bool) -> AsyncIterator[Path]:
    """Kamailio at the trunk's proxy; gives its log. A dead desk comes ``first``, or there is none."""
    nodes = [f"1 sip:127.0.0.1:{desk.product.sip} 0 1"]
    if dead_first:
        nodes.insert(0, f"1 sip:127.0.0.1:{free_port()} 0 9")
    listed = folder / "dispatcher.list"
    listed.write_text("\n".join([*nodes, ""]))
    async with run_kamailio(folder, "dispatcher", desk.product.peer, {"LIST": str(listed)}) as log:
        yield log


def account(desk: Any, user: str, extra: str = "") -> str:
    proxy = f'outbound="sip:127.0.0.1:{desk.product.peer}"'
    return f"<sip:{user}@pbx.test>;auth_user={user};auth_pass=geheim;{proxy};regint=60{extra}"


async def registered(desk: Any, phone: Any) -> None:
    async def bound() -> bool:
        return "[1 binding]" in phone.log()

    await desk.until(bound)


async def test_baresip_reaches_the_living_desk_holds_sends_digits_and_is_heard_both_ways(
    desk: Any, tmp_path: Path, baresip: Callable[..., Any]
) -> None:
    async with dispatcher(desk, tmp_path, dead_first=True) as log, desk.watching():
        phone = baresip("1002", tone=(PHONE_TONE, -12.0), account=account(desk, "1002"))
        await registered(desk, phone)
        for hangs_up in ("caller", "agent"):
            async with desk.agent(play=desk.tone(AGENT_TONE)) as agent:
                phone.dial("sip:9000@pbx.test")
                id_ = (await agent.wait_for("ringing", 30.0))["call"]
                await agent.answer(id_)
                await agent.wait_for("answered", call=id_)
                await asyncio.to_thread(phone.listen, 2.0)
                if hangs_up == "caller":
                    phone.digits("5#")
                    for digit in "5#":
                        await desk.event("call.digit", call=id_, digit=digit, by="caller")
                    phone.hold()
                    await desk.event("call.held", call=id_, by="caller")
                    phone.resume()
                    await desk.event("call.resumed", call=id_, by="caller")
                    phone.hang_up()
                else:
                    await agent.hang_up(id_)
                await agent.wait_for("ended", call=id_)
                at_agent = hear_pcm(agent.heard(id_))
            await desk.call_when(id_, hung_up_by=hangs_up)
            if hangs_up == "agent":  # a hold and digits are within the other call's sound
                assert at_agent.tone(PHONE_TONE) == pytest.approx(-12.0, abs=1.0)
                assert phone.heard().tone(AGENT_TONE) == pytest.approx(-15.0, abs=1.0)
        text = log.read_text(errors="replace")
        assert "failed over to" in text, "the dead desk was asked first"
        assert "Traceback" not in desk.product.log.read_text(errors="replace")
        await asyncio.to_thread(phone.close)


async def test_the_desk_calls_a_phone_behind_the_proxy_and_each_side_can_end_it(
    desk: Any, tmp_path: Path, baresip: Callable[..., Any]
) -> None:
    async with dispatcher(desk, tmp_path, dead_first=False), desk.watching():
        phone = baresip("1002", tone=(PHONE_TONE, -12.0), account=account(desk, "1002"))
        await registered(desk, phone)
        for hangs_up in ("caller", "agent"):
            async with desk.agent(ready=False, play=desk.tone(AGENT_TONE)) as agent:
                seen = len(phone.events)
                id_ = await agent.dial("1002", "trunk")
                await asyncio.to_thread(phone.wait_for, "CALL_INCOMING", 15.0, seen)
                phone.accept()
                await desk.event("call.answered", call=id_)
                await asyncio.to_thread(phone.listen, 2.0)
                if hangs_up == "caller":
                    phone.hang_up()
                else:
                    await agent.hang_up(id_)
                await agent.wait_for("ended", call=id_)
                assert hear_pcm(agent.heard(id_)).tone(PHONE_TONE) == pytest.approx(-12.0, abs=1.0)
            assert phone.heard().tone(AGENT_TONE) == pytest.approx(-15.0, abs=1.0)
            await desk.call_when(id_, hung_up_by=hangs_up)
        async with desk.agent(ready=False) as agent:
            id_ = await agent.dial("1999", "trunk")  # nobody
            await agent.wait_for("ended", call=id_)
            await desk.call_when(id_, sip_status=404)
        await asyncio.to_thread(phone.close)


async def test_stock_pyvoip_calls_and_is_called(desk: Any, tmp_path: Path, stock_phone: Callable[..., Any]) -> None:
    async with dispatcher(desk, tmp_path, dead_first=False), desk.watching():
        phone = await asyncio.to_thread(stock_phone, desk.product.peer, "1003", free_port(), 36600)
        await asyncio.to_thread(phone.wait_for, "registered")
        # the ACK of VoIPPhone has a To tag of its own and acknowledges nothing: a call that it dialled is its to end,
        # as our BYE must wait for the ACK (RFC 3261 §15)
        for direction, hangs_up in (("inbound", "caller"), ("outbound", "caller"), ("outbound", "agent")):
            async with desk.agent(ready=direction == "inbound") as agent:
                if direction == "inbound":
                    phone.order("call 9000")
                    id_ = (await agent.wait_for("ringing", 30.0))["call"]
                    await agent.answer(id_)
                    await agent.wait_for("answered", call=id_)
                else:
                    id_ = await agent.dial("1003", "trunk")
                    await desk.event("call.answered", call=id_)
                await asyncio.to_thread(phone.wait_for, "answered")
                if hangs_up == "caller":
                    phone.order("hang_up")
                else:
                    await agent.hang_up(id_)
                await agent.wait_for("ended", call=id_)
                await asyncio.to_thread(phone.wait_for, "ended")
            await desk.call_when(id_, hung_up_by=hangs_up)
        await asyncio.to_thread(phone.close)
