"""Routing versions, prompts, the directory and sponsored callers, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from storage import directory, prompts, routing
from storage.caller_standing import age_of, standing_of
from storage.database import reading, transaction
from storage.demo_directory import load_demo_directory
from storage.directory import DirectoryError, EntryDraft
from storage.event_log import append_events
from storage.missed_calls import missed_callers
from storage.patients import PhoneEntry, create_patient
from storage.phone_numbers import NumberingPlan
from storage.rules import set_rule
from storage.sponsored_callers import SponsoredError, add_sponsored, is_sponsored, remove_sponsored
from storage.users import UserError, create_user, find_user, update_user

PLAN = NumberingPlan("CN", "0571")
MOBILE = "+8613805711001"


def test_versions_of_routing_follow_each_other_and_keep_their_documents(conn: Connection) -> None:
    assert (routing.newest_version(conn), routing.get_version(conn, 1)) == (0, None)
    document = {"queues": [{"name": "综合"}], "prompts": [{"name": "x", "file": "prompts/a.wav"}]}
    first = routing.save(conn, document, 0, "admin", "第一版")
    second = routing.save(conn, {"queues": []}, 1, "admin", restored_from=1)
    assert (first.version, second.version, second.restored_from) == (1, 2, 1)
    found = routing.get_version(conn, 1)
    assert found is not None
    assert found == (first, {**document, "version": 1})
    assert [one.version for one in routing.list_versions(conn)] == [2, 1]
    assert [one.version for one in routing.list_versions(conn, before=2)] == [1]
    assert routing.files_in_use(conn) == {"prompts/a.wav"}
    for base in (0, 1, 3):
        with pytest.raises(routing.RoutingConflict) as caught:
            routing.save(conn, {}, base, "admin")
        assert caught.value.newest == 2


def test_of_two_who_save_at_once_one_is_told(engine: Engine) -> None:
    told: list[str] = []

    def save(by: str) -> None:
        try:
            with transaction(engine) as conn:
                routing.save(conn, {"by": by}, 0, by)
            told.append("saved")
        except routing.RoutingConflict:
            told.append("conflict")

    threads = [threading.Thread(target=save, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == ["conflict", "saved"]
    with reading(engine) as conn:
        assert routing.newest_version(conn) == 1


def test_a_prompts_name_is_taken_once(conn: Connection) -> None:
    facts: dict[str, Any] = {
        "label_zh": "",
        "label_en": "",
        "seconds": 2.0,
        "text": "",
        "source": "upload",
        "by": "admin",
    }
    made = prompts.add_prompt(conn, "hello", file="prompts/a.wav", **facts)
    with pytest.raises(prompts.PromptTaken):
        prompts.add_prompt(conn, "hello", file="prompts/b.wav", **facts)
    assert prompts.list_prompts(conn) == [made]
    assert prompts.file_is_used(conn, "prompts/a.wav")
    assert prompts.remove_prompt(conn, "hello")
    assert not prompts.remove_prompt(conn, "hello")
    assert not prompts.file_is_used(conn, "prompts/a.wav")


def test_the_demos_departments_are_loaded_once_and_found_by_initials(conn: Connection) -> None:
    added = load_demo_directory(conn, PLAN)
    assert added >= 25
    assert load_demo_directory(conn, PLAN) == 0
    entries = directory.list_entries(conn)
    assert [one.kind for one in entries[:3]] == ["emergency"] * 3
    for typed, name in (
        ("jzk", "急诊科"),
        ("guke", "骨科"),
        ("xxgnk", "心血管内科"),
        ("8502", "儿科"),
        ("ENT", "耳鼻喉科"),
        ("nose and", "耳鼻喉科"),
        ("partment", ""),
    ):
        assert [one.name_zh for one in directory.search(entries, typed)] == ([name] if name else []), typed
    assert directory.find_by_numbers(conn, ["8120", ""])["8120"].name_zh == "急诊科"
    assert directory.find_by_numbers(conn, []) == {}


def test_favourites_go_with_their_entry_and_their_user(conn: Connection) -> None:
    create_user(conn, "agent1", "long enough", "agent")
    entry = directory.add_entry(conn, EntryDraft(name_zh="骨科", number="8402"), "admin", PLAN)
    for favourite in (True, True, False, True):
        directory.set_favourite(conn, "agent1", entry.id, favourite)
    assert directory.favourites_of(conn, "agent1") == {entry.id}
    assert directory.favourites_of(conn, "agent2") == set()
    directory.remove_entry(conn, entry.id)
    assert directory.favourites_of(conn, "agent1") == set()
    with pytest.raises(DirectoryError) as caught:
        directory.set_favourite(conn, "agent1", entry.id, True)
    assert caught.value.code == "not_found"


def test_text_that_no_database_holds_does_not_get_into_the_directory(conn: Connection) -> None:
    entry = directory.add_entry(conn, EntryDraft(name_zh="骨\x00科\ud800", number=" 8402\x00 "), "admin", PLAN)
    assert (entry.name_zh, entry.number) == ("骨科?", "8402")
    assert directory.get_entry(conn, entry.id) == entry


def test_a_sponsored_number_counts_until_its_end_and_may_come_again_after_it(conn: Connection) -> None:
    now = time.time()
    made = add_sponsored(conn, "138 0571 1001", name="孙", sponsor="李", by="boss", until=now + 60, plan=PLAN)
    assert is_sponsored(conn, MOBILE, now)
    assert not is_sponsored(conn, MOBILE, now + 61)
    assert not is_sponsored(conn, "", now)
    with pytest.raises(SponsoredError) as caught:
        add_sponsored(conn, "13805711001", name="孙", sponsor="李", by="boss", plan=PLAN)
    assert caught.value.code == "exists"
    assert remove_sponsored(conn, made.id) == made
    assert remove_sponsored(conn, made.id) is None
    add_sponsored(conn, "13805711001", name="孙", sponsor="李", by="boss", plan=PLAN)
    assert is_sponsored(conn, MOBILE, now + 10**9)


def answered(conn: Connection, call: str, sequence: int, agent: str, at: float) -> None:
    story: list[dict[str, Any]] = [
        {"type": "call.started", "direction": "inbound", "number": "13805711001"},
        {"type": "call.answered", "agent": agent, "wait_seconds": 1.0},
        {"type": "call.ended", "by": "caller", "sip_status": 200},
    ]
    append_events(
        conn,
        [
            {**one, "call": call, "node": "p", "sequence": sequence + n, "at": at, "monotonic": 0}
            for n, one in enumerate(story)
        ],
        PLAN,
    )


def test_how_a_caller_stands_follows_age_flag_sponsor_and_who_spoke_last(conn: Connection) -> None:
    now = time.time()
    assert standing_of(conn, MOBILE, now).reason == ""
    patient = create_patient(conn, "赵老", [PhoneEntry("13805711001")], birth_date="1958-06-15", plan=PLAN)
    assert age_of(patient.birth_date, date(2028, 6, 14)) == 69
    assert age_of(patient.birth_date, date(2028, 6, 15)) == 70
    set_rule(conn, "elderly_age", 60, "admin")
    assert standing_of(conn, MOBILE, now).reason == "elderly"
    set_rule(conn, "elderly_age", 120, "admin")
    assert standing_of(conn, MOBILE, now).reason == ""
    create_patient(conn, "钱某", [PhoneEntry("13805711001")], assisted=True, plan=PLAN)
    assert standing_of(conn, MOBILE, now).reason == "elderly"
    add_sponsored(conn, "13805711001", name="孙", sponsor="李", by="boss", plan=PLAN)
    assert standing_of(conn, MOBILE, now) == standing_of(conn, MOBILE, now)
    assert standing_of(conn, MOBILE, now).reason == "vip"
    answered(conn, "c1", 1, "agent1", now - 100 * 86400)
    assert standing_of(conn, MOBILE, now).last_agent == ""
    answered(conn, "c2", 11, "agent1", now - 200)
    answered(conn, "c3", 21, "agent2", now - 100)
    assert standing_of(conn, MOBILE, now).last_agent == "agent2"
    assert standing_of(conn, "", now).last_agent == ""


def test_missed_callers_are_counted_by_number_and_kept_to_the_queues_asked_for(conn: Connection) -> None:
    def abandoned(call: str, sequence: int, at: float, number: str, queue: str) -> None:
        story: list[dict[str, Any]] = [
            {"type": "call.started", "direction": "inbound", "number": number, "queue": queue},
            {"type": "call.ended", "by": "caller", "sip_status": 487},
        ]
        events = [
            {**one, "call": call, "node": "p", "sequence": sequence + n, "at": at, "monotonic": 0}
            for n, one in enumerate(story)
        ]
        append_events(conn, events, PLAN)

    abandoned("a", 1, 100.0, "13805711001", "default")
    abandoned("b", 11, 200.0, "13805711001", "")
    abandoned("c", 21, 300.0, "13805711002", "vip")
    abandoned("old", 31, 50.0, "13805711003", "vip")
    assert [(one.call, one.tries, one.queue) for one in missed_callers(conn, 90.0)] == [
        ("c", 1, "vip"),
        ("b", 2, "default"),
    ]
    assert [one.call for one in missed_callers(conn, 90.0, ["default"])] == ["b"]
    assert missed_callers(conn, 90.0, []) == []
    answered(conn, "d", 41, "agent1", 400.0)
    assert [one.call for one in missed_callers(conn, 90.0)] == ["c"]


def test_skills_queues_and_mobile_of_a_user_are_kept_and_nonsense_is_refused(conn: Connection) -> None:
    create_user(conn, "agent1", "long enough", "agent")
    changed = update_user(conn, "agent1", skills={"内科": 9}, queues=["vip", "vip"], mobile="13805711001")
    assert (dict(changed.skills), list(changed.queues), changed.mobile) == ({"内科": 9}, ["vip"], "13805711001")
    assert find_user(conn, "agent1") == changed
    for code, change in (
        ("bad_skills", {"skills": {"x": 10}}),
        ("bad_skills", {"skills": {"": 1}}),
        ("bad_queues", {"queues": ["a" * 65]}),
        ("bad_mobile", {"mobile": "none"}),
    ):
        with pytest.raises(UserError) as caught:
            update_user(conn, "agent1", **change)  # type: ignore[arg-type]
        assert caught.value.code == code
    assert update_user(conn, "agent1", mobile="").mobile == ""
