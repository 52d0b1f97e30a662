"""The main job from end to end: log in, ring, record on the screen, answer by key, talk, close, find, replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from tones import hear_recording

pytestmark = pytest.mark.journey

ZHANG_SAN = "13805711001"


def test_a_call_rings_shows_its_record_is_answered_by_key_talked_closed_logged_and_replayed(
    screen: Callable[..., Any], caller: Callable[..., Any], product: Any
) -> None:
    agent = screen()
    agent.page.goto(product.url)
    agent.see("login-submit")
    agent.picture("01-login")
    agent.sign_in("agent1")
    agent.headset_on()
    agent.agent_state("not_ready")
    agent.find("ready-toggle").click()
    agent.agent_state("ready")
    agent.picture("02-ready")

    phone = caller(ZHANG_SAN)
    agent.see("pop-card", "张三")
    call = agent.call_id()
    pips = agent.find("ring-pips").locator(".pips").first
    expect(pips.locator(".full")).to_have_count(1)
    agent.see("call-number", "138****1001")
    agent.see("opening-line")
    assert ZHANG_SAN not in agent.page.content()
    agent.picture("03-ringing")
    expect(pips.locator(".full")).to_have_count(2, timeout=8000)
    agent.picture("04-second-ring")

    agent.press("F2")
    agent.stage("talking")
    agent.gone("ring-pips")
    agent.see("opening-line", "您好")
    phone.wait_for("CALL_ESTABLISHED")
    # the caller's tone comes out of the page's jitter buffer, and the microphone's goes to the caller
    heard = agent.until(lambda: (agent.headset()["stats"] or {}).get("received", 0) > 100 and agent.headset())
    assert heard["mic"] > 0.05
    assert heard["ear"] > 0.05
    assert heard["stats"]["lost"] == 0
    phone.listen(2.5)
    agent.picture("05-talking")

    agent.press("F8")
    agent.see("call-status", "静音")
    agent.picture("06-muted")
    agent.page.wait_for_timeout(1200)
    agent.press("F8")
    agent.stage("talking")
    agent.page.wait_for_timeout(1200)

    agent.press("F4")
    agent.see("call-hangup", "再按一次")
    agent.stage("talking")
    agent.picture("07-hang-up-is-asked-twice")
    agent.press("F4")
    agent.stage("ended")
    phone.wait_for("CALL_CLOSED")
    agent.type("registration-note", "咨询复诊时间")
    agent.see("registration").locator("h2").click()
    agent.press("1")
    agent.picture("08-wrap-up")
    agent.press("Enter")
    agent.gone("registration")
    agent.agent_state("ready")
    agent.picture("09-ready-again")

    heard_by_caller = phone.heard()
    assert heard_by_caller.tone(1000) > -30
    assert heard_by_caller.tone(440) < -45

    row = agent.recorded(call)
    assert (row["hung_up_by"], row["within_three_rings"], row["outcome"]) == ("agent", True, "answered")
    assert row["recording"]["channels"] == 2
    path = next((product.data / "recordings").rglob(f"*{call}*.webm"), None) or next(
        (product.data / "recordings").rglob(f"*{call}*.mp3")
    )
    their_voice, our_voice = hear_recording(path)
    assert their_voice.tone(440) > -25
    assert their_voice.tone(1000) < -45
    assert our_voice.tone(1000) > -30
    assert our_voice.tone(440) < -45

    agent.find("nav-calls").click()
    agent.find("calls-row").filter(has_text="张三").first.click()
    agent.see("call-detail")
    player = agent.see("player")
    expect(player).to_have_attribute("data-ready", "true", timeout=20_000)
    expect(player.locator("canvas").first).to_be_attached()
    agent.find("player-play").click()
    expect(player).to_have_attribute("data-playing", "true")
    now = "document.querySelector('[data-testid=player] audio').currentTime"
    began = agent.page.evaluate(now)
    agent.until(lambda: agent.page.evaluate(now) > began + 0.8)
    agent.find("player-mute-0").click()
    expect(agent.find("player-mute-0")).to_have_attribute("aria-pressed", "true")
    agent.picture("10-replay")
    listened = [one for one in trail(screen) if one["action"] == "listen"]
    assert listened[0]["user"] == "agent1"


def trail(screen: Callable[..., Any]) -> Any:
    """The access trail, as the administrator's API tells it; the newest first."""
    admin = screen()
    admin.sign_in("admin")
    admin.see("health")
    found = admin.api("/api/access-trail")
    return found if isinstance(found, list) else next(iter(found.values()))
