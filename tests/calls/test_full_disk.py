"""The disk of the recordings is full in mid-call: the call goes on, and the recorder says so loudly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peer


@contextlib.contextmanager
def little_room(house: Any) -> Iterator[Callable[[], None]]:
    """Half a second of sound fits where the phone process records; call what is given, and there is room again.

    A small file system is mounted where that is allowed; elsewhere the kernel refuses the process longer files.
    """
    folder: Path = house.product.data / "recordings" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    mounted = os.geteuid() == 0 and _succeeds("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder))
    if mounted:
        try:
            yield lambda: _run("mount", "-o", "remount,size=32m", str(folder))
        finally:
            # the worker finishes and removes what is in there first; a file that is still open keeps its memory
            _run("umount", "--lazy", str(folder))
        return
    phone = house.product.processes()["phone"]
    journal = max((path.stat().st_size for path in (house.product.data / "journal").glob("*.journal")), default=0)
    _, hard = resource.prlimit(phone, resource.RLIMIT_FSIZE)
    resource.prlimit(phone, resource.RLIMIT_FSIZE, (journal + 16_384, hard))
    try:
        yield lambda: resource.prlimit(phone, resource.RLIMIT_FSIZE, (hard, hard)) and None
    finally:
        resource.prlimit(phone, resource.RLIMIT_FSIZE, (hard, hard))


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True, timeout=10).returncode == 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=10)


async def test_a_full_disk_is_loud_and_the_call_goes_on_and_is_kept_whole_once_there_is_room(
    house: Any, baresip: Callable[..., Any]
) -> None:
    phone = baresip("patient", tone=(440.0, -12.0))
    with little_room(house) as make_room:
        async with house.watching(), house.agent(auto_answer=True, play=house.tone(1000.0)) as agent:
            phone.dial(f"sip:4001@127.0.0.1:{house.product.sip}")
            id_ = (await agent.wait_for("answered"))["call"]
            failed = await house.event("recording.failed", call=id_)
            assert failed["reason"].startswith("disk_full")
            assert failed["lost_seconds"] > 0
            health = await house.api.get("/healthz")
            assert health.status_code == 503
            assert "disk_full" in health.json()["checks"]["recordings"]["detail"]
            assert "disk_full" in house.product.log.read_text()

            heard = len(agent.heard(id_))
            await asyncio.to_thread(phone.listen, 3.0)
            assert len(agent.heard(id_)) > heard, "the call stands still"
            await house.call_when(id_, state="talking")

            make_room()

            async def resumed() -> bool:
                told = [e["reason"] for e in house.events if e["type"] == "recording.failed" and e["call"] == id_]
                return told[-1].startswith("resumed")

            await house.until(resumed)
            phone.hang_up()
            await asyncio.to_thread(phone.wait_for, "CALL_CLOSED")
            view = await house.recorded(id_)
            health = await house.api.get("/healthz")
            assert health.status_code == 200
    assert (view["outcome"], view["hung_up_by"]) == ("answered", "caller")
    # what waited in memory was written when there was room: nothing is missing
    assert view["recording"]["seconds"] == pytest.approx(view["talk_seconds"], abs=0.3)
    assert view["recording"]["lost_seconds"] == 0
    assert phone.heard().tone(1000.0) == pytest.approx(-15.0, abs=1.0)
