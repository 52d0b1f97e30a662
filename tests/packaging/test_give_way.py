"""``scripts/give-way``: a command and all that it starts are served after everybody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GIVE_WAY = Path(__file__).parents[2] / "scripts" / "give-way"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(GIVE_WAY), *command], capture_output=True, text=True, timeout=60, check=False
    )


def test_it_ends_as_its_command_does_and_says_what_it_is_for_without_one() -> None:
    assert run("sh", "-c", "exit 3").returncode == 3
    assert run("sh", "-c", "kill -9 $$").returncode == 137
    assert run("true").returncode == 0
    nothing = run()
    assert (nothing.returncode, "give-way COMMAND" in nothing.stderr) == (2, True)


def test_what_begins_a_session_of_its_own_gives_way_as_well() -> None:
    look = "import os, time; time.sleep(2.5); print(os.nice(0), open('/proc/self/autogroup').read().split()[-1])"
    said = run("setsid", "--wait", sys.executable, "-c", look)
    assert said.stdout.split() == ["19", "19"], said
