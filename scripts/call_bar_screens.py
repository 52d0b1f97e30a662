"""Pictures of the call bar in every state it can be in, from a running product: used by ``make_screens``."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from console.bench.product import free_port

#: how long pictures wait for anything; the machine may be busy
PATIENCE_MS = 60_000
ZHANG_SAN = "13805711001"

Take = Callable[[Page, str], None]


class Seat:
    """One user in a browser of their own; ``sign_in`` takes the password."""

    def __init__(self, browser: Browser, url: str, user: str, size: tuple[int, int], locale: str) -> None:
        context = browser.new_context(
            permissions=["microphone"], viewport={"width": size[0], "height": size[1]}, locale=locale
        )
        context.add_init_script(f"localStorage.setItem('sansheng.locale', {locale!r})")
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(url)
        self.user = user
        self.url = url
        self.locale = locale

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id).first

    def see(self, test_id: str, **data: Any) -> Locator:
        """Wait until it is there, with these ``data-`` attributes."""
        wanted = "".join(f"[data-{name}='{value}']" for name, value in data.items())
        found = self.page.locator(f"[data-testid={test_id}]{wanted}").first
        found.wait_for()
        return found

    def sign_in(self, password: str) -> None:
        self.see("login-username").fill(self.user)
        self.find("login-password").fill(password)
        self.find("login-submit").click()
        self.see("user-menu")
        self.page.context.request.patch(f"{self.url}/api/me", data={"locale": self.locale})
        self.page.reload()
        self.see("user-menu")

    def ready(self, password: str) -> None:
        self.sign_in(password)
        self.see("headset-badge", state="connected")
        if not self.page.locator("[data-testid=agent-state][data-status=ready]").count():
            self.find("ready-toggle").click()
        self.see("agent-state", status="ready")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def close(self) -> None:
        self.page.context.request.delete(f"{self.url}/api/session")
        self.page.context.close()


def patient(number: str, sip: int) -> subprocess.Popen[bytes]:
    """A simulated patient who calls once from this number, and stays until asked to go."""
    command = [
        *(sys.executable, "-m", "console.demo.callers", "--until-input-ends", "--callers", "1", "--calls", "1"),
        *("--first-after", "0.1", "--numbers", number, "--trunk", f"127.0.0.1:{sip}"),
        *("--listen", f"127.0.0.1:{free_port()}", "--rtp-ports", "46000", "46999", "--seed", "3"),
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def picture_the_call_bar(
    browser: Browser,
    url: str,
    sip: int,
    take: Take,
    password: str,
    *,
    size: tuple[int, int] = (1440, 900),
    locale: str = "zh-CN",
    prefix: str = "bar",
) -> None:
    """Idle, ringing, talking, held, muted, directory, consulting, conference, private, supervised, wrap-up."""
    agent = Seat(browser, url, "agent1", size, locale)
    other = Seat(browser, url, "agent2", size, locale)
    supervisor = Seat(browser, url, "supervisor1", size, locale)
    try:
        agent.ready(password)
        take(agent.page, f"{prefix}-idle")
        agent.press("Shift+F6")
        agent.see("state-menu")
        take(agent.page, f"{prefix}-reasons")
        agent.press("Escape")
        with _a_call(agent, sip, lambda: take(agent.page, f"{prefix}-ringing")):
            _alone(agent, take, prefix)
        supervisor.sign_in(password)
        supervisor.see("supervisor-strip")
        with _a_call(agent, sip):
            _supervised(agent, supervisor, take, prefix)
        other.ready(password)
        other.press("F6")
        other.see("agent-state", status="not_ready")
        with _a_call(agent, sip):
            _consulted(agent, other, take, prefix)
    finally:
        for one in (agent, other, supervisor):
            one.close()


@contextlib.contextmanager
def _a_call(agent: Seat, sip: int, ringing: Callable[[], None] | None = None) -> Iterator[None]:
    """Somebody calls and is answered; afterwards the agent hangs up and writes down what it came to."""
    caller = patient(ZHANG_SAN, sip)
    try:
        agent.see("call-answer")
        agent.see("pop-card")
        if ringing is not None:
            agent.page.wait_for_timeout(5300)
            ringing()
        agent.press("F2")
        agent.see("call-status", stage="talking")
        yield
        for _ in range(2):
            if not agent.page.locator("[data-testid=call-status][data-stage=ended]").count():
                agent.press("F4")
                agent.page.wait_for_timeout(400)
        agent.see("call-status", stage="ended")
        agent.press("1")
        agent.press("Enter")
        agent.find("registration").wait_for(state="detached")
    finally:
        caller.communicate(timeout=30)


def _alone(agent: Seat, take: Take, prefix: str) -> None:
    agent.page.wait_for_timeout(1200)
    take(agent.page, f"{prefix}-talking")
    agent.press("F8")
    agent.page.wait_for_timeout(400)
    take(agent.page, f"{prefix}-muted")
    agent.press("F8")
    agent.press("F9")
    agent.see("call-bar", mood="held")
    agent.page.wait_for_timeout(2000)
    take(agent.page, f"{prefix}-held")
    agent.press("F9")
    agent.see("call-bar", mood="talking")
    agent.press("Control+p")
    agent.page.wait_for_timeout(1500)
    take(agent.page, f"{prefix}-private")
    agent.press("Control+p")
    agent.page.locator("[data-testid=call-private][aria-pressed=false]").wait_for()
    agent.press("F4")
    agent.page.locator("#guard").wait_for()
    take(agent.page, f"{prefix}-hang-up-guard")
    agent.press("F4")
    agent.see("call-status", stage="ended")
    take(agent.page, f"{prefix}-wrap-up")


def _supervised(agent: Seat, supervisor: Seat, take: Take, prefix: str) -> None:
    tile = supervisor.page.locator("[data-testid=agent-tile][data-agent=agent1][data-status=talking]")
    tile.focus()
    take(supervisor.page, f"{prefix}-floor")
    for key, mode in (("l", "listen"), ("w", "whisper"), ("b", "barge")):
        supervisor.press(key)
        supervisor.see("monitor-hears", mode=mode)
        agent.page.wait_for_timeout(500)
        take(supervisor.page, f"{prefix}-supervisor-{mode}")
        if mode != "listen":
            take(agent.page, f"{prefix}-with-{mode}")
    supervisor.press("x")
    supervisor.find("monitor-hears").wait_for(state="detached")


def _consulted(agent: Seat, other: Seat, take: Take, prefix: str) -> None:
    agent.press("F7")
    agent.see("directory-row")
    take(agent.page, f"{prefix}-directory")
    agent.find("directory-search").fill("zhoun")
    agent.page.get_by_test_id("directory-row").filter(has_text="agent2").first.wait_for()
    agent.page.wait_for_timeout(600)
    agent.press("Enter")
    agent.see("call-cancel-consult")
    other.see("call-answer")
    take(agent.page, f"{prefix}-consult-ringing")
    take(other.page, f"{prefix}-consulted-ringing")
    other.press("F2")
    agent.see("call-swap")
    agent.page.wait_for_timeout(1200)
    take(agent.page, f"{prefix}-consult-talking")
    take(other.page, f"{prefix}-consulted-talking")
    agent.press("F10")
    agent.page.wait_for_timeout(1200)
    take(agent.page, f"{prefix}-consult-switched")
    agent.press("Control+j")
    agent.see("call-leave")
    agent.page.wait_for_timeout(1200)
    take(agent.page, f"{prefix}-conference")
    other.press("F4")
    agent.find("call-leave").wait_for(state="detached")
