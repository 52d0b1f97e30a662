"""What agents, supervisors and administrators do beside talking, by mouse and key, mistakes and impatience included."""

from __future__ import annotations

import math
import re
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from console.bench.product import PASSWORD

pytestmark = pytest.mark.journey

VOICEMAIL = "96304"
ZHANG_SAN = "13805711001"


@pytest.fixture
def admin(screen: Callable[..., Any]) -> Iterator[Any]:
    """The administrator; what the test changed in the house is as it was afterwards."""
    admin = screen()
    admin.sign_in("admin")
    admin.see("health")
    before = admin.api("/api/routing")
    yield admin
    request, url = admin.context.request, admin.product.url
    now = admin.api("/api/routing")
    restored = {"routing": before["routing"], "base_version": now["version"], "note": "as it was"}
    assert request.put(f"{url}/api/routing", data=restored).ok
    request.delete(f"{url}/api/routing/prompts/a-greeting")
    assert request.patch(f"{url}/api/users/agent1", data={"queues": [], "skills": {}, "mobile": ""}).ok
    assert request.patch(f"{url}/api/users/agent3", data={"queues": []}).ok


def tone(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = (round(8000 * math.sin(n / 3)) for n in range(round(8000 * seconds)))
        file.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in samples))
    return path


def take_messages(admin: Any) -> None:
    """The number for messages leads to the voice mail of the main queue."""
    now = admin.api("/api/routing")
    entry = {"line": "trunk", "dialled": VOICEMAIL, "to": {"kind": "voicemail", "queue": "default"}}
    document = now["routing"] | {"entries": [entry, *now["routing"]["entries"]]}
    change = {"routing": document, "base_version": now["version"], "note": "messages"}
    answer = admin.context.request.put(f"{admin.product.url}/api/routing", data=change)
    assert answer.ok, answer.text()


def names(admin: Any) -> list[str]:
    found: list[str] = admin.find("entry-row").locator(".name").all_inner_texts()
    return found


def upload_a_prompt(admin: Any, folder: Path) -> None:
    """What is no sound is refused in words and can be mended in place."""
    (folder / "notes.wav").write_text("no sound at all")
    admin.find("nav-routing").click()
    admin.find("routing-prompts").click()
    admin.see("prompt-add").click()
    admin.see("prompt-form")
    admin.type("prompt-name", "a-greeting")
    for path, problem in ((folder / "notes.wav", "无法识别"), (tone(folder / "long.wav", 190.0), "最长 3 分钟")):
        admin.find("prompt-file").set_input_files(path)
        expect(admin.find("prompt-chosen")).to_have_text(path.name)
        admin.find("prompt-save").click()
        admin.see("prompt-problem", problem)
    admin.find("prompt-file").set_input_files(tone(folder / "good.wav", 2.0))
    admin.find("prompt-save").click()
    expect(admin.find("prompt-row").filter(has_text="a-greeting")).to_contain_text("0:02")


def move_a_department(admin: Any) -> None:
    """Up and down again with the keys alone: the focus goes with the row."""
    admin.find("nav-directory").click()
    row = admin.find("entry-row").filter(has_text="消化内科")
    expect(row).to_have_count(1)
    before = names(admin)
    at = before.index("消化内科")
    row.get_by_test_id("entry-up").focus()
    for step in (1, 2):
        admin.press("Enter")
        admin.until(lambda step=step: names(admin).index("消化内科") == at - step)
        expect(row.get_by_test_id("entry-up")).to_be_focused()
    row.get_by_test_id("entry-down").focus()
    for step in (1, 0):
        admin.press("Enter")
        admin.until(lambda step=step: names(admin).index("消化内科") == at - step)
        expect(row.get_by_test_id("entry-down")).to_be_focused()
    assert names(admin) == before


def set_up_the_agent(admin: Any) -> None:
    admin.page.goto(f"{admin.product.url}/admin/users")
    row = admin.page.locator("[data-testid=user-row][data-user=agent1]")
    row.get_by_test_id("user-desk").click()
    admin.see("agent-desk")
    admin.find("desk-queue-default").check()
    admin.find("desk-skill-add").click()
    admin.find("desk-save").click()
    admin.see("desk-problem", "请填写技能名称")
    admin.type("desk-skill", "english")
    admin.find("desk-level-9").click()
    admin.type("desk-mobile", "138abc")
    admin.find("desk-save").click()
    admin.see("desk-problem", "无法识别")
    admin.type("desk-mobile", "13912345678")
    admin.find("desk-save").click()
    expect(row).to_contain_text("english 9")
    expect(row).to_contain_text("139****5678")
    user = next(one for one in admin.api("/api/users")["users"] if one["username"] == "agent1")
    assert (user["queues"], user["skills"]) == (["default"], {"english": 9})


def recorded(admin: Any) -> bool:
    """Has the caller heard the greeting, and is now speaking?"""
    (call,) = admin.api("/api/calls?limit=1")
    told = admin.api(f"/api/calls/{call['id']}/events")
    return "recording.started" in [event["type"] for event in told]


def see_to_a_message(agent: Any) -> None:
    agent.find("nav-tickets").click()
    card = agent.find("ticket").first
    expect(card).to_contain_text("张三", timeout=20_000)
    card.get_by_test_id("message-play").click(timeout=40_000)
    expect(card.get_by_test_id("message-player")).to_have_attribute("data-playing", "true")
    card.get_by_test_id("ticket-take").dblclick()
    expect(card).to_have_attribute("data-state", "taken")
    card.get_by_test_id("ticket-note").fill("已答复")
    card.get_by_test_id("ticket-note").press("Enter")
    agent.see("tickets-empty")
    agent.find("tickets-show").click()
    agent.page.get_by_role("option", name="已完成").click()
    expect(card).to_contain_text("已答复")
    card.get_by_test_id("ticket-reopen").click()
    agent.see("tickets-empty")


def test_prompts_directory_users_and_messages_are_seen_to_on_the_screen(
    admin: Any, screen: Callable[..., Any], caller: Callable[..., Any], tmp_path: Path
) -> None:
    take_messages(admin)
    speaker = caller(ZHANG_SAN, dialled=VOICEMAIL)
    upload_a_prompt(admin, tmp_path)
    move_a_department(admin)
    set_up_the_agent(admin)
    admin.until(lambda: recorded(admin))
    admin.page.wait_for_timeout(1500)
    speaker.hang_up()

    agent, stranger = screen(), screen()
    agent.sign_in("agent1")
    agent.headset_on()
    see_to_a_message(agent)

    # whoever is in another queue gets neither the message nor its sound
    (ticket,) = agent.api("/api/tickets")["tickets"]
    changed = admin.context.request.patch(f"{admin.product.url}/api/users/agent3", data={"queues": ["complaints"]})
    assert changed.ok
    url, request = stranger.product.url, stranger.context.request
    assert request.post(f"{url}/api/session", data={"username": "agent3", "password": PASSWORD}).ok
    assert request.get(f"{url}/api/tickets/{ticket['id']}").status == 404
    assert request.get(f"{url}{ticket['audio']}").status in (403, 404)

    # a call at home, at the number that the administrator wrote down
    agent.find("state-reasons").click()
    agent.find("device-phone").click()
    expect(agent.find("device-number")).to_have_attribute("placeholder", "139****5678")
    agent.find("device-use").click()
    expect(agent.find("agent-state")).to_contain_text("在家值班")
    agent.find("state-reasons").click()
    agent.find("device-headset").click()
    expect(agent.find("agent-state")).not_to_contain_text("在家值班")


def test_a_supervisor_signs_an_agent_off_and_takes_over_and_nobody_is_stuck(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    agent, boss = screen(), screen()
    boss.sign_in("supervisor1")
    agent.become_ready("agent1")
    tile = boss.page.locator("[data-testid=agent-tile][data-agent=agent1]")
    tile.get_by_test_id("force-state").click()
    boss.find("force-offline").click()
    agent.agent_state("offline")
    agent.see("call-status", "班长已将您签出")
    agent.press("F6")
    agent.agent_state("not_ready")
    tile.focus()
    boss.press("s")
    boss.see("force-meeting").click()
    expect(agent.find("agent-state")).to_contain_text("会议 · 班长调整")
    boss.page.reload()
    expect(tile).to_contain_text("会议 · 班长")
    agent.press("F6")
    agent.agent_state("ready")

    # an impatient agent: twice at each button, with the list of keys open
    agent.press("?")
    phone = caller(ZHANG_SAN)
    agent.see("call-answer").dblclick()
    agent.stage("talking")
    agent.find("call-hold").dblclick()
    expect(agent.find("call-bar")).to_have_attribute("data-mood", "held")
    expect(agent.page.locator(".el-message--error")).to_have_count(0)

    for press in ("monitor-listen", "monitor-barge"):
        tile.get_by_test_id(press).click()
        expect(boss.see("monitor-hears")).to_have_attribute("data-mode", press.removeprefix("monitor-"))
    expect(boss.page.get_by_role("button", name="离开通话")).to_have_count(1)
    tile.get_by_test_id("monitor-take-over").dblclick()
    boss.see("call-hangup")
    boss.page.reload()
    boss.see("call-hangup")
    boss.headset_on()
    boss.press("F9")
    expect(boss.find("call-bar")).to_have_attribute("data-mood", "talking")
    boss.press("F4")
    boss.see("call-hangup", "再按一次挂机")
    boss.press("F4")
    phone.wait_for("CALL_CLOSED")
    # until the page has heard of the end, keys are digits for the call
    expect(boss.find("registration")).to_have_class(re.compile(r"\bended\b"))
    boss.press("1")
    boss.press("Enter")
    boss.page.wait_for_url("**/floor")
    agent.finish()
    agent.agent_state("ready")
