"""What callers and networks do besides calling nicely."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from tones import SPEECH_CODER, hear_pcm, hear_recording

from console.headless_agent import ConsoleRefused

pytestmark = pytest.mark.peer


async def test_a_caller_who_cancels_while_it_rings_is_an_abandoned_call(house: Any) -> None:
    # SIPp counts back to the INVITE's branch: one step more with the pause
    pause = {'<recv response="180"/>': '<recv response="180"/><pause milliseconds="400"/>'}
    scenario = house.scenario("caller_cancels", pause | {"[branch-3]": "[branch-4]", "[branch-6]": "[branch-7]"})
    async with house.watching(), house.agent() as agent:
        caller = await house.sipp.start(scenario)
        id_ = (await agent.wait_for("ringing"))["call"]
        offer = await house.event("call.offer_ended", call=id_)
        await house.sipp.finished(caller)
        view = await house.call_when(id_, state="ended")
        with pytest.raises(ConsoleRefused) as late:
            await agent.answer(id_)
    assert offer["outcome"] == "caller_gone"
    said = {"outcome": "abandoned", "sip_status": 487, "hung_up_by": "caller", "answered_at": None, "recording": None}
    assert {name: view[name] for name in said} == said
    assert (view["caller_rings"], view["agent_rings"]) == (1, 1)
    assert late.value.code == "no_such_call"


async def test_a_call_whose_ack_is_lost_ends_by_the_network_and_leaves_nothing_behind(house: Any) -> None:
    async with house.watching(), house.agent(auto_answer=True) as agent:
        before = open_sockets(house)
        caller = await house.sipp.start(house.scenario("caller_never_acknowledges"))
        id_ = (await agent.wait_for("answered"))["call"]
        ended = await house.event("call.ended", call=id_, within=45)
        await house.sipp.finished(caller)
        view = await house.call_when(id_, state="ended")
        assert (ended["by"], view["hung_up_by"]) == ("network", "network")
        await house.event("recording.closed", call=id_)

        async def nothing_left() -> bool:
            return open_sockets(house) <= before

        await house.until(nothing_left)


async def test_a_late_offer_is_answered_in_the_ack_and_there_is_sound(house: Any) -> None:
    async with house.watching(), house.agent(auto_answer=True) as agent:
        caller = await house.sipp.start(house.scenario("caller_offers_late"))
        id_ = (await agent.wait_for("answered"))["call"]
        # the caller chose the second codec of our offer
        await agent.wait_for("audio", call=id_, running=True, payload_type=0)
        await agent.hang_up(id_)
        await house.sipp.finished(caller)
        view = await house.call_when(id_, state="ended")
    assert (view["outcome"], view["hung_up_by"]) == ("answered", "agent")


async def test_a_caller_holds_and_comes_back(house: Any, baresip: Callable[..., Any]) -> None:
    phone = baresip("patient", tone=(440.0, -12.0))
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 1.0)
        phone.hold()
        assert (await house.event("call.held", call=id_))["by"] == "caller"
        await house.call_when(id_, state="held")
        phone.resume()
        assert (await house.event("call.resumed", call=id_))["by"] == "caller"
        await house.call_when(id_, state="talking")
        await asyncio.sleep(1.3)
        ear = hear_pcm(agent.heard(id_)[-16000:], edge=0.1)
        assert ear.tone(440.0) == pytest.approx(-12.0, abs=1.0)
        phone.hang_up()
        view = await house.call_when(id_, state="ended")
    assert view["hung_up_by"] == "caller"


async def test_an_agent_holds_and_the_caller_hears_silence_until_the_agent_is_back(
    house: Any, baresip: Callable[..., Any]
) -> None:
    phone = baresip("patient", tone=(440.0, -12.0))
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 1.0)
        await agent.hold(id_)
        held = await house.event("call.held", call=id_)
        await house.call_when(id_, state="held")
        await asyncio.sleep(1.5)
        assert "a=recvonly" in phone.log()
        await agent.resume(id_)
        resumed = await house.event("call.resumed", call=id_)
        await asyncio.sleep(1.5)
        await agent.hang_up(id_)
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        view = await house.recorded(id_)
        answered = await house.event("call.answered", call=id_)
        caller_side, agent_side = hear_recording(await house.download(view), edge=0.0)
    assert (held["by"], resumed["by"]) == ("agent", "agent")
    begin, end = held["at"] - answered["at"], resumed["at"] - answered["at"]
    assert agent_side.part(0.2, begin - 0.2).tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)
    assert agent_side.part(begin + 0.4, end - 0.2).tone(1000.0) < -45
    assert agent_side.part(end + 0.4, end + 1.2).tone(1000.0) == pytest.approx(-15.0, abs=SPEECH_CODER)
    assert caller_side.part(end + 0.4, end + 1.2).tone(440.0) == pytest.approx(-12.0, abs=SPEECH_CODER)


async def test_digits_arrive_as_telephone_events_both_ways(house: Any, baresip: Callable[..., Any]) -> None:
    phone = baresip("patient")
    async with house.watching(), house.agent(auto_answer=True) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 0.3)
        await press(house, phone, id_, "15#")
        await agent.send_digits(id_, "9*")
        for digit in "9*":
            await house.event("call.digit", call=id_, by="agent", digit=digit)
            await asyncio.to_thread(phone.wait_for, "CALL_DTMF_START")
        await asyncio.to_thread(until, lambda: dtmf(phone) == "9*")
        phone.hang_up()
        await house.call_when(id_, state="ended")
    heard = "".join(e["digit"] for e in house.events if e["type"] == "call.digit" and e["by"] == "caller")
    assert heard == "15#"


async def test_digits_by_sip_info_are_heard_too(house: Any) -> None:
    async with house.watching(), house.agent(auto_answer=True) as agent:
        caller = await house.sipp.start(house.scenario("caller_sends_info"))
        id_ = (await agent.wait_for("answered"))["call"]
        await house.sipp.finished(caller)
        await house.call_when(id_, state="ended")
    digits = [(e["digit"], e["by"]) for e in house.events if e["type"] == "call.digit"]
    assert digits == [("4", "caller"), ("2", "caller")]


async def test_an_offer_without_a_common_codec_gets_488_and_stands_in_the_log(house: Any) -> None:
    scenario = house.scenario(
        "caller_is_refused", {'response="486"': 'response="488"', "RTP/AVP 8 0 101": "RTP/AVP 9 18 101"}
    )
    async with house.watching(), house.agent() as agent:
        await house.sipp.run(scenario)
        ended = await house.event("call.ended", sip_status=488)
        view = await house.call_when(ended["call"], state="ended")
        assert not [record for record in agent.told if record["event"] == "ringing"]
    assert (view["sip_status"], view["outcome"], view["hung_up_by"]) == (488, "failed", "system")


async def test_strangers_get_403_one_log_line_a_second_and_no_call(house: Any) -> None:
    at = house.product.log.stat().st_size
    async with house.watching(), house.agent() as agent:
        await house.sipp.run("stranger", "-r", "50", host="127.0.0.2", calls=30)
        first = await house.event("line.refused", source="127.0.0.2")

        def counted() -> int:
            return sum(e["count"] for e in house.events if e["type"] == "line.refused" and e["source"] == "127.0.0.2")

        async def all_counted() -> bool:
            return counted() >= 30

        await house.until(all_counted)
        reports = [e for e in house.events if e["type"] == "line.refused"]
        assert "call.started" not in {event["type"] for event in house.events}
        assert not [record for record in agent.told if record["event"] == "ringing"]
    assert first["count"] >= 1
    assert len(reports) <= 4
    lines = [line for line in house.product.log.read_text()[at:].splitlines() if "127.0.0.2" in line]
    assert 1 <= len(lines) <= 8


async def test_garbage_on_both_ports_does_not_disturb_a_live_call(house: Any, baresip: Callable[..., Any]) -> None:
    phone = baresip("patient", tone=(440.0, -12.0))
    noise = random.Random(7)
    async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
        phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
        id_ = (await agent.wait_for("answered"))["call"]
        await asyncio.to_thread(phone.listen, 0.5)
        media = int(phone.log().split("m=audio ")[-1].split()[0])
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            stranger.bind(("127.0.0.2", 0))
            for turn in range(100):
                bad = noise.randbytes(noise.randrange(0, 1400))
                for message in (
                    bad,
                    b"INVITE sip:x SIP/2.0\r\nVia: \x00\xff\r\nContent-Length: 99999999999\r\n\r\n",
                    b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nCall-ID: nobody\r\n\r\n",
                    b"BYE sip:4001@127.0.0.1 SIP/2.0\r\n"
                    + b"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK"
                    + bad
                    + b"\r\n\r\n",
                ):
                    peer.sendto(message, ("127.0.0.1", house.product.sip))
                # RTP of nobody's, of another host's, cut short, and of a version that there is not
                loud = b"\x80\x08" + turn.to_bytes(2, "big") + bytes(4) + b"\x01\x02\x03\x04" + b"\x2a" * 160
                stranger.sendto(loud, ("127.0.0.1", media))
                peer.sendto(loud, ("127.0.0.1", media))
                peer.sendto(bad[:11], ("127.0.0.1", media))
                peer.sendto(b"\x00" + bad[:180], ("127.0.0.1", media))
                await asyncio.sleep(0.01)
        await asyncio.to_thread(phone.listen, 3.0)
        phone.hang_up()
        await agent.wait_for("ended", call=id_)
        await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
        at_agent = hear_pcm(agent.heard(id_))
        view = await house.call_when(id_, state="ended")
    assert at_agent.tone(440.0) == pytest.approx(-12.0, abs=1.0)
    assert at_agent.level == pytest.approx(-12.0, abs=1.0)
    assert phone.heard().tone(1000.0) == pytest.approx(-15.0, abs=1.0)
    assert (view["outcome"], view["hung_up_by"]) == ("answered", "caller")


def open_sockets(house: Any) -> int:
    """UDP sockets in the product's range of RTP ports."""
    low, high = house.product.rtp_ports
    with open("/proc/net/udp", encoding="ascii") as table:
        ports = [int(line.split()[1].partition(":")[2], 16) for line in list(table)[1:]]
    return sum(low <= port <= high for port in ports)


async def press(house: Any, phone: Any, call: str, digits: str) -> None:
    for digit in digits:
        phone.digits(digit)
        await house.event("call.digit", call=call, by="caller", digit=digit)


def dtmf(phone: Any) -> str:
    return "".join(event["param"] for event in phone.events if event.get("type") == "CALL_DTMF_START")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()
