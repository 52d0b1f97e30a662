"""Starts the three processes, starts a dead one again, and stops them all in order.

They are forked from the supervisor, which has loaded what they run and does nothing itself: no threads, no event loop.
What takes a second of CPU is done once, and a process that dies is back in some hundredths of a second, running what
its siblings run even if the installed files have changed meanwhile (docs/decisions/0012-one-load-for-all-processes.md).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field

import structlog

from console.config import ConsoleConfig
from console.logs import configure_logging
from console.serve.arrivals import STOPS, Arrivals
from console.serve.lifeline import call_ourselves, stop_when_input_ends
from console.serve.roles import ROLES, Role

log = structlog.get_logger("console.serve")

#: a process that has run so long (seconds) starts again as if for the first time
SETTLED = 30.0
#: seconds for the phone to end its calls, then for the others to store what it said
PHONE_SECONDS = 4.0
OTHERS_SECONDS = 4.0
#: exit code of a child for what trying again cannot mend
UNUSABLE = 2


@dataclass(slots=True)
class _Kept:
    """A role and the process that has it now; ``pid`` 0: none, the next is due at ``due`` (monotonic seconds)."""

    role: Role
    pid: int = 0
    pause: float = 0.0
    started: float = 0.0
    due: float = field(default_factory=time.monotonic)


class Supervisor:
    """In one thread, which must be the only one: it forks."""

    def __init__(self, config: ConsoleConfig, input_: int | None = None, roles: tuple[Role, ...] = ROLES) -> None:
        """``input_``: a file whose end is to stop us, as SIGTERM does."""
        self._config = config
        self._kept = [_Kept(role, pause=role.first_pause) for role in roles]
        self._arrivals = Arrivals(input_)
        #: nothing is ever written to it: its end tells the children that we are gone
        self._lifeline = os.pipe()
        self._code = 0

    def run(self) -> Role | int:
        """Until SIGTERM, SIGINT or SIGHUP: the exit code; a second one stops without patience.

        In a child: the role that it is to live now, with nothing left of the supervisor.
        """
        while True:
            for kept in self._kept:
                if not kept.pid and kept.due <= time.monotonic() and self._start(kept):
                    return kept.role
            due = [kept.due for kept in self._kept if not kept.pid]
            arrived = self._arrivals.wait(max(0.0, min(due) - time.monotonic()) if due else None)
            if arrived in STOPS:
                log.info("stopping", signal=signal.Signals(arrived).name)
            elif self._look_after():
                continue
            self._stop_all()
            return self._code

    def _start(self, kept: _Kept) -> bool:
        """Fork; True in the child."""
        self._arrivals.hold()
        try:
            pid = os.fork()
        except OSError as error:
            self._arrivals.let_go()
            log.error("a process cannot be started", role=kept.role.name, reason=str(error))
            self._later(kept)
            return False
        if pid == 0:
            self._become(kept.role)
            return True
        self._arrivals.let_go()
        kept.pid, kept.started = pid, time.monotonic()
        log.info("process started", role=kept.role.name, pid=pid)
        return False

    def _become(self, role: Role) -> None:
        """In the child: let go of what is the supervisor's."""
        self._arrivals.forget()
        self._arrivals.let_go()
        # Ctrl-C in a terminal reaches the supervisor alone: it stops us in order
        os.setsid()
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        reading, writing = self._lifeline
        os.close(writing)
        call_ourselves(role.name)
        configure_logging(self._config.log, role.name)
        stop_when_input_ends(os.fdopen(reading, "rb"))

    def _look_after(self) -> bool:
        """Take note of processes that ended. False when one of them cannot run at all."""
        for kept, code in self._ended():
            lived = time.monotonic() - kept.started
            if code == UNUSABLE and lived < SETTLED:
                log.error("a process cannot run as configured; stopping", role=kept.role.name)
                self._code = UNUSABLE
                return False
            if lived >= SETTLED:
                kept.pause = kept.role.first_pause
            log.error("a process ended and is started again", role=kept.role.name, code=code, pause=kept.pause)
            self._later(kept)
        return True

    def _later(self, kept: _Kept) -> None:
        kept.due = time.monotonic() + kept.pause
        kept.pause = min(kept.pause * 2, kept.role.longest_pause)

    def _ended(self) -> list[tuple[_Kept, int]]:
        """The processes that ended since we looked last, and their exit codes (negative: by that signal)."""
        ended = []
        for kept in self._kept:
            if kept.pid:
                pid, status = os.waitpid(kept.pid, os.WNOHANG)
                if pid:
                    kept.pid = 0
                    ended.append((kept, os.waitstatus_to_exitcode(status)))
        return ended

    def _stop_all(self) -> None:
        """The phone first: the web process then still stores its last events."""
        phone = [kept for kept in self._kept if kept.role.name == "phone"]
        self._stop(phone, PHONE_SECONDS)
        self._stop([kept for kept in self._kept if kept not in phone], OTHERS_SECONDS)
        log.info("stopped")

    def _stop(self, those: list[_Kept], seconds: float) -> None:
        _send(signal.SIGTERM, those)
        deadline: float | None = time.monotonic() + seconds
        while any(kept.pid for kept in those):
            arrived = self._arrivals.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
            self._ended()
            if arrived in STOPS:
                log.warning("stopping at once")
                _send(signal.SIGKILL, self._kept)
            elif deadline is not None and time.monotonic() >= deadline:
                for kept in those:
                    if kept.pid:
                        log.error("a process does not stop and is killed", pid=kept.pid)
                _send(signal.SIGKILL, those)
                deadline = None


def _send(number: signal.Signals, those: list[_Kept]) -> None:
    for kept in those:
        if kept.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(kept.pid, number)
