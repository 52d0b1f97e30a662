"""INSERT of a row unless its key is there already, in the words of either database."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


@cache
def insert_missing(table: Table, sqlite: bool) -> Any:
    """The statement; a row whose primary key or unique key exists is passed over."""
    statement = sqlite_insert(table) if sqlite else postgresql_insert(table)
    return statement.on_conflict_do_nothing()
