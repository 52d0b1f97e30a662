"""The whole product with its screens: Chromium at the desk, baresip and simulated patients at the telephone line."""

from __future__ import annotations

import math
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from baresip_phone import Baresip
from baresip_phone import baresip as baresip
from cheap_passwords import cheap_passwords as cheap_passwords
from page_ear import LISTEN_IN, hear_page
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from tones import Heard

from console.bench.painted import CHROMIUM_FLAGS, chromium
from console.bench.product import PASSWORD, Product, running
from console.config_file import load_config
from console.demo.database import prepare_database

ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "journeys"
MICROPHONE_HZ = 1000
#: generous: the machine may be busy with other tests
PATIENCE_MS = 30_000


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with the demo's patients and users, and people on its trunk who can be called."""
    product = Product(tmp_path_factory.mktemp("journeys") / "data")
    product.write_config()
    prepare_database(load_config(product.config), PASSWORD, 300)
    with running(product):
        patients = subprocess.Popen(
            [
                *(sys.executable, "-m", "console.demo.callers", "--until-input-ends", "--callers", "0"),
                *("--numbers", "anonymous", "--trunk", f"127.0.0.1:{product.sip}", "--seed", "3"),
                *("--listen", f"127.0.0.1:{product.peer}", "--rtp-ports", "36000", "36199"),
            ],
            stdin=subprocess.PIPE,
        )
        yield product
        patients.communicate(timeout=20)


def tone_file(path: Path, hertz: float, dbfs: float = -9.0) -> Path:
    """A microphone's sound: a tone at 48 kHz, as Chromium wants it; ``dbfs`` RMS."""
    rate = 48000
    amplitude = 32768 * 10 ** (dbfs / 20) * math.sqrt(2)
    samples = (amplitude * np.sin(2 * math.pi * hertz * np.arange(rate * 30) / rate)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Chromium's microphone hears: a tone."""
    return tone_file(tmp_path_factory.mktemp("microphone") / "tone.wav", MICROPHONE_HZ)


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[[Path], Browser]]:
    """``launch(microphone)``: a Chromium of its own with this sound at its microphone.

    For one module: while it is open, no test of another folder could run a loop on this thread.
    """
    executable = chromium()
    assert executable, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        opened: list[Browser] = []

        def start(microphone: Path) -> Browser:
            flags = [*CHROMIUM_FLAGS, "--lang=zh-CN", f"--use-file-for-fake-audio-capture={microphone}"]
            opened.append(playwright.chromium.launch(executable_path=executable, args=flags))
            return opened[-1]

        yield start
        for browser in opened:
            browser.close()


@pytest.fixture(scope="module")
def chrome(launch: Callable[[Path], Browser], microphone: Path) -> Browser:
    return launch(microphone)


class Screen:
    """One user at one browser. Whatever the page throws fails the test when it is left."""

    def __init__(self, context: BrowserContext, product: Product) -> None:
        self.context, self.product = context, product
        self.problems: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def see(self, test_id: str, text: str = "") -> Locator:
        """Wait until it is on the screen (with this text in it)."""
        found = self.find(test_id).first
        expect(found).to_be_visible(timeout=PATIENCE_MS)
        if text:
            expect(found).to_contain_text(text, timeout=PATIENCE_MS)
        return found

    def gone(self, test_id: str) -> None:
        expect(self.find(test_id)).to_have_count(0, timeout=PATIENCE_MS)

    def type(self, test_id: str, text: str) -> None:
        """Into the field of this name, or the one inside it."""
        field = self.see(test_id)
        if field.evaluate("one => !['INPUT', 'TEXTAREA'].includes(one.tagName)"):
            field = field.locator("input, textarea").first
        field.fill(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def sign_in(self, user: str, password: str = PASSWORD) -> None:
        self.page.goto(self.product.url)
        self.type("login-username", user)
        self.type("login-password", password)
        self.find("login-submit").click()

    def agent_state(self, status: str) -> None:
        expect(self.find("agent-state")).to_have_attribute("data-status", status, timeout=PATIENCE_MS)

    def headset_on(self) -> None:
        expect(self.find("headset-badge")).to_have_attribute("data-state", "connected", timeout=PATIENCE_MS)

    def become_ready(self, user: str) -> None:
        """An agent's morning: log in, the headset connects, ready."""
        self.sign_in(user)
        self.headset_on()
        self.agent_state("not_ready")
        self.find("ready-toggle").click()
        self.agent_state("ready")

    def stage(self, stage: str) -> None:
        expect(self.find("call-status")).to_have_attribute("data-stage", stage, timeout=PATIENCE_MS)

    def headset(self) -> dict[str, Any]:
        """What the page itself knows of its sound: ``stats`` (packets received, lost …), ``mic`` and ``ear`` levels."""
        known: dict[str, Any] = self.page.evaluate(
            """() => {
              const app = document.querySelector('#app').__vue_app__
              return JSON.parse(JSON.stringify(app.config.globalProperties.$pinia.state.value.headset))
            }"""
        )
        return known

    def until(self, what: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Let the page run until ``what`` gives something true, and give it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := what():
                return found
            self.page.wait_for_timeout(50)
        raise AssertionError(f"did not come within {seconds} s")

    def ear(self) -> Heard:
        """What the earphone got in the last second."""
        return hear_page(self.page)

    def call_id(self) -> str:
        found = self.see("call-strip").get_attribute("data-call")
        assert found
        return found

    def api(self, path: str) -> Any:
        """What the API answers to this user."""
        answer = self.context.request.get(f"{self.product.url}{path}")
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()

    def recorded(self, call: str) -> dict[str, Any]:
        """The call once its recording is ready."""

        def ready() -> dict[str, Any] | None:
            row: dict[str, Any] = self.api(f"/api/calls/{call}")
            return row if row["recording"] and row["recording"]["state"] == "ready" else None

        found: dict[str, Any] = self.until(ready, 40)
        return found

    def finish(self, disposition: str = "1") -> None:
        """Wrap-up: a disposition by its key, Enter."""
        self.stage("ended")
        self.press(disposition)
        expect(self.find("registration").locator("[aria-checked=true]")).to_have_count(1)
        self.press("Enter")
        self.gone("registration")

    def picture(self, name: str) -> None:
        """Kept under ``test-artefacts/journeys``, for people to look at."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        # transitions are taken to their ends for it
        self.page.screenshot(path=ARTEFACTS / f"{name}.png", animations="disabled")


class Screens:
    """Those that one test opened."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.opened: list[Screen] = []

    def open(self, browser: Browser, locale: str = "zh-CN", processing: bool = False) -> Screen:
        context = browser.new_context(
            permissions=["microphone"],
            viewport={"width": 1440, "height": 900},
            locale=locale,
            # what moves for ever is painted by the processor here: a fifth of a page's time
            reduced_motion="reduce",
        )
        context.add_init_script(LISTEN_IN)
        if not processing:
            context.add_init_script(
                'localStorage.setItem(\'sansheng.headset\', \'{"input":"","output":"","processing":false}\')'
            )
        self.opened.append(Screen(context, self.product))
        return self.opened[-1]

    def close(self) -> None:
        problems = [problem for one in self.opened for problem in one.problems]
        for one in self.opened:
            # signed out, so that the next test finds nobody on the floor
            one.context.request.delete(f"{self.product.url}/api/session")
            one.context.close()
        assert problems == []


@pytest.fixture
def screens(product: Product) -> Iterator[Screens]:
    screens = Screens(product)
    yield screens
    screens.close()


@pytest.fixture
def screen(chrome: Browser, screens: Screens) -> Callable[..., Screen]:
    """``screen()`` opens a browser of its own for a user; ``processing=True``: its microphone as is usual."""
    return lambda locale="zh-CN", processing=False: screens.open(chrome, locale, processing)


@pytest.fixture
def voiced_screen(launch: Callable[[Path], Browser], screens: Screens, tmp_path: Path) -> Callable[[float], Screen]:
    """``voiced_screen(1720)``: a browser process of its own whose microphone says this tone at -18 dBFS."""

    def start(hertz: float) -> Screen:
        return screens.open(launch(tone_file(tmp_path / f"{hertz:g}.wav", hertz, -18.0)))

    return start


@pytest.fixture
def caller(baresip: Callable[..., Baresip], product: Product) -> Callable[..., Baresip]:
    """``caller("13805711001")`` dials the desk from this number; says a tone, keeps what it hears."""

    def dial(number: str, tone: tuple[float, float] = (440.0, -12.0), dialled: str = "96301") -> Baresip:
        phone = baresip(number, tone=tone)
        phone.dial(f"sip:{dialled}@127.0.0.1:{product.sip}")
        return phone

    return dial
