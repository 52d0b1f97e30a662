"""Starts the three processes, starts a dead one again, and stops them all in order.

Beside the phone stands a spare: a process that has loaded everything and waits for its configuration, so that a phone
that dies is back at once. Loading takes 0.6 s of CPU, on a busy machine some seconds; the spare has that behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from dataclasses import dataclass

import structlog

from console.config import ConsoleConfig
from console.config_file import config_to_json
from console.serve.lifeline import INHERIT

log = structlog.get_logger("console.serve")

#: a process that has run so long (seconds) starts again as if for the first time
SETTLED = 30.0
#: seconds that a process has run when its spare is made
SPARE_AFTER = 1.5
#: seconds for the phone to end its calls, then for the others to store what it said
PHONE_SECONDS = 4.0
OTHERS_SECONDS = 4.0
#: exit code of a child for what trying again cannot mend
UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Role:
    """A process to keep running; ``first_pause`` and ``longest_pause``: seconds before it is started again. ``spare``:
    another one waits to take its place."""

    name: str
    first_pause: float
    longest_pause: float
    spare: bool = False

    @property
    def module(self) -> str:
        return f"console.serve.{self.name}"


ROLES = (Role("phone", 0.1, 1.0, spare=True), Role("web", 0.2, 5.0), Role("worker", 1.0, 30.0))


class Supervisor:
    def __init__(self, config: ConsoleConfig, roles: tuple[Role, ...] = ROLES) -> None:
        self._config = config
        self._roles = roles
        self._stopping = asyncio.Event()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._spares: dict[str, asyncio.subprocess.Process] = {}
        self._code = 0

    async def run(self) -> int:
        """Until SIGTERM, SIGINT or SIGHUP; a second one stops without patience. Gives the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)
        keepers = [asyncio.create_task(self._keep(role), name=role.name) for role in self._roles]
        await self._stopping.wait()
        await self._stop_all()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        return self._code

    def _signalled(self, number: int) -> None:
        if self._stopping.is_set():
            log.warning("stopping at once")
            for process in (*self._processes.values(), *self._spares.values()):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            return
        log.info("stopping", signal=signal.Signals(number).name)
        self._stopping.set()

    async def _keep(self, role: Role) -> None:
        pause = role.first_pause
        while not self._stopping.is_set():
            started = time.monotonic()
            code = await self._run_once(role)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - started
            if code == UNUSABLE and lived < SETTLED:
                log.error("a process cannot run as configured; stopping", role=role.name)
                self._code = UNUSABLE
                self._stopping.set()
                return
            if lived >= SETTLED:
                pause = role.first_pause
            log.error("a process ended and is started again", role=role.name, code=code, pause=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, role.longest_pause)

    async def _run_once(self, role: Role) -> int:
        """Start the process (or take the spare), hand it its configuration, wait for its end. The open pipe tells it
        that we live."""
        spare = self._spares.pop(role.name, None)
        process = spare if spare is not None and spare.returncode is None else await _started(role)
        self._processes[role.name] = process
        log.info("process started", role=role.name, pid=process.pid, spare=process is spare)
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.write(config_to_json(self._config) + b"\n")
            await process.stdin.drain()
        ended = asyncio.create_task(process.wait())
        if role.spare:
            # not while the process itself starts
            await asyncio.wait([ended], timeout=SPARE_AFTER)
            if not ended.done() and not self._stopping.is_set():
                self._spares[role.name] = await _started(role)
        return await ended

    async def _stop_all(self) -> None:
        """The phone first: the web process then still stores its last events."""
        phone = [process for name, process in self._processes.items() if name == "phone"]
        others = [process for name, process in self._processes.items() if name != "phone"]
        for spare in self._spares.values():
            # without its configuration it ends by itself
            assert spare.stdin is not None
            spare.stdin.close()
        await _stop(phone, PHONE_SECONDS)
        await _stop([*others, *self._spares.values()], OTHERS_SECONDS)
        log.info("stopped")


async def _started(role: Role) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        role.module,
        INHERIT,
        stdin=asyncio.subprocess.PIPE,
        # Ctrl-C in a terminal reaches us alone: we stop the others in order
        start_new_session=True,
    )


async def _stop(processes: list[asyncio.subprocess.Process], seconds: float) -> None:
    alive = [process for process in processes if process.returncode is None]
    for process in alive:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    if not alive:
        return
    waits = [asyncio.ensure_future(process.wait()) for process in alive]
    _, late = await asyncio.wait(waits, timeout=seconds)
    if late:
        for process in alive:
            if process.returncode is None:
                log.error("a process does not stop and is killed", pid=process.pid)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        await asyncio.wait(late)
