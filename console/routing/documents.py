"""Routing documents as the desk reads, checks and saves them. Each refusal is an ApiError."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from console.config import ConsoleConfig
from console.http import ApiError, Message
from console.identity.user import User
from storage import access_trail, prompts, routing
from storage.routing import Document, RoutingConflict, Saved
from telephony.routing.checks import shipped_sounds
from telephony.routing.default_routing import default_routing
from telephony.routing.settings import RoutingError, RoutingSettings, parse_routing

#: where prompts of the house lie, relative to the data folder
PROMPTS = "prompts"
#: fields of a document that name a prompt
_NAMING = ("prompt", "greeting", "invalid", "music")
#: the version of the document that ships, made from the configured lines
SHIPPED = Saved(0, "", "system", 0.0, None)


def no_such_version() -> ApiError:
    return ApiError(404, "no_such_version", Message("没有此版本", "There is no such version"))


def newest(conn: Connection, config: ConsoleConfig) -> tuple[Saved, Document]:
    """The newest version, or the document that ships (version 0) while none was saved."""
    return version(conn, config, routing.newest_version(conn))


def version(conn: Connection, config: ConsoleConfig, number: int) -> tuple[Saved, Document]:
    """Raises ApiError: 404 no_such_version."""
    if number == 0:
        return SHIPPED, plain(default_routing(config.lines))
    found = routing.get_version(conn, number) if 0 < number < 2**31 else None
    if found is None:
        raise no_such_version()
    saved, document = found
    return saved, _filled_in(document)


def _filled_in(document: Document) -> Document:
    """Every field there, also of a version from before the field was; one that cannot be read any more as it is."""
    try:
        return plain(parse_routing(document))
    except RoutingError:
        return document


def plain(settings: RoutingSettings) -> Document:
    """Every field filled in, as it is stored and sent."""
    made: Document = msgspec.json.decode(msgspec.json.encode(settings.document()))
    return made


def read(document: Mapping[str, Any], config: ConsoleConfig) -> RoutingSettings:
    """The document as the phone will take it. Raises ApiError: 422 bad_routing, whose field is the place."""
    try:
        settings = parse_routing(document, lines=[line.name for line in config.lines] or None)
    except RoutingError as error:
        place, _, sentence = str(error).partition(": ")
        raise _bad(place, sentence) from error
    for index, prompt in enumerate(settings.prompts):
        if Path(prompt.file).parts[:1] != (PROMPTS,) or not (config.data / prompt.file).is_file():
            raise _bad(f"prompts[{index}].file", "there is no such file among the prompts")
    return settings


def completed(conn: Connection, document: Mapping[str, Any]) -> Document:
    """The document with the house's own prompts filled in, as they are now: those that it names, and those that are
    heard in the place of one that ships, named or not (announcements of waiting, recording, messages)."""
    shipped = shipped_sounds()
    heard = shipped.union(prompts_named(document))
    own = [_prompt(one) for one in prompts.list_prompts(conn) if one.name in heard]
    names = shipped.union(one["name"] for one in own)
    given = document.get("prompts", [])
    if not isinstance(given, list):
        return dict(document)
    return {**document, "prompts": [one for one in given if not _is_named(one, names)] + own}


def _is_named(prompt: Any, names: Container[str]) -> bool:
    name = prompt.get("name") if isinstance(prompt, Mapping) else None
    return isinstance(name, str) and name in names


def prompts_named(part: Any) -> Iterator[str]:
    """Every prompt that a document, or a part of one, names."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key in _NAMING and isinstance(value, str) and value:
                yield value
            elif key != "prompts":
                yield from prompts_named(value)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from prompts_named(one)


def save(
    conn: Connection, user: User, config: ConsoleConfig, document: Mapping[str, Any], base_version: int, note: str
) -> tuple[Saved, Document]:
    """A new version. Raises ApiError: 409 conflict, 422 bad_routing."""
    full = plain(read(completed(conn, document), config))
    return _kept(conn, user, full, base_version, note, None)


def restore(
    conn: Connection, user: User, config: ConsoleConfig, number: int, base_version: int, note: str
) -> tuple[Saved, Document]:
    """An old version again, as a new one. Raises ApiError: 404 no_such_version, 409 conflict, 422 bad_routing (a line
    or a file that it names is gone)."""
    _, document = version(conn, config, number)
    return _kept(conn, user, plain(read(document, config)), base_version, note, number)


def _kept(
    conn: Connection, user: User, document: Document, base_version: int, note: str, restored_from: int | None
) -> tuple[Saved, Document]:
    try:
        saved = routing.save(conn, document, base_version, user.username, note, restored_from)
    except RoutingConflict as error:
        raise ApiError(
            409,
            "conflict",
            Message(
                f"路由设置刚被他人修改为第 {error.newest} 版，请刷新后再试",
                f"Somebody else saved version {error.newest} meanwhile; load it and try again",
            ),
            field="base_version",
        ) from error
    detail = {"version": saved.version, "restored_from": restored_from}
    access_trail.record(conn, user.username, "routing.save", "routing", str(saved.version), detail, note)
    return saved, {**document, "version": saved.version}


def _prompt(one: prompts.Prompt) -> dict[str, Any]:
    label = {"zh": one.label_zh, "en": one.label_en}
    return {"name": one.name, "label": label, "file": one.file, "seconds": one.seconds, "text": one.text}


def _bad(place: str, sentence: str) -> ApiError:
    return ApiError(
        422, "bad_routing", Message(f"路由设置有误（{place}）：{sentence}", f"{place}: {sentence}"), field=place
    )
