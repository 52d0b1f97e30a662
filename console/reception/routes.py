"""What an agent's desk needs before there is a call: the headset's pass, dialling, lists and lines of the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from console.calls.call_number import number_of_call
from console.config import ScriptTexts
from console.http import ApiCall, Endpoints
from console.patients import service as patients
from console.reception.dialable import number_to_dial
from storage.dispositions import Disposition, list_dispositions
from telephony.media.token import sign

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("reception")

AGENTS = ("agent",)
#: who may take part in a call: supervisors listen, whisper, barge and take over
SPEAKERS = ("agent", "supervisor")


class HeadsetWish(msgspec.Struct):
    #: the random id that this console said hello with
    console: Annotated[str, msgspec.Meta(max_length=64)] = ""


class HeadsetPass(msgspec.Struct):
    """``url`` carries no token: append ``?token=``. ``expires_at``: Unix seconds until which the socket may open."""

    url: str
    token: str
    expires_at: float


class Dial(msgspec.Struct):
    """Whom to call: a ``number``, a number on record (``patient_id`` and ``phone_id``), or the other party of an
    earlier ``call``; the last two never leave the server whole."""

    number: Annotated[str, msgspec.Meta(max_length=80)] = ""
    patient_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    phone_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    call: Annotated[str, msgspec.Meta(max_length=64)] = ""
    line: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Dialled(msgspec.Struct):
    id: str


class DispositionView(msgspec.Struct):
    code: str
    label_zh: str
    label_en: str


class ScriptLine(msgspec.Struct):
    zh: str
    en: str


class Script(msgspec.Struct):
    """``opening`` at every answer (D5), ``apology`` from the fourth ring on (D4)."""

    opening: ScriptLine
    apology: ScriptLine


class Scripts(msgspec.Struct):
    """The house's texts, and by name those of lines that have their own."""

    opening: ScriptLine
    apology: ScriptLine
    lines: dict[str, Script]


@routes.post("/api/headset", body=HeadsetWish, returns=HeadsetPass, roles=SPEAKERS)
async def headset_pass(call: ApiCall) -> HeadsetPass:
    """Where the headset socket is, and a short-lived token that opens it."""
    config = call.config
    seconds = config.headset.token_seconds
    expires_at = time.time() + seconds
    token = sign(config.secret, call.user.username, call.body.console, seconds)
    return HeadsetPass(url=headset_url(call), token=token, expires_at=expires_at)


def headset_url(call: ApiCall) -> str:
    """As configured, else the host that the browser already reaches us by, at the headset port."""
    config = call.config
    if config.headset.url:
        return config.headset.url
    host = urlsplit(f"//{call.request.headers.get('host', '')}").hostname or config.headset_host
    if ":" in host:
        host = f"[{host}]"
    scheme = "wss" if config.https else "ws"
    return f"{scheme}://{host}:{config.headset_port}/headset"


@routes.post("/api/calls", body=Dial, returns=Dialled, roles=AGENTS, status=201)
async def dial(call: ApiCall) -> Dialled:
    """Call somebody. 409 no_headset, agent_busy, no_line; 400 bad_number, foreign_address; 404 no_such_patient,
    no_such_phone, no_such_call; 403 not_yours."""
    wish: Dial = call.body
    number = number_to_dial(await _wished_number(call, wish), call.config.home_area_code)
    answer = await call.phone.command(
        "call.dial", agent=call.user.username, number=number, line=wish.line, patient_id=wish.patient_id
    )
    return Dialled(id=answer["call"])


async def _wished_number(call: ApiCall, wish: Dial) -> str:
    desk: WebDesk = call.desk
    if wish.phone_id:
        return await call.run(patients.number_to_dial, call.user, wish.patient_id, wish.phone_id)
    if wish.call:
        return await desk.read_log(lambda conn: number_of_call(conn, desk.calls, call.user, wish.call))
    return wish.number


@routes.get("/api/dispositions", returns=list[DispositionView])
async def dispositions(call: ApiCall) -> list[DispositionView]:
    """What a call may come to, in the order of the screen."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> list[Disposition]:
        return list_dispositions(conn)

    return [DispositionView(one.code, one.label_zh, one.label_en) for one in await desk.read(read)]


def _script(texts: ScriptTexts) -> Script:
    return Script(
        opening=ScriptLine(zh=texts.opening_zh, en=texts.opening_en),
        apology=ScriptLine(zh=texts.apology_zh, en=texts.apology_en),
    )


@routes.get("/api/scripts", returns=Scripts)
async def scripts(call: ApiCall) -> Scripts:
    """What the agent says on answering (D4, D5)."""
    house = _script(call.config.scripts)
    lines = {name: _script(texts) for name, texts in call.config.line_scripts.items()}
    return Scripts(opening=house.opening, apology=house.apology, lines=lines)
