"""How texts are written to PostgreSQL through psycopg 3."""

from __future__ import annotations

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown


class TextDumper(StrDumperUnknown):
    """PostgreSQL's text holds no NUL, and whoever sends one in a request must not get a server error for it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\x00", "") if "\x00" in obj else obj)
