"""Who else is on the floor, and which queues there are: a call can be taken to them as to the directory's entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from console.http import ApiCall, Endpoints
from console.routing import documents
from storage.name_readings import latin_key, readings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from console.desk import WebDesk

routes = Endpoints("reception")


class ColleaguesQuery(msgspec.Struct):
    """``q``: part of a name, its pinyin or initials from the start on, or of a user name."""

    q: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Colleague(msgspec.Struct):
    """An agent or supervisor who is signed in to the floor; ``status`` and ``reason`` as of now."""

    agent: str
    name: str
    status: str
    reason: str


class QueueChoice(msgspec.Struct):
    """``waiting``: callers in it."""

    queue: str
    name_zh: str
    name_en: str
    waiting: int


class Colleagues(msgspec.Struct):
    agents: list[Colleague]
    queues: list[QueueChoice]


@routes.get("/api/colleagues", query=ColleaguesQuery, returns=Colleagues, roles=("agent", "supervisor"))
async def colleagues(call: ApiCall) -> Colleagues:
    """Who is there besides me, the free ones first, and the queues. 503 while the phone is away."""
    desk: WebDesk = call.desk
    told = await call.phone.command("snapshot")

    def read(conn: Connection) -> list[tuple[str, str, str]]:
        _, document = documents.newest(conn, desk.config)
        labels = [(one["name"], one.get("label") or {}) for one in document["queues"]]
        return [(name, label.get("zh") or name, label.get("en") or name) for name, label in labels]

    agents = [
        Colleague(one["agent"], one["name"] or one["agent"], one["status"], one["reason"])
        for one in told["agents"]
        if one["status"] != "offline" and one["agent"] != call.user.username
    ]
    agents.sort(key=lambda one: (one.status != "ready", one.name))
    waiting = [one["queue"] for one in told["calls"] if one["phase"] in ("queued", "ringing")]
    typed = " ".join(call.query.q.split())
    return Colleagues(
        agents=[one for one in agents if _fits(typed, one.name, one.agent)],
        queues=[
            QueueChoice(name, chinese, english, waiting.count(name))
            for name, chinese, english in await desk.read(read)
            if _fits(typed, chinese, english, name)
        ],
    )


def _fits(typed: str, *names: str) -> bool:
    if not typed:
        return True
    folded, latin = typed.casefold(), latin_key(typed)
    for name in names:
        if folded in name.casefold():
            return True
        # a name may have a post before it: 坐席一 林晓; a user name has no reading, its digits are no tones
        for word in (word for word in name.split() if not word.isascii()):
            readings = readings_of(word)
            if latin and any(key.startswith(latin) for key in (readings.pinyin, readings.initials, *readings.others)):
                return True
    return False
