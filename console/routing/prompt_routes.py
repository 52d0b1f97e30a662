"""Prompts over HTTP: those that ship and the house's own; uploaded, recorded in the browser or read out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import structlog
from sqlalchemy import Connection
from starlette.responses import Response

from console.http import ApiCall, ApiError, Endpoints, Message
from console.routing import documents, prompt_audio
from console.routing.prompt_audio import BadAudio, MadePrompt
from recordings.ffmpeg import CodecFailed
from storage import access_trail, prompts, routing
from telephony.media.sound import SHIPPED
from telephony.media.wav import BadSound
from telephony.routing.checks import shipped_sounds
from telephony.routing.spoken import MADE

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("routing")
log = structlog.get_logger("console.routing")

READERS = ("supervisor", "admin")
WRITERS = ("admin",)

#: bytes of an upload that are read before the connection is cut
_READ_AT_MOST = 20 * prompt_audio.MOST_BYTES

Label = Annotated[str, msgspec.Meta(max_length=100)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]


class PromptView(msgspec.Struct, kw_only=True):
    """``source``: ``shipped``, ``upload`` or ``speech``. ``file`` (relative to the data folder) is empty for those that
    ship. ``used`` in the newest routing document."""

    name: str
    label_zh: str
    label_en: str
    seconds: float
    text: str
    source: str
    file: str
    made_by: str | None
    made_at: float | None
    used: bool


class PromptList(msgspec.Struct):
    """``speech``: can the machine read text out?"""

    prompts: list[PromptView]
    speech: bool


class Upload(msgspec.Struct):
    """In the query string, as the body is the audio. ``replace``: also where there is a prompt of this name; calls hear
    the new one from the next save of the routing on."""

    name: str
    label_zh: Label = ""
    label_en: Label = ""
    text: Text = ""
    replace: bool = False


class Speech(msgspec.Struct):
    name: str
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    language: Literal["zh", "en"] = "zh"
    label_zh: Label = ""
    label_en: Label = ""
    replace: bool = False


@routes.get("/api/routing/prompts", returns=PromptList, roles=READERS)
async def list_prompts(call: ApiCall) -> PromptList:
    """Own prompts, then those that ship; an own one of the same name is heard in the place of one that ships."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> tuple[list[prompts.Prompt], set[str]]:
        _, document = documents.newest(conn, desk.config)
        return prompts.list_prompts(conn), set(documents.prompts_named(document))

    own, used = await desk.read(read)
    names = {one.name for one in own}
    shipped = await asyncio.to_thread(_shipped)
    views = [_view(one, one.name in used or one.name in shipped) for one in own]
    views += [
        PromptView(
            name=name,
            label_zh="",
            label_en="",
            seconds=round(seconds, 3),
            text="",
            source="shipped",
            file="",
            made_by=None,
            made_at=None,
            used=name in used and name not in names,
        )
        for name, seconds in shipped.items()
    ]
    return PromptList(views, prompt_audio.can_speak())


@routes.post("/api/routing/prompts", query=Upload, returns=PromptView, roles=WRITERS, status=201)
async def upload(call: ApiCall) -> PromptView:
    """The body is audio of any kind that ffmpeg reads, 10 MB and 3 minutes at most.

    409 exists; 413 body_too_large; 422 not_audio, too_long, too_short, silent, bad_name.
    """
    wish: Upload = call.query
    _check_name(wish.name)
    content = await _received(call)
    made = await _made(lambda: prompt_audio.make_prompt(content))
    return await _kept(call, made, wish, wish.text, "upload")


@routes.post("/api/routing/prompts/speak", body=Speech, returns=PromptView, roles=WRITERS, status=201)
async def speak(call: ApiCall) -> PromptView:
    """Text read out by the machine. 501 no_speech where it has no voice; else as an upload."""
    wish: Speech = call.body
    _check_name(wish.name)
    if not wish.text.strip():
        raise ApiError(422, "invalid_input", Message("请填写要朗读的文本", "Please give the text"), field="text")
    made = await _made(lambda: prompt_audio.speak(wish.text, wish.language))
    return await _kept(call, made, wish, wish.text, "speech")


@routes.get("/api/routing/prompts/{name}/audio", returns=Response, roles=READERS, produces="audio/wav")
async def audio(call: ApiCall) -> Response:
    """A prompt to listen to. 404 no_such_prompt."""
    desk: WebDesk = call.desk
    name = call.path["name"]
    own = await desk.read(lambda conn: prompts.get_prompt(conn, name))
    if own is None and name not in shipped_sounds():
        raise _no_such_prompt()
    path = desk.config.data / own.file if own else SHIPPED / f"{name}.wav"
    try:
        content = await asyncio.to_thread(lambda: prompt_audio.playable(path.read_bytes()))
    except (OSError, BadSound) as error:
        log.error("a prompt cannot be read", prompt=name, reason=str(error))
        raise _no_such_prompt() from error
    return Response(content, media_type="audio/wav", headers={"cache-control": "no-store"})


@routes.delete("/api/routing/prompts/{name}", roles=WRITERS)
async def remove(call: ApiCall) -> None:
    """404 no_such_prompt; 409 in_use while the newest routing document names it. Its file stays as long as an older
    version needs it."""
    desk: WebDesk = call.desk
    name = call.path["name"]

    def work(conn: Connection) -> str:
        prompt = prompts.get_prompt(conn, name)
        if prompt is None:
            raise _no_such_prompt()
        _, document = documents.newest(conn, desk.config)
        if name in documents.prompts_named(document):
            raise ApiError(
                409,
                "in_use",
                Message("该语音仍在使用，请先修改路由设置", "The routing still uses this prompt; change it first"),
            )
        prompts.remove_prompt(conn, name)
        access_trail.record(conn, call.user.username, "prompt.remove", "prompt", name, {"file": prompt.file})
        return (
            "" if prompts.file_is_used(conn, prompt.file) or prompt.file in routing.files_in_use(conn) else prompt.file
        )

    if file := await call.run(work):
        await asyncio.to_thread((desk.config.data / file).unlink, missing_ok=True)


async def _received(call: ApiCall) -> bytes:
    """The whole body. One that is too large is read to its end all the same (within reason): a browser that is cut off
    while it sends shows a broken connection instead of our answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in call.request.stream():
        size += len(chunk)
        if size <= prompt_audio.MOST_BYTES:
            chunks.append(chunk)
        elif size > _READ_AT_MOST:
            break
        else:
            chunks.clear()
    if size <= prompt_audio.MOST_BYTES:
        return b"".join(chunks)
    raise ApiError(
        413,
        "body_too_large",
        Message("文件超过 10 MB", "The file is larger than 10 MB"),
        field="audio",
        headers={"connection": "close"},
    )


def _no_such_prompt() -> ApiError:
    return ApiError(404, "no_such_prompt", Message("没有此语音", "There is no such prompt"))


def _check_name(name: str) -> None:
    if not prompts.NAME.fullmatch(name) or name in MADE:
        raise ApiError(
            422,
            "bad_name",
            Message("名称须为 1 至 64 个小写字母、数字和 . _ -", "A name is 1-64 of a-z 0-9 . _ -, and not a tone's"),
            field="name",
        )


_CHINESE = {
    "not_audio": "无法识别为音频文件",
    "too_long": "语音最长 3 分钟",
    "too_short": "语音过短",
    "silent": "录音中没有声音",
    "no_speech": "本机没有语音合成功能（espeak-ng）",
}


async def _made(make: Callable[[], MadePrompt]) -> MadePrompt:
    try:
        return await asyncio.to_thread(make)
    except BadAudio as error:
        status = 501 if error.code == "no_speech" else 422
        raise ApiError(status, error.code, Message(_CHINESE[error.code], str(error)), field="audio") from error
    except CodecFailed as error:
        log.error("a prompt could not be converted", reason=str(error))
        raise ApiError(
            501, "no_codec", Message("本机没有 ffmpeg，无法转换", "There is no ffmpeg on this machine")
        ) from error


async def _kept(call: ApiCall, made: MadePrompt, wish: Upload | Speech, text: str, source: str) -> PromptView:
    desk: WebDesk = call.desk
    folder = desk.config.data / documents.PROMPTS
    file = f"{documents.PROMPTS}/{await asyncio.to_thread(prompt_audio.store, made, folder)}"

    def work(conn: Connection) -> PromptView:
        if wish.replace:
            prompts.remove_prompt(conn, wish.name)
        prompt = prompts.add_prompt(
            conn,
            wish.name,
            label_zh=wish.label_zh,
            label_en=wish.label_en,
            file=file,
            seconds=round(made.seconds, 3),
            text=text,
            source=source,
            by=call.user.username,
        )
        detail = {"file": file, "seconds": prompt.seconds, "source": source}
        access_trail.record(conn, call.user.username, "prompt.add", "prompt", prompt.name, detail)
        _, document = documents.newest(conn, desk.config)
        used = prompt.name in documents.prompts_named(document) or prompt.name in shipped_sounds()
        return _view(prompt, used)

    try:
        return await call.run(work)
    except prompts.PromptTaken as error:
        raise ApiError(
            409, "exists", Message("已有同名语音", "There is a prompt of this name already"), field="name"
        ) from error


def _shipped() -> dict[str, float]:
    return {name: prompt_audio.seconds_of((SHIPPED / f"{name}.wav").read_bytes()) for name in sorted(shipped_sounds())}


def _view(prompt: prompts.Prompt, used: bool) -> PromptView:
    return PromptView(**{name: getattr(prompt, name) for name in prompts.Prompt.__slots__}, used=used)
