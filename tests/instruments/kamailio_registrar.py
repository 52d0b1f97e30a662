"""Kamailio as registrar, proxy or dispatcher on loopback, in the foreground, from a configuration of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

CONFIGURATIONS = Path(__file__).parents[1] / "peers" / "kamailio"
PATIENCE = 20
#: ``MOST_SECONDS``: that a binding is granted for; 0: as asked
DEFAULTS = {"MOST_SECONDS": "0"}


def _modules() -> str:
    folders = sorted(Path("/usr").glob("lib*/**/kamailio/modules"))
    assert folders, "the peer tests need Kamailio: apt install kamailio"
    return f"{folders[0]}/"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def run_kamailio(folder: Path, name: str, port: int, values: dict[str, str]) -> AsyncIterator[Path]:
    """Kamailio on ``port`` with ``name``.cfg, whose ``@KEYS@`` are replaced; gives its log."""
    program = shutil.which("kamailio", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "the peer tests need Kamailio: apt install kamailio"
    text = (CONFIGURATIONS / f"{name}.cfg").read_text()
    for key, value in {"PORT": str(port), "MODULES": _modules(), **DEFAULTS, **values}.items():
        text = text.replace(f"@{key}@", value)
    configuration = folder / "kamailio.cfg"
    configuration.write_text(text)
    with (folder / "kamailio.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "-f", str(configuration), "-DD", "-E", "-m", "32", "-M", "4", "-Y", str(folder),
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        await _answers(port, process, folder / "kamailio.log")
        yield folder / "kamailio.log"
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


@asynccontextmanager
async def _kamailio(folder: Path, algorithm: str, qop: bool) -> AsyncIterator[int]:
    port = free_port()
    values = {"ALGORITHM": algorithm, "QOP": "auth", "FLAGS": "1" if qop else "0"}
    async with run_kamailio(folder, "registrar", port, values):
        yield port


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


async def _answers(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    """Ask until Kamailio answers."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        probe.connect(("127.0.0.1", port))
        here = f"127.0.0.1:{probe.getsockname()[1]}"
        question = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};rport;branch=z9hG4bKready\r\n"
            f"From: <sip:t@{here}>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        for _ in range(PATIENCE * 10):
            assert process.returncode is None, _tail(log)
            with contextlib.suppress(OSError, TimeoutError):
                await loop.sock_sendall(probe, question)
                await asyncio.wait_for(loop.sock_recv(probe, 2000), 0.1)
                return
            await asyncio.sleep(0.1)
    raise AssertionError(_tail(log))


@pytest.fixture
def kamailio(tmp_path: Path) -> Any:
    """``async with kamailio(algorithm, qop) as port``."""
    return lambda algorithm, qop: _kamailio(tmp_path, algorithm, qop)
