"""The one catalogue of tables, and the column types that SQLite and PostgreSQL share.

Instants are Unix seconds (UTC) as floats, like the events; identifiers are text; JSON is stored as text.
"""

from __future__ import annotations

from sqlalchemy import JSON, Double, MetaData, String, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: text in byte order on both databases, so that a prefix search is an index range
Key = String().with_variant(String(collation="C"), "postgresql")
Instant: Double[float] = Double()
Json = JSON()
LongText = Text()

#: sorts after every text that starts with what stands before it (UTF-8 byte order)
PREFIX_END = "\U0010ffff"
