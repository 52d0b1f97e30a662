"""An agent works with numbers that the browser never holds: they are named by a record or a call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx

from console.bench.sip_source import SipSource
from storage.access_trail import list_accesses
from storage.database import reading

Run = Callable[..., None]
WANG, STRANGER = "13812340001", "13900009003"


async def until_answered(client: httpx.AsyncClient, path: str, **params: str) -> httpx.Response:
    """A call may be asked for a moment before it is stored."""
    for _ in range(100):
        answer = await client.get(path, params=params)
        if answer.status_code == 200 and answer.json():
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError(answer.text)


def test_a_new_record_takes_its_number_from_the_call_that_rings(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("agent2") as other:
            events = await desk.ready(agent)
            call = desk.source.invite(STRANGER)
            offered = await events.frame("call.offered")
            phones = [{"call": offered["call"], "label": "本人"}]
            refused = await other.post("/api/patients", json={"name": "偷看", "phones": phones})
            assert refused.status_code in (403, 404), refused.text
            unknown = await agent.post("/api/patients", json={"name": "钱七", "phones": [{"call": "no-such-call"}]})
            assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "no_such_call")
            made = await agent.post("/api/patients", json={"name": "钱七", "phones": phones})
            assert made.status_code == 201, made.text
            assert [one["masked"] for one in made.json()["phones"]] == ["139****9003"]
            found = (await agent.get("/api/patients", params={"q": STRANGER})).json()
            assert [one["name"] for one in found] == ["钱七"]
            assert STRANGER not in json.dumps(events.frames) + made.text
            desk.source.cancel(call)
            await events.frame("call.ended")

    house(body)


def test_earlier_calls_of_a_number_are_found_by_the_call_that_rings_now(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent, desk.signed_in("agent2") as other:
            events = await desk.ready(agent)
            calls = []
            for number in (WANG, STRANGER, WANG):
                seen = len(events.frames)
                call = desk.source.invite(number)
                while not [one for one in events.frames[seen:] if one["type"] == "call.offered"]:
                    events.frames.append(json.loads(await events.socket.recv()))
                calls.append(next(one["call"] for one in events.frames[seen:] if one["type"] == "call.offered"))
                if len(calls) < 3:
                    desk.source.cancel(call)
                    await events.frame("call.ended", call=calls[-1])
                    await events.frame("agent.state", status="ready", call="")
                    events.frames = [one for one in events.frames if one["type"] != "agent.state"]
            answer = await until_answered(agent, "/api/calls", same_number_as=calls[2])
            while len(answer.json()) < 2:
                answer = await until_answered(agent, "/api/calls", same_number_as=calls[2])
            assert {one["id"] for one in answer.json()} == {calls[0], calls[2]}
            assert WANG not in answer.text
            refused = await other.get("/api/calls", params={"same_number_as": "no-such-call"})
            assert refused.status_code == 404
            desk.source.cancel(call)
            await events.frame("call.ended", call=calls[2])

    house(body)


def test_a_number_on_record_and_that_of_an_earlier_call_are_dialled_without_being_told(house: Run) -> None:
    async def body(desk: Any) -> None:
        peer = int(desk.config.lines[0].proxy.partition(":")[2])
        dialled: list[str] = []

        class Peer(asyncio.DatagramProtocol):
            """Says busy to every INVITE."""

            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                head = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
                if not head[0].startswith("INVITE"):
                    return
                dialled.append(head[0].split(" ")[1])
                kept = [one for one in head[1:] if one.lower().startswith(("via", "from", "to", "call-id", "cseq"))]
                kept = [one + ";tag=p" if one.lower().startswith("to:") else one for one in kept]
                told = ["SIP/2.0 486 Busy Here", *kept, "Content-Length: 0", "", ""]
                self.transport.sendto("\r\n".join(told).encode(), addr)

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Peer, local_addr=("127.0.0.1", peer))
        try:
            async with desk.signed_in("agent1") as agent:
                events = await desk.console(agent)
                await desk.headset(agent)
                (wang,) = (await agent.get("/api/patients", params={"q": WANG})).json()
                record = {"patient_id": wang["id"], "phone_id": wang["phones"][0]["id"]}
                first = await agent.post("/api/calls", json=record)
                assert first.status_code == 201, first.text
                await events.frame("call.ended", call=first.json()["id"], sip_status=486)
                await until_answered(agent, f"/api/calls/{first.json()['id']}")
                await agent.post(f"/api/calls/{first.json()['id']}/wrapped-up")
                again = await agent.post("/api/calls", json={"call": first.json()["id"]})
                assert again.status_code == 201, again.text
                await events.frame("call.ended", call=again.json()["id"], sip_status=486)
                assert {uri.split("@")[0] for uri in dialled} == {f"sip:{WANG}"}
                assert WANG not in json.dumps(events.frames)
                for wrong in ({"phone_id": "x", "patient_id": wang["id"]}, {"call": "x"}, {"phone_id": "x"}):
                    assert (await agent.post("/api/calls", json=wrong)).status_code == 404, wrong
                assert (await agent.post("/api/calls", json={})).status_code == 400
            with reading(desk.desk.engine) as conn:
                assert [one.subject_id for one in list_accesses(conn) if one.action == "dial"] == [wang["id"]]
        finally:
            transport.close()

    house(body)


def test_an_anonymous_caller_has_no_earlier_calls(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("agent1") as agent:
            events = await desk.ready(agent)
            source: SipSource = desk.source
            call = source.invite("anonymous")
            offered = await events.frame("call.offered")
            assert offered["pop"]["kind"] == "anonymous"
            answer = await agent.get("/api/calls", params={"same_number_as": offered["call"]})
            assert (answer.status_code, answer.json()) == (200, [])
            source.cancel(call)
            await events.frame("call.ended")

    house(body)
