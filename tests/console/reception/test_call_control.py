"""Every control of docs/call-control.md is one command at the seam, with its roles, its checks and its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from seam_phone import seam_phone
from sqlalchemy import Connection

from console.events.refusals import REASONS
from storage import access_trail
from storage.directory import EntryDraft, add_entry
from storage.phone_numbers import NumberingPlan
from telephony.calls.refusal import Reason, wrong_state
from telephony.seam.server import CommandFailed

Run = Callable[..., None]
OF_AGENT = {"agent": "agent1", "call": "c1"}

#: path, body, command, further arguments
CONTROLS: list[tuple[str, dict[str, Any] | None, str, dict[str, Any]]] = [
    ("answer", None, "call.answer", {}),
    ("reject", None, "call.reject", {}),
    ("hangup", None, "call.hang_up", {}),
    ("hold", None, "call.hold", {}),
    ("resume", None, "call.resume", {}),
    ("mute", {"muted": True}, "call.mute", {"muted": True}),
    ("digits", {"digits": "12#a"}, "call.digits", {"digits": "12#A"}),
    ("swap", None, "call.swap", {}),
    ("merge", None, "call.merge", {}),
    ("complete", None, "call.complete", {}),
    ("cancel-consult", None, "call.cancel_consult", {}),
    ("drop", {"party": 2}, "call.drop", {"party": 2}),
    ("leave", None, "call.leave", {}),
    ("private", {"private": True}, "call.private", {"private": True}),
    ("wrapped-up", None, "call.wrapped_up", {}),
]


def test_each_button_is_one_command_for_agents_and_supervisors_and_for_nobody_else(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent, desk.signed_in("admin") as admin:
            for path, payload, command, arguments in CONTROLS:
                answer = await agent.post(f"/api/calls/c1/{path}", json=payload)
                assert answer.status_code == 204, (path, answer.text)
                assert phone.told.pop() == (command, {**OF_AGENT, **arguments})
                assert (await admin.post(f"/api/calls/c1/{path}", json=payload)).status_code == 403
            async with desk.signed_in("supervisor1") as supervisor:
                assert (await supervisor.post("/api/calls/c1/hold")).status_code == 204
            assert phone.told == [("call.hold", {"agent": "supervisor1", "call": "c1"})]

    house(body, phone=False)


def test_a_call_goes_to_an_agent_a_queue_a_number_or_an_entry_of_the_directory(house: Run) -> None:
    async def body(desk: Any) -> None:
        def enter(conn: Connection) -> str:
            draft = EntryDraft(name_zh="心内科护士站", number="0571 8888 6666")
            return add_entry(conn, draft, "admin", NumberingPlan(area_code="0571")).id

        entry = await desk.desk.in_transaction(enter)
        blank = {"agent": "", "queue": "", "number": "", "name": "", "entry": ""}
        wishes: list[tuple[dict[str, str], dict[str, str]]] = [
            ({"agent": "agent2"}, {"kind": "agent", "agent": "agent2", "name": "agent2 姓名"}),
            ({"queue": "vip"}, {"kind": "queue", "queue": "vip", "name": "vip"}),
            ({"number": "0571-8888 7777"}, {"kind": "number", "number": "057188887777"}),
            ({"entry": entry}, {"kind": "number", "number": "057188886666", "name": "心内科护士站", "entry": entry}),
        ]
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent:
            for wish, target in wishes:
                answer = await agent.post("/api/calls/c1/transfer", json={"target": wish})
                assert answer.status_code == 204, answer.text
                assert phone.told.pop() == ("call.transfer", {**OF_AGENT, "target": {**blank, **target}})
            asked = await agent.post("/api/calls/c1/consult", json={"target": {"entry": entry}})
            assert (asked.status_code, asked.json()) == (201, {"party": 2})
            assert phone.told.pop()[0] == "call.consult"

    house(body, phone=False)


def test_targets_and_marks_that_make_no_sense_are_told_before_the_phone_hears_of_them(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent:
            for target, status, code in (
                ({}, 400, "bad_target"),
                ({"agent": "agent2", "number": "120"}, 400, "bad_target"),
                ({"number": "abc"}, 400, "bad_number"),
                ({"entry": "nowhere"}, 404, "no_such_entry"),
                ({"agent": 7}, 422, "bad_request"),
                ({"planet": "Mars"}, 422, "bad_request"),
            ):
                answer = await agent.post("/api/calls/c1/transfer", json={"target": target})
                assert answer.status_code == status, (target, answer.text)
                if status != 422:
                    assert answer.json()["error"]["code"] == code
            for path, payload in (
                ("drop", {"party": 16}),
                ("drop", {"party": -1}),
                ("drop", {}),
                ("private", {"private": "yes"}),
                ("mark", {"mark": "Wrong Transfer!"}),
                ("mark", {"mark": "wrong_transfer\n"}),
                ("digits", {"digits": "1\n"}),
                ("digits", {"digits": "１"}),
                ("mark", {"mark": "wrong_transfer", "detail": "x" * 501}),
                ("consult", {}),
            ):
                assert (await agent.post(f"/api/calls/c1/{path}", json=payload)).status_code == 422, (path, payload)
            assert (await agent.post("/api/calls/c1/mark", json={"mark": "wrong_transfer"})).status_code == 404
            assert phone.told == []

    house(body, phone=False)


@pytest.mark.parametrize(
    ("code", "status", "chinese"),
    [
        ("not_able", 409, "线路"),
        ("full", 409, "五方"),
        ("agent_busy", 409, "通话中"),
        ("target_busy", 409, "对方"),
        ("target_away", 409, "对方"),
        ("bad_digits", 400, "按键"),
        ("no_dtmf", 409, "按键"),
        ("not_yours", 409, "不属于"),
        ("bad_number", 400, "号码"),
        ("foreign_address", 400, "sip.uri_domains"),
        ("no_such_call", 404, "已结束"),
    ],
)
def test_what_the_phone_refuses_is_told_in_both_languages(house: Run, code: str, status: int, chinese: str) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent:
            phone.refuses["call.consult"] = code
            answer = await agent.post("/api/calls/c1/consult", json={"target": {"agent": "agent2"}})
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            assert chinese in answer.json()["error"]["message"]

    house(body, phone=False)


def test_a_call_in_the_wrong_state_is_refused_with_a_reason_and_what_to_do_in_both_languages(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent:
            for locale in ("zh-CN", "en"):
                changed = await agent.patch("/api/me", json={"locale": locale})
                assert changed.status_code == 200, changed.text
                for reason in Reason:
                    said = wrong_state(reason)
                    phone.refuses["call.complete"] = CommandFailed(said.code, str(said), {"reason": said.reason})
                    answer = await agent.post("/api/calls/c1/complete")
                    error = answer.json()["error"]
                    assert (answer.status_code, error["code"], error["reason"]) == (409, "wrong_state", reason.value)
                    assert error["message"] == (str(said) if locale == "en" else REASONS[reason])

    house(body, phone=False)


def test_every_reason_has_a_sentence_of_its_own() -> None:
    assert set(REASONS) == {str(reason) for reason in Reason}
    assert len({str(wrong_state(reason)) for reason in Reason}) == len(set(REASONS.values())) == len(Reason)


def test_a_break_is_refused_with_the_queues_that_would_be_short_and_by_how_many(house: Run) -> None:
    short = [{"queue": "default", "left": 1, "needed": 3}, {"queue": "gone", "left": 0, "needed": 1}]

    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent, desk.signed_in("admin") as admin:
            newest = (await admin.get("/api/routing")).json()
            newest["routing"]["queues"][0]["label"] = {"zh": "综合", "en": "General"}
            change = {"routing": newest["routing"], "base_version": newest["version"]}
            saved = await admin.put("/api/routing", json=change)
            assert saved.status_code == 200, saved.text
            phone.refuses["agent.not_ready"] = CommandFailed("minimum_staff", "Too few.", {"short": short})
            for locale, sentence in (
                ("zh-CN", "“综合”队列至少留 3 人，您离岗后只剩 1 人，缺 2 人；“gone”队列至少留 1 人"),
                ("en", "“General” must keep 3, 1 would stay: 2 short; “gone” must keep 1, 0 would stay: 1 short."),
            ):
                await agent.patch("/api/me", json={"locale": locale})
                refused = await agent.post("/api/agent/state", json={"state": "not_ready", "reason": "meal"})
                assert refused.status_code == 409
                assert refused.json()["error"]["message"].startswith(sentence)

    house(body, phone=False)


def test_a_break_that_leaves_too_few_is_refused_and_home_shift_takes_a_number(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with seam_phone(desk) as phone, desk.signed_in("agent1") as agent:
            phone.refuses["agent.not_ready"] = "minimum_staff"
            refused = await agent.post("/api/agent/state", json={"state": "not_ready", "reason": "meal"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "minimum_staff")
            assert "接替" in refused.json()["error"]["message"]
            phone.told.clear()
            for wish, number in (
                ({"device": "phone", "number": "138 1234 5678"}, "13812345678"),
                ({"device": "headset", "number": "ignored"}, ""),
            ):
                answer = await agent.post("/api/agent/device", json=wish)
                assert answer.status_code == 200, answer.text
                told = {"agent": "agent1", "device": wish["device"], "number": number}
                assert phone.told.pop() == ("agent.reach", told)
            for wish, status in (({"device": "phone", "number": ""}, 400), ({"device": "fax"}, 422)):
                assert (await agent.post("/api/agent/device", json=wish)).status_code == status
            assert phone.told == []
            trail = await desk.desk.read(lambda conn: access_trail.list_accesses(conn, subject_type="agent"))
            assert [json.loads(one.detail) for one in trail] == [
                {"device": "headset"},
                {"device": "phone", "number": "138****5678"},
            ]

    house(body, phone=False)
