"""Those who oversee: the reviewer draws, hears and scores; the administrator looks after the house."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from console.bench.product import PASSWORD

pytestmark = pytest.mark.journey


@pytest.fixture
def finished_calls(product: Any, baresip: Callable[..., Any]) -> list[str]:
    """Three calls that a headless agent takes and closes."""
    command = [
        *(sys.executable, "-m", "console.cli", "agent", "--url", product.url, "--user", "agent1"),
        *("--auto-answer", "--hang-up-after", "1.5", "--disposition", "--calls", "3"),
    ]
    agent = subprocess.Popen(
        command, env={**os.environ, "SANSHENG_PASSWORD": PASSWORD}, stdout=subprocess.PIPE, text=True
    )
    assert agent.stdout is not None
    calls: list[str] = []
    for number in ("13805711005", "13805711006", "13805711007"):
        phone = baresip(number)
        phone.dial(f"sip:96301@127.0.0.1:{product.sip}")
        phone.wait_for("CALL_ESTABLISHED", 20)
        phone.wait_for("CALL_CLOSED", 20)
    told, _ = agent.communicate(timeout=30)
    assert agent.returncode == 0, told
    calls = list(dict.fromkeys(one["call"] for one in map(json.loads, told.splitlines()) if one.get("call")))
    assert len(calls) == 3
    return calls


def test_the_reviewer_draws_calls_hears_one_scores_it_and_the_draw_proves_itself(
    screen: Callable[..., Any], finished_calls: list[str]
) -> None:
    reviewer = screen()
    reviewer.sign_in("reviewer1")
    reviewer.see("draw-open")
    for call in finished_calls:
        reviewer.recorded(call)
    reviewer.find("draw-open").click()
    reviewer.type("draw-count", "3")
    reviewer.picture("30-draw")
    reviewer.find("draw-start").click()
    expect(reviewer.find("audits-row")).to_have_count(3)
    reviewer.picture("31-drawn")
    reviewer.find("audits-row").first.click()
    player = reviewer.see("player")
    expect(player).to_have_attribute("data-ready", "true", timeout=20_000)
    reviewer.find("player-play").click()
    now = "document.querySelector('[data-testid=player] audio').currentTime"
    reviewer.until(lambda: reviewer.page.evaluate(now) > 0.8)
    reviewer.find("player-play").click()
    reviewer.type("score-input", "92")
    reviewer.type("score-comment", "开场语完整，答复清楚。")
    reviewer.find("draw-verify").click()
    reviewer.see("draw-verified", "✓")
    reviewer.picture("32-scoring")
    reviewer.find("score-save").click()
    audits = reviewer.until(lambda: [one for one in reviewer.api("/api/audits") if one["score"] == 92])
    assert audits[0]["call"]["id"]
    assert len(reviewer.api("/api/audits")) == 3


def test_the_administrator_sees_the_health_changes_a_rule_and_finds_both_in_the_trail(
    screen: Callable[..., Any],
) -> None:
    admin = screen()
    admin.sign_in("admin")
    expect(admin.see("health")).to_have_attribute("data-status", "ok")
    admin.picture("33-health")
    admin.find("admin-rules").click()
    row = admin.find("rule-row").filter(has_text="wrap_up_limit")
    before = row.inner_text()
    row.get_by_role("button").click()
    row.locator("input").fill("90")
    row.get_by_role("button", name="保存").click()
    expect(row).to_contain_text("90")
    expect(row).to_contain_text("admin")
    assert "\t90\t" not in before
    rules = {one["name"]: one for one in admin.api("/api/rules")["rules"]}
    assert (rules["wrap_up_limit"]["value"], rules["wrap_up_limit"]["version"]) == (90, 2)
    admin.picture("34-rules")
    admin.find("admin-users").click()
    expect(admin.find("user-row")).to_have_count(6)
    admin.picture("35-users")
    admin.find("admin-trail").click()
    admin.see("trail-row", "修改规则")
    admin.picture("36-trail")
