"""Reading and writing rows of the call log with their offers, parties and transfers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, select, tuple_

from storage.call_row import Call, Offer, Party, Transfer
from storage.call_tables import call_offers, call_parties, call_transfers, calls
from storage.database import is_sqlite
from storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class _Child:
    """A table whose rows hang on a call: ``key`` numbers them within it, ``name`` is the field of ``Call``."""

    name: str
    table: Table
    key: str
    kind: type[Any]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self.kind))


_CHILDREN = (
    _Child("offers", call_offers, "offer", Offer),
    _Child("parties", call_parties, "party", Party),
    _Child("transfers", call_transfers, "transfer", Transfer),
)
_FIELDS = tuple(field.name for field in fields(Call) if field.name not in {child.name for child in _CHILDREN})


@cache
def query() -> Any:
    """All columns of ``calls``, for ``with_children``."""
    return select(*(calls.c[name] for name in _FIELDS))


def load(conn: Connection, ids: Sequence[str]) -> dict[str, Call]:
    """The rows that exist, by id."""
    found: dict[str, Call] = {}
    for start in range(0, len(ids), 500):
        rows = conn.execute(_by_ids(), {"ids": ids[start : start + 500]}).all()
        found |= {call.id: call for call in with_children(conn, rows)}
    return found


def with_children(conn: Connection, rows: Sequence[Row[Any]]) -> list[Call]:
    if not rows:
        return []
    ids = {"ids": [row.id for row in rows]}
    children: list[dict[str, list[Any]]] = []
    for child in _CHILDREN:
        found: dict[str, list[Any]] = {}
        for row in conn.execute(_of_calls(child.name), ids):
            found.setdefault(row[0], []).append(child.kind(*map(_frozen, row[1:])))
        children.append(found)
    return [Call(*map(_frozen, row), *(tuple(found.get(row.id, ())) for found in children)) for row in rows]


def save(conn: Connection, changed: Sequence[tuple[Call, Call | None]]) -> None:
    """Write rows that differ from what was there, and of what hangs on them what differs."""
    if not changed:
        return
    values = [{name: getattr(row, name) for name in _FIELDS} for row, _ in changed]
    conn.execute(upsert(calls, is_sqlite(conn)), values)
    for child in _CHILDREN:
        _save_children(conn, child, changed)


def empty(conn: Connection) -> None:
    for child in _CHILDREN:
        conn.execute(delete(child.table))
    conn.execute(delete(calls))


def _save_children(conn: Connection, child: _Child, changed: Sequence[tuple[Call, Call | None]]) -> None:
    gone: list[tuple[str, int]] = []
    fresh: list[dict[str, Any]] = []
    for row, before in changed:
        old = {getattr(one, child.key): one for one in _of(before, child)}
        for one in _of(row, child):
            if old.pop(getattr(one, child.key), None) != one:
                fresh.append({"call": row.id, **{name: getattr(one, name) for name in child.columns}})
        gone += [(row.id, number) for number in old]
    if gone:
        conn.execute(delete(child.table).where(tuple_(child.table.c.call, child.table.c[child.key]).in_(gone)))
    if fresh:
        conn.execute(upsert(child.table, is_sqlite(conn)), fresh)


def _of(call: Call | None, child: _Child) -> Iterable[Any]:
    return getattr(call, child.name) if call is not None else ()


@cache
def _by_ids() -> Any:
    return query().where(calls.c.id.in_(bindparam("ids", expanding=True)))


@cache
def _of_calls(name: str) -> Any:
    child = next(one for one in _CHILDREN if one.name == name)
    columns = (child.table.c[column] for column in ("call", *child.columns))
    wanted = select(*columns).where(child.table.c.call.in_(bindparam("ids", expanding=True)))
    return wanted.order_by(child.table.c.call, child.table.c[child.key])


def _frozen(value: Any) -> Any:
    """JSON lists are tuples in the records."""
    return tuple(value) if isinstance(value, list) else value
