"""What a call came to, as the agent marks it after hanging up: a code with a label in each language."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Connection, Integer, String, Table, select

from storage.metadata import metadata

dispositions = Table(
    "dispositions",
    metadata,
    Column("code", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("label_zh", String, nullable=False),
    Column("label_en", String, nullable=False),
    Column("active", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Disposition:
    code: str
    position: int
    label_zh: str
    label_en: str
    active: bool


def list_dispositions(conn: Connection, with_retired: bool = False) -> list[Disposition]:
    """The codes in the order of the screen; retired ones only when asked for (old calls still carry them)."""
    query = select(dispositions).order_by(dispositions.c.position, dispositions.c.code)
    if not with_retired:
        query = query.where(dispositions.c.active)
    return [Disposition(*row) for row in conn.execute(query)]


def find_disposition(conn: Connection, code: str) -> Disposition | None:
    row = conn.execute(select(dispositions).where(dispositions.c.code == code)).first()
    return None if row is None else Disposition(*row)
