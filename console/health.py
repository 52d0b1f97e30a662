"""``/healthz``: are the parts there? 200 while calls can be taken and kept, else 503."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from console import __version__
from console.http import ApiCall, ApiError, Endpoints

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("health")

#: below this the disk is in trouble: bytes of raw recording that fifty calls make in about an hour and a half
LEAST_FREE = 5 * 1024**3
#: below this it counts as full
FULL = 256 * 1024**2
#: the worker touches its sign of life every few seconds
WORKER_SECONDS = 30.0
DATABASE_SECONDS = 3.0
#: a commit takes milliseconds; so long none gets through when somebody else holds the database
STUCK_SECONDS = 5.0

Status = Literal["ok", "warn", "fail"]


class Check(msgspec.Struct, omit_defaults=True):
    """``warn`` is for people to look at; ``fail`` makes the whole fail."""

    status: Status
    detail: str = ""


class LineCheck(msgspec.Struct, omit_defaults=True):
    """``detail``: why, where there is something to say, such as the registrar's refusal."""

    line: str
    status: str
    detail: str = ""


class Health(msgspec.Struct):
    status: Status
    version: str
    checks: dict[str, Check]
    lines: list[LineCheck]


@routes.get("/healthz", returns=Health, public=True)
async def healthz(call: ApiCall) -> Response:
    """Phone process, lines, database, disk, worker, event store, recordings of live calls, routing in force."""
    health = await check_health(call.desk)
    return Response(
        msgspec.json.encode(health),
        status_code=503 if health.status == "fail" else 200,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


async def check_health(desk: WebDesk) -> Health:
    (phone, lines_check, lines), database = await asyncio.gather(_phone(desk), _database(desk))
    checks = {
        "phone": phone,
        "lines": lines_check,
        "database": database,
        "disk": _disk(desk),
        "worker": _worker(desk),
        "events": _events(desk),
        "recordings": _recordings(desk),
        "routing": _routing(desk),
    }
    states = {check.status for check in checks.values()}
    status: Status = "fail" if "fail" in states else "warn" if "warn" in states else "ok"
    return Health(status=status, version=__version__, checks=checks, lines=lines)


async def _phone(desk: WebDesk) -> tuple[Check, Check, list[LineCheck]]:
    try:
        told: dict[str, Any] = await desk.phone.command("snapshot")
    except ApiError:
        away = Check("fail", "the phone process does not answer")
        return away, Check("fail", "unknown while the phone process is away"), []
    lines = [LineCheck(line["line"], line["status"], line.get("detail", "")) for line in told["lines"]]
    down = [f"{one.line} is {one.status} {one.detail}".rstrip() for one in lines if one.status != "up"]
    # a line that is down is the provider's trouble: the product works, people should look
    lines_check = Check("warn", "; ".join(down) or "no line is configured") if down or not lines else Check("ok")
    trouble = told.get("trouble", "")
    return Check("fail", f"the journal cannot be written: {trouble}") if trouble else Check("ok"), lines_check, lines


async def _database(desk: WebDesk) -> Check:
    def ask(conn: Connection) -> None:
        conn.execute(text("SELECT 1"))

    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await desk.read(ask)
    except (SQLAlchemyError, TimeoutError) as error:
        return Check("fail", str(error).splitlines()[0] if str(error) else "does not answer in time")
    return Check("ok")


def disk_free(desk: WebDesk) -> int:
    return shutil.disk_usage(desk.config.data).free


def _disk(desk: WebDesk) -> Check:
    try:
        free = disk_free(desk)
        writable = os.access(desk.config.data, os.W_OK)
    except OSError as error:
        return Check("fail", f"the data folder cannot be looked at: {error.strerror}")
    if not writable:
        return Check("fail", "the data folder cannot be written")
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < FULL:
        return Check("fail", detail)
    return Check("warn" if free < LEAST_FREE else "ok", detail)


def _worker(desk: WebDesk) -> Check:
    try:
        age = time.time() - (desk.config.data / "run" / "worker.alive").stat().st_mtime
    except OSError:
        return Check("warn", "the worker has not been seen")
    if age > WORKER_SECONDS:
        return Check("warn", f"the worker was last seen {age:.0f} s ago")
    return Check("ok")


def _events(desk: WebDesk) -> Check:
    if desk.intake.trouble:
        return Check("fail", desk.intake.trouble)
    if desk.store.trouble:
        return Check("fail", f"{desk.store.waiting} events wait for the database: {desk.store.trouble}".splitlines()[0])
    if (stuck := desk.store.stuck_seconds()) > STUCK_SECONDS:
        return Check("fail", f"{desk.store.waiting} events wait for the database since {stuck:.0f} s: is it locked?")
    if desk.store.refused:
        return Check("warn", f"{desk.store.refused} events were refused and set aside")
    return Check("ok")


def _routing(desk: WebDesk) -> Check:
    # calls go on by the version before: the product works, people should look
    return Check("warn", desk.routing.trouble) if desk.routing.trouble else Check("ok")


def _recordings(desk: WebDesk) -> Check:
    trouble = desk.recording_trouble
    if trouble.now:
        reason = next(reversed(trouble.now.values()))
        return Check("fail", f"audio of {len(trouble.now)} calls cannot be kept now: {reason}")
    if lately := trouble.lately:
        return Check("warn", f"audio of {lately} calls within the last hour could not all be kept")
    return Check("ok")
