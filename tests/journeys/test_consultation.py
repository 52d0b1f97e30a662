"""Call control in the browser: asking another agent by the keys alone, and calling back whom nobody answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey

ZHANG_SAN = "13805711001"
WANG_JIANGUO = "13805711002"


def cards(screen: Any, group: str) -> Any:
    return screen.page.locator(f"[data-testid=party-group][data-group={group}] [data-testid=party-card]")


def test_an_agent_consults_another_switches_and_confers_with_the_keys_alone(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    first, second = screen(), screen()
    second.sign_in("agent2")
    second.headset_on()
    first.become_ready("agent1")
    phone = caller(ZHANG_SAN)
    first.see("pop-card", "张三")
    first.press("F2")
    first.stage("talking")
    first.press("F7")
    first.type("directory-search", "zhoun")
    expect(first.find("directory-row").filter(has_text="agent2")).to_have_count(1, timeout=15_000)
    expect(first.find("directory-row").first).to_contain_text("周宁")
    first.press("Enter")
    second.see("call-status", "坐席一")
    second.see("pop-card", "张三")
    expect(cards(second, "main")).to_have_count(1)
    second.press("F2")
    first.see("call-complete")
    expect(first.find("party-group").and_(first.page.locator("[data-waits=true]"))).to_contain_text("张三")
    first.see("hold-clock")
    first.press("F10")
    expect(first.find("party-group").and_(first.page.locator("[data-waits=true]"))).to_contain_text("周宁")
    first.press("Control+j")
    expect(cards(first, "main")).to_have_count(3, timeout=15_000)
    second.press("F4")
    expect(cards(first, "main")).to_have_count(2, timeout=15_000)
    second.agent_state("not_ready")
    second.gone("pop-card")
    call = first.call_id()
    first.press("Control+e")
    expect(first.find("call-wrong-transfer")).to_have_attribute("data-marked", "true", timeout=15_000)
    phone.hang_up()
    first.finish("1")
    told = [event["type"] for event in first.api(f"/api/calls/{call}/events")]
    assert told.count("call.started") == told.count("call.ended") == 1
    assert "call.marked" in told


def test_a_caller_whom_nobody_answered_is_listed_and_called_back_with_one_press(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    agent = screen()
    agent.sign_in("agent1")
    agent.headset_on()
    phone = caller(WANG_JIANGUO)
    agent.see("queue-count", "排队 1")
    phone.hang_up()
    # calls that were nobody's are told to nobody: the list is read again with the page
    agent.until(lambda: any(row["number"].endswith("1002") for row in agent.api("/api/calls/missed")["missed"]))
    agent.page.reload()
    agent.headset_on()
    row = agent.see("missed-calls").get_by_test_id("missed-row").filter(has_text="1002")
    row.get_by_test_id("missed-call-back").click()
    agent.see("call-strip", "138****1002")
    agent.press("F4")
    agent.gone("call-hangup")
