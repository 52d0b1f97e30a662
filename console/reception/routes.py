"""The call bar: each button is a command to the phone process."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from console.calls.call_number import number_of_call
from console.config import ScriptTexts
from console.http import ApiCall, ApiError, Endpoints, Message
from console.patients import service as patients
from storage.dispositions import Disposition, list_dispositions
from storage.phone_numbers import normalise
from telephony.media.token import sign

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("reception")

AGENTS = ("agent",)


class HeadsetWish(msgspec.Struct):
    #: the random id that this console said hello with
    console: Annotated[str, msgspec.Meta(max_length=64)] = ""


class HeadsetPass(msgspec.Struct):
    """``url`` carries no token: append ``?token=``. ``expires_at``: Unix seconds until which the socket may open."""

    url: str
    token: str
    expires_at: float


class StateWish(msgspec.Struct):
    state: Literal["ready", "not_ready"]
    reason: Annotated[str, msgspec.Meta(max_length=100)] = ""


class AgentView(msgspec.Struct):
    """An agent on the floor; ``seconds`` in this state."""

    agent: str
    name: str
    status: str
    reason: str
    call: str
    headset: bool
    queues: list[str]
    seconds: float


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


class Mute(msgspec.Struct):
    muted: bool


class Digits(msgspec.Struct):
    digits: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#A-Da-d]{1,32}$")]


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


@routes.post("/api/headset", body=HeadsetWish, returns=HeadsetPass, roles=AGENTS)
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


@routes.post("/api/agent/state", body=StateWish, returns=AgentView, roles=AGENTS)
async def set_state(call: ApiCall) -> AgentView:
    """Ready (示闲) or not ready (示忙). 409 no_headset: ready needs a headset; 409 signed_out: no console is open."""
    agent = call.user.username
    if call.body.state == "ready":
        state = await call.phone.command("agent.ready", agent=agent)
    else:
        state = await call.phone.command("agent.not_ready", agent=agent, reason=call.body.reason)
    return msgspec.convert(state, AgentView)


@routes.post("/api/calls", body=Dial, returns=Dialled, roles=AGENTS, status=201)
async def dial(call: ApiCall) -> Dialled:
    """Call somebody. 409 no_headset, agent_busy, no_line; 400 bad_number; 404 no_such_patient, no_such_phone,
    no_such_call; 403 not_yours."""
    wish: Dial = call.body
    number = dialable(await _wished_number(call, wish), call.config.home_area_code)
    if not any(character.isdigit() for character in number):
        raise ApiError(
            400, "bad_number", Message("该号码无法拨打", "This is not a number that can be dialled"), field="number"
        )
    answer = await call.phone.command(
        "call.dial", agent=call.user.username, number=number, line=wish.line, patient_id=wish.patient_id
    )
    return Dialled(id=answer["call"])


async def _wished_number(call: ApiCall, wish: Dial) -> str:
    desk: WebDesk = call.desk
    if wish.phone_id:
        return await call.run(patients.number_to_dial, call.user, wish.patient_id, wish.phone_id)
    if wish.call:
        return await desk.read(lambda conn: number_of_call(conn, desk.calls, call.user, wish.call))
    return wish.number


_SEPARATORS = re.compile(r"[\s().\-‐-―/]+")


def dialable(number: str, area_code: str) -> str:
    """A number as it was typed or shown, as a line takes it: no separators, no extension behind it. A SIP URI stays."""
    text = unicodedata.normalize("NFKC", number).strip()
    if "@" in text or text.lower().startswith(("sip:", "sips:", "tel:")):
        return text
    extension = normalise(text, home_area_code=area_code).extension
    if extension:
        text = text[: text.rfind(extension)].rstrip("xX,;#转机号分-– ").removesuffix("ext.").removesuffix("ext")
    return _SEPARATORS.sub("", text)


async def _tell(call: ApiCall, command: str, **arguments: object) -> None:
    await call.phone.command(command, agent=call.user.username, call=call.path["id"], **arguments)


@routes.post("/api/calls/{id}/answer", roles=AGENTS)
async def answer_call(call: ApiCall) -> None:
    """Answer the call that rings at this desk. 404 no_such_call, 409 wrong_state."""
    await _tell(call, "call.answer")


@routes.post("/api/calls/{id}/reject", roles=AGENTS)
async def reject_call(call: ApiCall) -> None:
    """Do not take it: it is offered to the next agent."""
    await _tell(call, "call.reject")


@routes.post("/api/calls/{id}/hangup", roles=AGENTS)
async def hang_up(call: ApiCall) -> None:
    """End the call, or the attempt to call."""
    await _tell(call, "call.hang_up")


@routes.post("/api/calls/{id}/hold", roles=AGENTS)
async def hold_call(call: ApiCall) -> None:
    """Put the caller on hold."""
    await _tell(call, "call.hold")


@routes.post("/api/calls/{id}/resume", roles=AGENTS)
async def resume_call(call: ApiCall) -> None:
    """Take the caller back from hold."""
    await _tell(call, "call.resume")


@routes.post("/api/calls/{id}/mute", body=Mute, roles=AGENTS)
async def mute_call(call: ApiCall) -> None:
    """Mute the agent's microphone, or open it again."""
    await _tell(call, "call.mute", muted=call.body.muted)


@routes.post("/api/calls/{id}/digits", body=Digits, roles=AGENTS)
async def send_digits(call: ApiCall) -> None:
    """Send DTMF digits (RFC 4733)."""
    await _tell(call, "call.digits", digits=call.body.digits.upper())


@routes.post("/api/calls/{id}/wrapped-up", roles=AGENTS)
async def wrapped_up(call: ApiCall) -> None:
    """Leave wrap-up (话后处理) of this call."""
    await _tell(call, "call.wrapped_up")


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
