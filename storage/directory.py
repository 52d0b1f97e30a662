"""The hospital's directory: departments, people and emergency desks that a call can be taken to (D21, D22).

An entry leads to exactly one of a telephone number, an agent (user name) or a queue. Each user has favourites.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from storage.database import is_sqlite
from storage.identifiers import new_id
from storage.insert_missing import insert_missing
from storage.metadata import Instant, Json, Key, LongText, metadata
from storage.name_readings import latin_key, readings_of
from storage.phone_numbers import NumberingPlan, normalise

KINDS = ("department", "person", "emergency")
MAX_NAME, MAX_NOTE, MAX_NUMBER = 100, 500, 80
#: entries in all; a hospital has hundreds
MAX_ENTRIES = 5000

_WORD = re.compile(r"[^\W_]+")
_SMALL_WORDS = frozenset({"and", "of", "the", "for", "in", "at"})

directory_entries = Table(
    "directory_entries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("pinyin", String, nullable=False),
    Column("initials", String, nullable=False),
    Column("other_readings", Json, nullable=False),
    Column("number", String, nullable=False),
    Column("e164", Key, nullable=False, index=True),
    Column("agent", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("note", LongText, nullable=False),
    Column("position", Integer, nullable=False),
    Column("emergency", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String, nullable=False),
)

directory_favourites = Table(
    "directory_favourites",
    metadata,
    Column("username", String, ForeignKey("users.username", ondelete="CASCADE"), primary_key=True),
    Column("entry", Key, ForeignKey("directory_entries.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("at", Instant, nullable=False),
)


class DirectoryError(ValueError):
    """``code``: ``bad_kind``, ``bad_name``, ``bad_target`` (none or several, or none that exists), ``bad_note``,
    ``not_found``, ``conflict`` (changed by somebody else meanwhile) or ``full``; ``field`` is the input it is about."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry as it is entered. Exactly one of ``number``, ``agent`` and ``queue`` is given."""

    kind: str = "department"
    name_zh: str = ""
    name_en: str = ""
    number: str = ""
    agent: str = ""
    queue: str = ""
    note: str = ""
    position: int = 0
    emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``pinyin``, ``initials`` and ``other_readings`` are what a search may hit; ``e164`` is the number's key, empty
    without one; ``updated_at`` is Unix seconds."""

    id: str
    kind: str
    name_zh: str
    name_en: str
    pinyin: str
    initials: str
    other_readings: tuple[str, ...]
    number: str
    e164: str
    agent: str
    queue: str
    note: str
    position: int
    emergency: bool
    version: int
    updated_at: float
    updated_by: str

    @property
    def name(self) -> str:
        return self.name_zh or self.name_en


def list_entries(conn: Connection) -> list[Entry]:
    """All, emergency desks first, then in the order set by hand, then by name."""
    order = (directory_entries.c.emergency.desc(), directory_entries.c.position, directory_entries.c.pinyin)
    return [_entry(row) for row in conn.execute(select(*_shown()).order_by(*order, directory_entries.c.id))]


def search(entries: Iterable[Entry], text: str) -> list[Entry]:
    """Those that ``text`` may mean: part of a Chinese name, words or initials of an English one, pinyin or its initials
    from the start on, part of the number."""
    typed = " ".join(text.split())
    if not typed:
        return list(entries)
    folded, latin = typed.casefold(), latin_key(typed)
    digits = "".join(letter for letter in typed if letter.isdecimal())
    return [entry for entry in entries if _fits(entry, folded, latin, digits)]


def _fits(entry: Entry, folded: str, latin: str, digits: str) -> bool:
    if folded in entry.name_zh.casefold() or _fits_english(entry.name_en.casefold(), folded):
        return True
    if latin and any(key.startswith(latin) for key in (entry.pinyin, entry.initials, *entry.other_readings)):
        return True
    if len(digits) >= 2 and digits in "".join(letter for letter in entry.number if letter.isdecimal()):
        return True
    return bool(folded) and folded in (entry.agent, entry.queue)


def _fits_english(name: str, typed: str) -> bool:
    """From the start of a word on, or the first letters of the words that count: ``ent`` is ear, nose and throat."""
    words = _WORD.findall(name)
    if any(" ".join(words[start:]).startswith(typed) for start in range(len(words))):
        return True
    return "".join(word[0] for word in words if word not in _SMALL_WORDS).startswith(typed)


def get_entry(conn: Connection, entry: str) -> Entry | None:
    row = conn.execute(select(*_shown()).where(directory_entries.c.id == entry)).first()
    return None if row is None else _entry(row)


def find_by_numbers(conn: Connection, numbers: Iterable[str]) -> dict[str, Entry]:
    """The entries that have one of these keys (``PhoneNumber.e164``), by key."""
    wanted = {number for number in numbers if number}
    if not wanted:
        return {}
    rows = conn.execute(select(*_shown()).where(directory_entries.c.e164.in_(wanted)))
    return {entry.e164: entry for entry in map(_entry, rows)}


def add_entry(
    conn: Connection, draft: EntryDraft, by: str, plan: NumberingPlan | None = None, entry_id: str = ""
) -> Entry:
    """Raises ``DirectoryError``."""
    draft = _checked(draft)
    if conn.execute(select(func.count()).select_from(directory_entries)).scalar_one() >= MAX_ENTRIES:
        raise DirectoryError("full", f"the directory holds {MAX_ENTRIES} entries at most")
    entry = _made(draft, entry_id or new_id(), 1, by, plan or NumberingPlan())
    conn.execute(insert(directory_entries).values(_values(entry)))
    return entry


def change_entry(
    conn: Connection, entry: str, version: int, draft: EntryDraft, by: str, plan: NumberingPlan | None = None
) -> Entry:
    """Replace an entry, provided it still has ``version``. Raises ``DirectoryError``."""
    after = _made(_checked(draft), entry, version + 1, by, plan or NumberingPlan())
    done = conn.execute(
        update(directory_entries)
        .where(directory_entries.c.id == entry, directory_entries.c.version == version)
        .values(_values(after))
    )
    if done.rowcount == 0:
        if get_entry(conn, entry) is None:
            raise DirectoryError("not_found", "there is no such entry")
        raise DirectoryError("conflict", "the entry was changed by somebody else meanwhile")
    return after


def remove_entry(conn: Connection, entry: str) -> Entry:
    """Gives what was removed. Raises ``DirectoryError`` (``not_found``)."""
    before = get_entry(conn, entry)
    if before is None:
        raise DirectoryError("not_found", "there is no such entry")
    conn.execute(delete(directory_entries).where(directory_entries.c.id == entry))
    return before


def favourites_of(conn: Connection, username: str) -> set[str]:
    """The ids of this user's favourites."""
    query = select(directory_favourites.c.entry).where(directory_favourites.c.username == username)
    return set(conn.execute(query).scalars())


def set_favourite(conn: Connection, username: str, entry: str, favourite: bool) -> None:
    """Idempotent. Raises ``DirectoryError`` (``not_found``)."""
    if get_entry(conn, entry) is None:
        raise DirectoryError("not_found", "there is no such entry")
    if favourite:
        row = {"username": username, "entry": entry, "at": time.time()}
        conn.execute(insert_missing(directory_favourites, is_sqlite(conn)), row)
        return
    conn.execute(
        delete(directory_favourites).where(
            directory_favourites.c.username == username, directory_favourites.c.entry == entry
        )
    )


def _checked(draft: EntryDraft) -> EntryDraft:
    draft = replace(
        draft,
        name_zh=_line(draft.name_zh),
        name_en=_line(draft.name_en),
        number=_line(draft.number),
        agent=_line(draft.agent),
        queue=_line(draft.queue),
        note=_text(draft.note).strip(),
        emergency=draft.emergency or draft.kind == "emergency",
    )
    if draft.kind not in KINDS:
        raise DirectoryError("bad_kind", f"kind must be one of {', '.join(KINDS)}", "kind")
    for name in ("name_zh", "name_en"):
        if len(getattr(draft, name)) > MAX_NAME:
            raise DirectoryError("bad_name", f"a name has at most {MAX_NAME} characters", name)
    if not any(letter.isalnum() for letter in draft.name_zh + draft.name_en):
        raise DirectoryError("bad_name", "an entry needs a name", "name_zh")
    if len(draft.note) > MAX_NOTE:
        raise DirectoryError("bad_note", f"a note has at most {MAX_NOTE} characters", "note")
    given = [name for name in ("number", "agent", "queue") if getattr(draft, name)]
    if len(given) != 1:
        raise DirectoryError("bad_target", "an entry leads to one of a number, an agent or a queue", "number")
    if len(getattr(draft, given[0])) > MAX_NUMBER:
        raise DirectoryError("bad_target", f"{given[0]} has at most {MAX_NUMBER} characters", given[0])
    return draft


def _made(draft: EntryDraft, entry_id: str, version: int, by: str, plan: NumberingPlan) -> Entry:
    readings = readings_of(draft.name_zh or draft.name_en)
    number = normalise(draft.number, plan.region, plan.area_code) if draft.number else None
    return Entry(
        id=entry_id,
        **{field.name: getattr(draft, field.name) for field in fields(EntryDraft)},
        pinyin=readings.pinyin,
        initials=readings.initials,
        other_readings=readings.others,
        e164=number.e164 if number else "",
        version=version,
        updated_at=time.time(),
        updated_by=by,
    )


_FIELDS = tuple(field.name for field in fields(Entry))


def _shown() -> list[Column[Any]]:
    return [directory_entries.c[name] for name in _FIELDS]


def _values(entry: Entry) -> dict[str, Any]:
    return {**{name: getattr(entry, name) for name in _FIELDS}, "other_readings": list(entry.other_readings)}


def _entry(row: Any) -> Entry:
    values = dict(zip(_FIELDS, row, strict=True))
    return Entry(**{**values, "other_readings": tuple(values["other_readings"])})


def _text(value: str) -> str:
    """Without what no database stores: NUL and lone surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _line(value: str) -> str:
    return " ".join(_text(value).split())
