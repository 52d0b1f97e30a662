"""The administrator changes where calls go: the next caller goes there, without a restart or a dropped call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from console.bench.product import PASSWORD

pytestmark = pytest.mark.journey


def box(admin: Any, text: str) -> Locator:
    """A box of the picture, by what it says."""
    found: Locator = admin.find("flow-box").filter(has_text=text).first
    return found


def save(admin: Any, note: str) -> None:
    before = admin.api("/api/routing")["version"]
    expect(admin.find("routing-save")).to_be_enabled(timeout=15_000)
    admin.find("routing-save").click()
    admin.type("routing-note", note)
    admin.find("routing-save-confirm").click()
    admin.see("in-force", f"第 {before + 1} 版 · 已生效")


def press(phone: Any, admin: Any, key: str, queue: str) -> None:
    """A caller in the menu presses a key and waits in this queue."""

    def calls() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.api("/api/floor")["calls"]
        return found

    admin.until(lambda: any(one["phase"] == "menu" for one in calls()))
    phone.digits(key)
    admin.until(lambda: any(one["queue"] == queue and one["phase"] in ("queued", "ringing") for one in calls()))
    phone.hang_up()
    admin.until(lambda: not any(one["queue"] == queue and one["phase"] == "queued" for one in calls()))


def test_a_menu_changed_on_the_screen_leads_the_next_caller_elsewhere_while_a_call_goes_on(
    screen: Callable[..., Any], caller: Callable[..., Any]
) -> None:
    agent, admin = screen(), screen()
    agent.become_ready("agent1")
    talking = caller("13805711001")
    agent.see("call-strip")
    agent.press("F2")
    agent.stage("talking")
    going_on = agent.call_id()
    admin.sign_in("admin", PASSWORD)
    admin.find("nav-routing").click()
    expect(admin.see("in-force")).to_have_attribute("data-in-force", "true")
    shipped = admin.api("/api/routing")["version"]

    # callers of the number that is known to all are led into the menu from now on
    admin.page.locator("[data-box='entries[1]']").click()
    admin.see("step-entries[1].to").select_option("menu")
    save(admin, "先听菜单")
    press(caller("13805711005"), admin, "2", "complaints")

    # a mistake is shown at its field, and cannot be saved; undone, it is gone
    box(admin, "总机").click()
    admin.see("menu-key-2").click()
    admin.see("step-menus[0].choices[1].to").select_option("number")
    admin.see("field-problem", "不能为空")
    expect(admin.find("routing-save")).to_be_disabled()
    admin.picture("50-routing-mistake")
    admin.find("routing-undo").click()
    admin.gone("field-problem")

    # key 2 leads to the other queue
    admin.see("step-menus[0].choices[1].to-queue").select_option("enquiries")
    admin.picture("51-routing-menu")
    save(admin, "投诉先由咨询接听")
    press(caller("13805711006"), admin, "2", "enquiries")

    # nobody was cut off meanwhile
    agent.stage("talking")
    assert agent.call_id() == going_on
    assert talking.events[-1].get("type") != "CALL_CLOSED"

    # leaving with unsaved changes is asked about
    box(admin, "业务咨询").click()
    admin.see("part-name-zh").fill("咨询台")
    admin.find("nav-calls").click()
    admin.page.get_by_role("button", name="留在此页").click()
    admin.find("routing-discard").click()
    admin.page.get_by_role("dialog").get_by_role("button", name="放弃修改").click()
    expect(admin.find("routing-state")).to_have_attribute("data-dirty", "false")

    # as it was
    admin.find("routing-versions").click()
    row = admin.page.locator(f"[data-testid=version-row][data-version='{shipped}']")
    row.get_by_test_id("version-restore").click()
    admin.find("restore-confirm").click()
    admin.until(lambda: admin.api("/api/routing")["restored_from"] == shipped)
    assert admin.api("/api/routing")["routing"]["entries"][1]["to"]["kind"] == "queue"
    talking.hang_up()
    agent.finish()
