"""Consoles come and go: wrong passwords, a second login, another language, another tab, a reload in mid-call."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from tones import hear_recording

pytestmark = pytest.mark.journey

OUYANG = "13805711011"


def test_wrong_passwords_are_told_and_then_lock_the_name_for_a_while(screen: Callable[..., Any], product: Any) -> None:
    rule = product.command("rules", "set", "login_failures", "3", "--config", str(product.config))
    subprocess.run(rule, check=True, timeout=30)
    user = screen()
    user.sign_in("agent9", "not the password")
    user.see("login-error", "密码")
    user.picture("40-wrong-password")
    for _ in range(2):
        user.context.request.post(
            f"{user.product.url}/api/session", data={"username": "agent9", "password": "wrong again"}
        )
    user.type("login-password", "not the password")
    user.find("login-submit").click()
    user.see("login-error", "锁定")
    expect(user.find("login-submit")).to_be_disabled()
    user.picture("41-locked")


def test_a_second_login_elsewhere_tells_the_first_console_which_may_take_the_place_back(
    screen: Callable[..., Any],
) -> None:
    first, second = screen(), screen()
    first.become_ready("agent3")
    second.sign_in("agent3")
    first.see("replaced")
    first.picture("42-replaced")
    second.headset_on()
    first.find("take-over").click()
    second.see("replaced")
    first.headset_on()


def test_english_is_one_menu_away_and_stays_chosen(screen: Callable[..., Any]) -> None:
    user = screen()
    user.sign_in("agent3")
    user.headset_on()
    user.find("user-menu").click()
    user.find("menu-language").click()
    user.see("ready-toggle", "ready")
    user.page.wait_for_load_state("networkidle")
    user.picture("43-english")
    user.page.reload()
    user.see("ready-toggle", "ready")
    user.find("user-menu").click()
    user.find("menu-language").click()
    user.see("ready-toggle", "示闲")


def test_a_call_keeps_its_sound_while_another_tab_is_in_front_and_through_a_reload(
    screen: Callable[..., Any], caller: Callable[..., Any], product: Any
) -> None:
    agent = screen()
    agent.become_ready("agent3")
    phone = caller(OUYANG)
    agent.see("pop-card", "欧阳文博")
    agent.press("F2")
    agent.stage("talking")
    call = agent.call_id()

    other = agent.context.new_page()
    other.goto("about:blank")
    other.bring_to_front()
    before = agent.until(lambda: (agent.headset()["stats"] or {}).get("received"))
    agent.until(lambda: agent.headset()["stats"]["received"] - before >= 150, 6)
    assert agent.headset()["stats"]["lost"] == 0
    agent.page.bring_to_front()
    other.close()

    agent.page.reload()
    agent.stage("talking")
    agent.see("pop-card", "欧阳文博")
    assert agent.call_id() == call
    agent.headset_on()
    agent.until(lambda: (agent.headset()["stats"] or {}).get("received", 0) > 50 and agent.headset()["ear"] > 0.05)
    agent.picture("44-after-a-reload")
    agent.page.wait_for_timeout(1500)
    phone.hang_up()
    agent.finish("1")
    row = agent.recorded(call)
    path = next((product.data / "recordings").rglob(f"*{call}*.webm"), None) or next(
        (product.data / "recordings").rglob(f"*{call}*.mp3")
    )
    their_voice, our_voice = hear_recording(path)
    assert their_voice.tone(440) > -25
    assert our_voice.tone(1000) > -30
    # the microphone was silent for the reload alone
    assert sum(gap["seconds"] for gap in row["recording"]["gaps"] if gap["leg"] == 1) < 6
