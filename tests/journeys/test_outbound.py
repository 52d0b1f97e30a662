"""Calls out, from a record and by number: what became of each is told apart on the screen and in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


def one_ring_is_enough(product: Any, screen: Callable[..., Any]) -> None:
    """The department's rule for calls out: give up after one ring, so that this test need not wait for twelve."""
    admin = screen()
    admin.sign_in("admin")
    admin.see("health")
    version = next(one["version"] for one in admin.api("/api/rules")["rules"] if one["name"] == "dial_ring_limit")
    answer = admin.context.request.put(
        f"{product.url}/api/rules/dial_ring_limit", data={"value": 1, "version": version}
    )
    assert answer.ok, answer.text()


def test_calls_out_show_whether_they_were_answered_busy_refused_unknown_or_not_taken(
    screen: Callable[..., Any], product: Any
) -> None:
    agent = screen()
    agent.sign_in("agent3")
    agent.headset_on()

    # from the record: the number stays at the server
    agent.find("nav-patients").click()
    agent.type("patient-search", "zs")
    agent.find("patient-hit").filter(has_text="张三").filter(has_text="D00000001").first.click()
    agent.see("patient-record").get_by_test_id("patient-dial").first.click()
    # people whose number ends in 01 are busy
    agent.stage("busy")
    agent.see("call-status", "对方忙")
    agent.see("pop-card", "张三")
    agent.picture("20-busy")

    # by number
    calls = {"busy": agent.call_id()}
    close(agent)
    for ending, outcome, words in (
        ("03", "not_found", "空号"),
        ("05", "unavailable", "暂时无法接通"),
        ("02", "rejected", "对方拒接"),
    ):
        calls[outcome] = dial(agent, f"139057188{ending}")
        agent.stage(outcome)
        agent.see("call-status", words)
        agent.picture(f"22-{outcome.replace('_', '-')}")
        close(agent)

    calls["cancelled"] = dial(agent, "13905718804")
    agent.stage("ringing")
    agent.picture("21-ringing-out")
    agent.find("call-hangup").click()
    agent.stage("cancelled")
    close(agent)

    one_ring_is_enough(product, screen)
    calls["no_answer"] = dial(agent, "13905718804")
    agent.stage("no_answer")
    agent.see("call-status", "无人接听")
    agent.picture("23-no-answer")
    close(agent)

    for outcome, call in calls.items():
        row = agent.api(f"/api/calls/{call}")
        assert (row["direction"], row["outcome"]) == ("outbound", outcome)


def test_a_call_out_that_is_answered_is_talked_and_recorded(screen: Callable[..., Any], baresip: Any) -> None:
    agent = screen()
    agent.sign_in("agent3")
    agent.headset_on()
    dial(agent, "13905718810")
    agent.stage("talking")
    agent.picture("24-outbound-talking")
    agent.until(lambda: (agent.headset()["stats"] or {}).get("received", 0) > 50)
    call = agent.call_id()
    # who was called may be hung up on without being asked twice
    agent.press("F4")
    agent.finish("1")
    row = agent.recorded(call)
    assert (row["outcome"], row["hung_up_by"]) == ("answered", "agent")
    agent.find("nav-calls").click()
    expect(agent.find("calls-row").first).to_contain_text("139****8810")
    agent.picture("25-call-log")


def dial(agent: Any, number: str) -> str:
    before = agent.find("call-strip").get_attribute("data-call") if agent.find("call-strip").count() else ""
    agent.type("dial-input", number)
    agent.press("Enter")
    found: str = agent.until(lambda: agent.find("call-strip").count() and (now := agent.call_id()) != before and now)
    return found


def close(agent: Any) -> None:
    """A call that came to nothing is registered too: 未接通."""
    agent.see("disposition-save")
    agent.press("9")
    agent.press("Enter")
    agent.gone("call-strip")
