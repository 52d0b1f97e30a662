"""The demo's child processes: how they are started, watched and ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

#: what a child may take to end calls and close files
STOP_WITHIN = 20.0


class Child:
    """Starts at once. In a session of its own, so that Ctrl-C reaches only the parent, which ends all in order.

    ``with_parent``: the child is to stop when its standard input closes, however the parent ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        with_parent: bool = False,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """``environment`` is added to ours. ``log``: the file for what it prints, in place of the terminal."""
        self.name = name
        output = None if log is None else log.open("ab")
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if with_parent else subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=output,
        )
        if output is not None:
            output.close()

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None when it still runs after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds)
        return None

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._process.poll() is None:
            self._process.terminate()
            if self.wait(STOP_WITHIN) is None:
                print(f"sansheng demo: {self.name} did not end within {STOP_WITHIN:.0f} s; killed", file=sys.stderr)
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


def serve_command(config: Path) -> list[str]:
    return [sys.executable, "-m", "console.cli", "serve", "--config", str(config), "--until-input-ends"]


def patients_command(
    trunk: tuple[str, int],
    listen: tuple[str, int],
    numbers: Sequence[str],
    callers: int,
    call_every: float,
    opening: int,
) -> list[str]:
    return [
        *(sys.executable, "-m", "console.demo.callers"),
        *("--trunk", f"{trunk[0]}:{trunk[1]}", "--listen", f"{listen[0]}:{listen[1]}"),
        *("--numbers", ",".join(number or "anonymous" for number in numbers)),
        *("--callers", str(callers), "--call-every", str(call_every), "--opening", str(opening)),
        "--until-input-ends",
    ]


def agent_command(url: str, user: str, play: Path, calls: int) -> list[str]:
    """A headless agent: answers so many calls, marks each with the first disposition, leaves."""
    return [
        *(sys.executable, "-m", "console.cli", "agent", "--url", url, "--user", user),
        *("--auto-answer", "--disposition", "--play", str(play), "--calls", str(calls)),
    ]
