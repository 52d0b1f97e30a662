"""The department's own announcements: uploaded, recorded in the browser or spoken by the machine. The audio lies in the
data folder under its SHA-256; a routing document names it by ``name``."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Double, String, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from storage.metadata import Instant, Key, LongText, metadata

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SOURCES = ("upload", "speech")

prompts = Table(
    "prompts",
    metadata,
    Column("name", Key, primary_key=True),
    Column("label_zh", String, nullable=False),
    Column("label_en", String, nullable=False),
    Column("file", String, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("text", LongText, nullable=False),
    Column("source", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", Instant, nullable=False),
)


class PromptTaken(Exception):
    """There is a prompt of this name already."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """``file`` is relative to the data folder; ``text`` is what is said, where it is known."""

    name: str
    label_zh: str
    label_en: str
    file: str
    seconds: float
    text: str
    source: str
    made_by: str
    made_at: float


def add_prompt(
    conn: Connection,
    name: str,
    *,
    label_zh: str,
    label_en: str,
    file: str,
    seconds: float,
    text: str,
    source: str,
    by: str,
) -> Prompt:
    """Raises ``PromptTaken``."""
    prompt = Prompt(name, label_zh, label_en, file, seconds, text, source, by, time.time())
    try:
        with conn.begin_nested():
            conn.execute(insert(prompts).values(**{field: getattr(prompt, field) for field in Prompt.__slots__}))
    except IntegrityError as error:
        raise PromptTaken(name) from error
    return prompt


def list_prompts(conn: Connection) -> list[Prompt]:
    """By name."""
    return [Prompt(*row) for row in conn.execute(select(prompts).order_by(prompts.c.name))]


def get_prompt(conn: Connection, name: str) -> Prompt | None:
    row = conn.execute(select(prompts).where(prompts.c.name == name)).first()
    return None if row is None else Prompt(*row)


def remove_prompt(conn: Connection, name: str) -> bool:
    """False when there was none."""
    return bool(conn.execute(delete(prompts).where(prompts.c.name == name)).rowcount)


def file_is_used(conn: Connection, file: str) -> bool:
    return conn.execute(select(prompts.c.name).where(prompts.c.file == file).limit(1)).first() is not None
