"""Renew the screenshots in docs/screens from a running demo: ``make screens`` (needs Chromium and the dev packages)."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from call_bar_screens import picture_the_call_bar
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from console.bench.painted import CHROMIUM_FLAGS, chromium
from console.bench.product import free_port
from console.demo.first_calls import write_desk_sound
from recordings.ffmpeg import executable

PASSWORD = "a-password-for-pictures"
ZHANG_SAN, LANDLINE, STRANGER, LI_XIUYING = "13805711001", "057188001004", "13805719077", "13805711003"
WIDTH, HEIGHT = 1440, 900
#: the first calls of a demo take so long at most, with their recordings and the draw
FIRST_CALLS = 240.0


class Shots:
    """Takes pictures and makes each as small as a palette of 256 colours allows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        for message in page.locator(".el-message").all():
            message.wait_for(state="detached")
        page.wait_for_timeout(500)  # transitions end
        with tempfile.TemporaryDirectory() as scratch:
            raw = Path(scratch) / "raw.png"
            page.screenshot(path=raw, animations="disabled")
            palette = "split[a][b];[a]palettegen=max_colors=256:stats_mode=full[p];[b][p]paletteuse=dither=none"
            small = self.folder / f"{name}.png"
            command = [executable(), "-v", "error", "-y", "-i", str(raw), "-vf", palette, str(small)]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=60)
        print(f"{small}: {small.stat().st_size / 1024:.0f} kB")


class Desk:
    """One user in a browser of their own."""

    def __init__(self, browser: Browser, url: str, user: str) -> None:
        context = browser.new_context(
            permissions=["microphone"], viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN"
        )
        self.page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.goto(url)
        self.user = user

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id).first

    def see(self, test_id: str) -> Locator:
        found = self.find(test_id)
        found.wait_for()
        return found

    def sign_in(self) -> None:
        self.see("login-username").fill(self.user)
        self.find("login-password").fill(PASSWORD)
        self.find("login-submit").click()

    def become_ready(self) -> None:
        self.sign_in()
        self.page.locator("[data-testid=headset-badge][data-state=connected]").wait_for()
        self.find("ready-toggle").click()
        self.page.locator("[data-testid=agent-state][data-status=ready]").wait_for()

    def answer(self) -> None:
        self.page.keyboard.press("F2")
        self.page.locator("[data-testid=call-status][data-stage=talking]").wait_for()

    def finish(self, key: str, picture: Callable[[], None] = lambda: None) -> None:
        """Hang up (asked twice while the caller is there), choose what it came to."""
        ended = self.page.locator("[data-testid=call-status][data-stage=ended]")
        for _ in range(2):
            if not ended.count():
                self.page.keyboard.press("F4")
                self.page.wait_for_timeout(300)
        ended.wait_for()
        self.page.keyboard.press(key)
        picture()
        self.page.keyboard.press("Enter")
        self.find("registration").wait_for(state="detached")


def patient(number: str, sip: int) -> subprocess.Popen[bytes]:
    """A simulated patient who calls once from this number."""
    listen = f"127.0.0.1:{free_port()}"
    command = [
        *(sys.executable, "-m", "console.demo.callers", "--until-input-ends", "--callers", "1", "--calls", "1"),
        *("--first-after", "0.1", "--numbers", number, "--trunk", f"127.0.0.1:{sip}", "--listen", listen),
        *("--rtp-ports", "46000", "46999", "--seed", "3"),
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hang_up(caller: subprocess.Popen[bytes]) -> None:
    caller.communicate(timeout=30)


def picture_the_agent(browser: Browser, url: str, sip: int, shots: Shots) -> None:
    agent = Desk(browser, url, "agent1")
    agent.see("login-submit")
    shots.take(agent.page, "login")
    agent.become_ready()

    caller = patient(ZHANG_SAN, sip)
    agent.see("pop-card")
    agent.page.wait_for_timeout(5300)
    shots.take(agent.page, "ringing")
    agent.answer()
    agent.page.wait_for_timeout(14_000)
    agent.see("registration-note").fill("预约明天上午心内科复诊。")
    agent.see("registration").locator("h2").click()
    shots.take(agent.page, "talking")
    agent.finish("3", lambda: shots.take(agent.page, "wrap-up"))
    hang_up(caller)

    caller = patient(LANDLINE, sip)
    agent.see("pop-candidates")
    shots.take(agent.page, "several-patients")
    agent.answer()
    agent.find("pop-candidate").click()
    agent.see("pop-card")
    agent.finish("1")
    hang_up(caller)

    caller = patient(STRANGER, sip)
    agent.see("pop-new")
    agent.answer()
    agent.see("patient-name").fill("钱文静")
    shots.take(agent.page, "new-record")
    agent.find("patient-save").click()
    agent.see("pop-card")

    # meanwhile at the supervisor's desk
    supervisor = Desk(browser, url, "supervisor1")
    supervisor.sign_in()
    colleague = Desk(browser, url, "agent2")
    colleague.sign_in()
    colleague.page.locator("[data-testid=headset-badge][data-state=connected]").wait_for()
    waiting = patient(LI_XIUYING, sip)
    supervisor.see("waiting-call")
    supervisor.page.wait_for_timeout(11_000)
    shots.take(supervisor.page, "floor")
    agent.finish("1")
    hang_up(caller)
    agent.see("pop-card")
    agent.answer()
    agent.finish("1")
    hang_up(waiting)
    shots.take(agent.page, "reception")

    agent.find("nav-patients").click()
    agent.see("patient-search").locator("input").or_(
        agent.page.locator("input[data-testid=patient-search]")
    ).first.fill("zs")
    agent.page.get_by_test_id("patient-hit").filter(has_text="D00000001").click()
    agent.see("patient-record")
    shots.take(agent.page, "patients")
    agent.see("patient-record").get_by_test_id("reveal").click()
    agent.see("reason-callback").check()
    agent.find("reveal-confirm").click()
    agent.see("patient-record").get_by_test_id("masked-number").filter(has_not_text="*").wait_for()
    agent.find("nav-calls").click()
    agent.page.get_by_test_id("calls-row").filter(has_text="张三").last.click()
    agent.page.locator("[data-testid=player][data-ready=true]").wait_for()
    agent.find("player-play").click()
    agent.page.wait_for_timeout(4000)
    shots.take(agent.page, "replay")
    agent.find("player-play").click()
    agent.page.context.close()
    supervisor.page.context.close()
    colleague.page.context.close()


def picture_the_others(browser: Browser, url: str, shots: Shots) -> None:
    reviewer = Desk(browser, url, "reviewer1")
    reviewer.sign_in()
    reviewer.see("audits-row")
    shots.take(reviewer.page, "audits")
    reviewer.find("audits-row").click()
    reviewer.page.locator("[data-testid=player][data-ready=true]").wait_for()
    reviewer.find("player-play").click()
    reviewer.page.wait_for_timeout(4000)
    reviewer.find("player-play").click()
    reviewer.find("score-input").fill("92")
    reviewer.find("score-comment").fill("开场语完整，答复清楚。")
    reviewer.find("draw-verify").click()
    reviewer.see("draw-verified")
    shots.take(reviewer.page, "scoring")
    reviewer.page.context.close()

    admin = Desk(browser, url, "admin")
    admin.sign_in()
    admin.see("health")
    shots.take(admin.page, "health")
    admin.find("admin-rules").click()
    admin.see("rule-row")
    shots.take(admin.page, "rules")
    picture_the_routing(admin, shots)
    admin.find("nav-admin").click()
    admin.find("admin-trail").click()
    admin.see("trail-row")
    admin.page.get_by_role("button", name="校验").click()
    admin.see("trail-check")
    shots.take(admin.page, "access-trail")
    admin.page.context.close()


def picture_the_routing(admin: Desk, shots: Shots) -> None:
    admin.find("nav-routing").click()
    admin.see("flow-box")
    admin.page.locator("[data-box='menus main']").click()
    shots.take(admin.page, "routing-menu")
    admin.page.locator("[data-box='hours day']").click()
    admin.see("chinese-days")
    shots.take(admin.page, "routing-hours")
    admin.page.locator("[data-box='queues default']").click()
    admin.find("overflow-add").click()
    admin.page.locator("[data-testid=routing-state][data-checking=false]").wait_for()
    shots.take(admin.page, "routing-queue")
    admin.find("routing-undo").click()
    admin.page.locator("[data-testid=routing-state][data-dirty=false]").wait_for()
    admin.find("routing-prompts").click()
    admin.see("prompt-row")
    shots.take(admin.page, "routing-prompts")
    admin.find("nav-directory").click()
    admin.see("entry-row")
    shots.take(admin.page, "directory")


def first_calls_are_there(browser: Browser, url: str) -> None:
    """Wait for the demo's own first calls, their recordings and the reviewer's list."""
    reviewer = Desk(browser, url, "reviewer1")
    reviewer.sign_in()
    reviewer.see("draw-open")
    deadline = time.monotonic() + FIRST_CALLS
    while time.monotonic() < deadline:
        listed: list[Any] = reviewer.page.context.request.get(f"{url}/api/audits").json()
        if listed:
            reviewer.page.context.close()
            return
        reviewer.page.wait_for_timeout(1000)
    raise SystemExit("make_screens: the demo's first calls did not come")


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "screens")
    chosen = parser.parse_args(arguments)
    path = chromium()
    if path is None:
        print("make_screens: no Chromium is installed", file=sys.stderr)
        return 1
    http, sip = free_port(), free_port()
    url = f"http://127.0.0.1:{http}"
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "microphone.wav"
        write_desk_sound(sound)
        command = [
            *(sys.executable, "-m", "console.cli", "demo", "--data", f"{scratch}/data", "--http-port", str(http)),
            *("--headset-port", str(free_port()), "--sip-port", str(sip), "--call-every", "86399"),
        ]
        demo = subprocess.Popen(command, env={**os.environ, "SANSHENG_DEMO_PASSWORD": PASSWORD})
        try:
            while not healthy(url):
                if demo.poll() is not None:
                    return 1
                time.sleep(0.3)
            flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-audio-capture={sound}"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=flags)
                first_calls_are_there(browser, url)
                shots = Shots(chosen.out)
                picture_the_agent(browser, url, sip, shots)
                picture_the_others(browser, url, shots)
                picture_the_call_bar(browser, url, sip, shots.take, PASSWORD)
                browser.close()
        finally:
            demo.terminate()
            demo.wait(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
