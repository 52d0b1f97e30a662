"""Who calls: several on one number, nobody known, a late answer, a number shown on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

SHARED_LANDLINE = "057188001004"
LI_XIUYING = "13805711003"
STRANGER = "13805719077"


def test_patients_who_share_a_number_are_candidates_and_none_is_opened_by_itself(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    agent = screen(processing=True)
    agent.become_ready("agent2")
    phone = caller(SHARED_LANDLINE)
    agent.see("pop-candidates", "王建国")
    expect(agent.find("pop-candidate")).to_have_count(3)
    agent.gone("pop-card")
    agent.press("F2")
    agent.stage("talking")
    agent.gone("pop-card")
    agent.picture("11-several-patients")
    agent.find("pop-candidate").filter(has_text="赵玉兰").click()
    agent.see("pop-card", "赵玉兰")
    call = agent.call_id()
    phone.hang_up()
    agent.see("registration", "来电人先挂机")
    agent.finish("3")
    agent.agent_state("ready")
    row = agent.api(f"/api/calls/{call}")
    assert (row["patient_name"], row["hung_up_by"]) == ("赵玉兰", "caller")


def test_an_unknown_number_opens_a_new_record_with_the_number_masked_and_shows_it_for_a_reason(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    agent = screen()
    agent.become_ready("agent2")
    phone = caller(STRANGER)
    agent.see("pop-new")
    agent.press("F2")
    agent.stage("talking")
    agent.see("patient-caller", "138****9077")
    assert STRANGER not in agent.page.content()
    agent.picture("12-unknown-number")
    agent.see("patient-caller").get_by_test_id("reveal").click()
    agent.see("reason-verify").check()
    agent.picture("13-reason-to-show-a-number")
    agent.find("reveal-confirm").click()
    expect(agent.see("patient-caller").get_by_test_id("masked-number")).to_contain_text("9077")
    expect(agent.see("patient-caller").get_by_test_id("masked-number")).not_to_contain_text("*")
    agent.type("patient-name", "钱文静")
    agent.find("patient-save").click()
    agent.see("pop-card", "钱文静")
    agent.picture("14-record-created")
    phone.hang_up()
    agent.finish("1")

    found = agent.api(f"/api/patients?q={STRANGER}")
    assert [(one["name"], one["phones"][0]["masked"]) for one in found] == [("钱文静", "138****9077")]
    agent.find("nav-patients").click()
    agent.type("patient-search", "qwj")
    agent.see("patient-hit", "钱文静")
    agent.find("patient-hit").first.click()
    agent.see("patient-record", "钱文静")
    agent.see("patient-record").get_by_test_id("reveal").click()
    agent.see("reason-callback").check()
    agent.find("reveal-confirm").click()
    expect(agent.see("patient-record").get_by_test_id("masked-number")).not_to_contain_text("*")
    agent.picture("15-patient-record")

    admin = screen()
    admin.sign_in("admin")
    admin.see("health")
    admin.find("admin-trail").click()
    rows = admin.find("trail-row").filter(has_text="显示号码").filter(has_text="agent2")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="通话")).to_have_count(1)
    admin.page.get_by_role("button", name="校验").click()
    admin.see("trail-check", "链条完整")
    admin.picture("16-access-trail")


def test_an_answer_after_the_third_ring_asks_for_an_apology_and_the_supervisor_sees_the_wait(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    supervisor = screen()
    supervisor.sign_in("supervisor1")
    agent = screen()
    agent.sign_in("agent2")
    agent.headset_on()
    agent.agent_state("not_ready")
    phone = caller(LI_XIUYING)
    waiting = supervisor.see("waiting-call", "138****1003")
    expect(waiting.locator(".full")).to_have_count(3, timeout=25_000)
    agent.find("ready-toggle").click()
    agent.see("pop-card", "李秀英")
    agent.gone("apology-line")
    expect(supervisor.find("agent-tile").and_(supervisor.page.locator("[data-agent=agent2]"))).to_have_attribute(
        "data-status", "ringing"
    )
    agent.see("apology-line", "让您久等了")
    supervisor.picture("17-floor-late-call")
    agent.picture("18-late-ring")
    agent.press("F2")
    agent.stage("talking")
    agent.see("apology-line")
    agent.see("opening-line")
    expect(supervisor.find("agent-tile").and_(supervisor.page.locator("[data-agent=agent2]"))).to_have_attribute(
        "data-status", "talking"
    )
    supervisor.picture("19-floor-talking")
    call = agent.call_id()
    phone.hang_up()
    agent.finish("1")
    row = agent.api(f"/api/calls/{call}")
    assert row["within_three_rings"] is False
    assert row["caller_rings"] >= 4
