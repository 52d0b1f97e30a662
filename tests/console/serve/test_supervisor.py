"""What the supervisor does with processes that end, cannot run or do not stop; in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_BEGIN = """
import os, signal, sys, time
from pathlib import Path
from console.config import ConsoleConfig
from console.logs import configure_logging
from console.serve import supervisor
from console.serve.roles import Role
from console.serve.supervisor import Supervisor
notes = Path(sys.argv[1])
configure_logging(ConsoleConfig().log, "serve")
phone, web = Role("phone", 0.01, 0.02), Role("web", 0.01, 0.02)

def note(text):
    with notes.open("a") as file:
        file.write(text + "\\n")

def supervised(*roles):
    ended = Supervisor(ConsoleConfig(), roles=roles).run()
    if not isinstance(ended, Role):
        print(ended)
        sys.exit()
    return ended.name
"""


def run(code: str, notes: Path) -> tuple[str, list[str]]:
    """What the supervisor gave, and what the processes noted."""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code, str(notes)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), notes.read_text().splitlines() if notes.exists() else []


def test_a_process_that_ends_is_started_again_with_its_own_name_and_session(tmp_path: Path) -> None:
    code = """
name = supervised(phone, web)
if name == "web":
    time.sleep(60)
note(f"{Path('/proc/self/comm').read_text().strip()} {os.getsid(0) == os.getpid()} {sys.stdin.read()!r}")
if len(notes.read_text().splitlines()) == 3:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)
sys.exit(1)
"""
    assert run(code, tmp_path / "notes") == ("0", ["sansheng-phone True ''"] * 3)


def test_a_process_that_cannot_run_as_configured_stops_all_of_them(tmp_path: Path) -> None:
    code = """
if supervised(phone, web) == "phone":
    sys.exit(2)
signal.signal(signal.SIGTERM, lambda *_: (note("web stops"), sys.exit()))
note("web runs")
time.sleep(60)
"""
    given, notes = run(code, tmp_path / "notes")
    assert given == "2"
    # one that had not begun yet has nothing to stop
    assert notes in ([], ["web runs"], ["web runs", "web stops"])


def test_the_phone_stops_first_and_one_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    code = """
supervisor.OTHERS_SECONDS = 0.2
name = supervised(phone, web)
signal.signal(signal.SIGTERM, lambda *_: note(f"{name} is asked"))
note(f"{name} runs")
while "runs" in notes.read_text() and len(notes.read_text().splitlines()) < 2:
    time.sleep(0.01)
if name == "phone":
    os.kill(os.getppid(), signal.SIGTERM)
    signal.pause()
    sys.exit()
while True:
    time.sleep(60)
"""
    given, notes = run(code, tmp_path / "notes")
    assert given == "0"
    assert notes[2:] in (["phone is asked"], ["phone is asked", "web is asked"])


def test_a_second_signal_stops_them_without_patience(tmp_path: Path) -> None:
    code = """
supervised(phone)
signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getppid(), signal.SIGINT))
os.kill(os.getppid(), signal.SIGTERM)
while True:
    time.sleep(60)
"""
    assert run(code, tmp_path / "notes") == ("0", [])
