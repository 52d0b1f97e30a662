"""Replay over HTTP: who may listen, what is written down, which bytes come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from storage import access_trail
from storage.database import reading, transaction
from storage.recordings import recordings

AT = 1_772_352_000.0


def listened(house: Any) -> list[tuple[str, str]]:
    with reading(house.desk.engine) as conn:
        rows = access_trail.list_accesses(conn, subject_type="recording")
        return [(row.user, row.subject_id) for row in rows if row.action == "listen"]


def test_the_log_leads_to_the_recording_and_the_recording_plays(
    house: Any, log_of: Callable[..., Any], tones: tuple[bytes, bytes]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        id_ = log.recorded("call-1", AT, *tones)
        async with house.signed_in("agent1") as client:
            told = (await client.get("/api/calls/call-1")).json()["recording"]
            assert told["id"] == id_
            assert (told["state"], told["seconds"], told["channels"], told["gaps"]) == ("ready", 6.0, 2, [])
            assert told["url"] == f"/api/recordings/{id_}/audio"
            assert listened(house) == [], "looking at the log is not listening"
            whole = await client.get(told["url"])
            assert (whole.status_code, whole.headers["content-type"]) == (200, told["media_type"])
            assert hashlib.sha256(whole.content).hexdigest() == told["sha256"]
            assert whole.headers["etag"] == f'"{told["sha256"]}"'
            part = await client.get(told["url"], headers={"range": "bytes=1000-1999"})
            assert (part.status_code, part.content) == (206, whole.content[1000:2000])
            beyond = await client.get(told["url"], headers={"range": f"bytes={len(whole.content)}-"})
            assert beyond.status_code == 416
            head = await client.head(told["url"])
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(len(whole.content))
        assert listened(house) == [("agent1", id_)], "one listening, however many requests"

    house(body, phone=False)


def test_the_peaks_show_both_voices(house: Any, log_of: Callable[..., Any], tones: tuple[bytes, bytes]) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        id_ = log.recorded("call-1", AT, tones[0], bytes([0xD5]) * len(tones[0]))
        async with house.signed_in("reviewer1") as client:
            told = (await client.get(f"/api/recordings/{id_}/peaks")).json()
            assert (told["seconds"], told["rate"]) == (6.0, 50.0)
            caller, agent = told["peaks"]
            assert len(caller) == len(agent) == 300
            assert all(abs(peak - 0.3) < 0.02 for peak in caller)
            assert max(agent) < 0.001
        assert listened(house) == []

    house(body, phone=False)


def test_only_those_who_may_listen_hear_it_and_each_is_written_down(
    house: Any, log_of: Callable[..., Any], tones: tuple[bytes, bytes]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        id_ = log.recorded("call-1", AT, *tones)
        async with house.signed_in("agent2") as client:
            for what in ("audio", "peaks"):
                answer = await client.get(f"/api/recordings/{id_}/{what}")
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_yours")
            row = (await client.get("/api/calls?number=13812340001")).json()[0]
            assert row["recording"]["url"] is None
            assert (await client.head(f"/api/recordings/{id_}/audio")).status_code == 403
        assert listened(house) == []
        for user in ("agent1", "reviewer1", "supervisor1", "admin"):
            async with house.signed_in(user) as client:
                answer = await client.get(f"/api/recordings/{id_}/audio", headers={"range": "bytes=500-"})
                assert answer.status_code == 206
        assert sorted(listened(house)) == sorted((u, id_) for u in ("agent1", "reviewer1", "supervisor1", "admin"))

    house(body, phone=False)


def test_a_message_is_playable_in_the_log_for_exactly_those_who_may_hear_it(
    house: Any, log_of: Callable[..., Any], tones: tuple[bytes, bytes]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.event("call.started", "vm-1", AT, direction="inbound", line="trunk", number="13812340001", queue="default")
        log.event("voicemail.left", "vm-1", AT + 9, queue="default", starts=1.0, seconds=5.0)
        log.event("call.ended", "vm-1", AT + 9, by="caller", sip_status=200, reason="BYE")
        id_ = log.recorded("vm-1", AT, tones[0])
        audio = f"/api/recordings/{id_}/audio"
        async with house.signed_in("admin") as admin, house.signed_in("agent1") as agent:

            async def told_and_got(client: Any) -> tuple[str | None, int]:
                (row,) = (await client.get("/api/calls?number=13812340001")).json()
                one = (await client.get("/api/calls/vm-1")).json()
                assert row["recording"] == one["recording"]
                assert (one["recording"]["state"], one["voicemail"]["seconds"]) == ("ready", 5.0)
                return one["recording"]["url"], (await client.get(audio)).status_code

            assert await told_and_got(agent) == (audio, 200)
            assert (await admin.patch("/api/users/agent1", json={"queues": ["complaints"]})).status_code == 200
            assert await told_and_got(agent) == (None, 403)
            assert await told_and_got(admin) == (audio, 200)
            # what somebody sees to stays theirs
            assert (await admin.patch("/api/users/agent1", json={"queues": ["default"]})).status_code == 200
            (ticket,) = (await agent.get("/api/tickets")).json()["tickets"]
            assert ticket["audio"] == audio
            assert (await agent.post(f"/api/tickets/{ticket['id']}/take", json={})).status_code == 200
            assert (await admin.patch("/api/users/agent1", json={"queues": ["complaints"]})).status_code == 200
            assert await told_and_got(agent) == (audio, 200)

    house(body, phone=False)


def test_a_recording_that_is_not_ready_says_so(house: Any, log_of: Callable[..., Any]) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        log.event("recording.started", "call-1", AT, path="recordings/raw/2026/03/01/call-1.cap")
        async with house.signed_in("agent1") as client:
            told = (await client.get("/api/calls/call-1")).json()["recording"]
            assert (told["state"], told["url"], told["seconds"]) == ("capturing", None, None)
            answer = await client.get(f"/api/recordings/{told['id']}/audio")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "recording_not_ready")
            with transaction(house.desk.engine) as conn:
                conn.execute(recordings.update().values(state="failed", error="nothing_recorded: no audio"))
            told = (await client.get("/api/calls/call-1")).json()["recording"]
            assert (told["state"], told["error"]) == ("failed", "nothing_recorded: no audio")
            answer = await client.get(f"/api/recordings/{told['id']}/peaks")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "recording_failed")
        assert listened(house) == []

    house(body, phone=False)


def test_a_lost_file_is_told_and_no_path_leads_out_of_the_data_folder(
    house: Any, log_of: Callable[..., Any], tones: tuple[bytes, bytes]
) -> None:
    async def body(house: Any) -> None:
        log = log_of(house)
        log.answered("call-1", AT)
        id_ = log.recorded("call-1", AT, *tones)
        for file in (house.config.data / "recordings" / "finished").rglob("call-1.*"):
            file.unlink()
        async with house.signed_in("agent1") as client:
            for what in ("audio", "peaks"):
                answer = await client.get(f"/api/recordings/{id_}/{what}")
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "recording_file_missing")
            with transaction(house.desk.engine) as conn:
                conn.execute(recordings.update().values(path="../../secret", peaks_path="/etc/hostname"))
            for what in ("audio", "peaks"):
                answer = await client.get(f"/api/recordings/{id_}/{what}")
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_recording")

    house(body, phone=False)
