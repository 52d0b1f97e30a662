"""SIPp runs: scenarios as callers of a SIP port, or as callees that wait on a port of their own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from pathlib import Path

SCENARIOS = Path(__file__).parents[1] / "peers" / "sipp" / "scenarios"
#: seconds that one SIPp run may take at most
PATIENCE = 45


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Sipp:
    """``target`` is the SIP port that is called; ``listening`` the one that callees wait on."""

    def __init__(self, target: int, listening: int) -> None:
        assert shutil.which("sipp"), "the peer tests need SIPp: apt install sip-tester"
        self.target, self.listening = target, listening

    async def run(
        self, scenario: str | Path, *options: str, host: str = "127.0.0.1", calls: int = 1, listens: bool = False
    ) -> None:
        """Run a scenario to its end; fails with SIPp's own words when any of its calls failed."""
        process = await self.start(scenario, *options, host=host, calls=calls, listens=listens)
        await self.finished(process)

    async def start(
        self, scenario: str | Path, *options: str, host: str = "127.0.0.1", calls: int = 1, listens: bool = False
    ) -> asyncio.subprocess.Process:
        port = self.listening if listens else free_port(host)
        path = scenario if isinstance(scenario, Path) else SCENARIOS / f"{scenario}.xml"
        command = [
            "sipp", f"127.0.0.1:{self.target}", "-sf", str(path), "-i", host,
            "-p", str(port), "-m", str(calls), "-nostdin", "-timeout", str(PATIENCE), "-timeout_error",
            "-trace_err", "-error_file", "/dev/stderr", "-s", "4001", "-max_retrans", "4", *options,
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        if listens:
            await self._taken(port, process)
        return process

    async def finished(self, process: asyncio.subprocess.Process) -> None:
        try:
            _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode(errors="replace")[-3000:]

    async def _taken(self, port: int, process: asyncio.subprocess.Process) -> None:
        """SIPp says nothing when it is ready: wait until its port is taken."""
        async with asyncio.timeout(PATIENCE):
            while process.returncode is None:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    try:
                        probe.bind(("127.0.0.1", port))
                    except OSError:
                        return
                await asyncio.sleep(0.02)
