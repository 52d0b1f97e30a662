"""Call-backs keep their priority and when they are tried again; rules of those tries, of one-way audio and of lost
headsets.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RULES = (
    ("callback_attempts", 3, "attempts", "回拨最多拨几次 · tries before a call-back becomes a ticket (D116)"),
    ("callback_retry_first", 300, "s", "首次回拨未通后多久再拨 · wait after the first try of a call-back"),
    ("callback_retry_next", 900, "s", "之后每次未通后多久再拨 · wait after each further try"),
    ("one_way_after", 5, "s", "多久无声算单向 · silence before audio counts as one-way"),
    ("headset_lost_limit", 60, "s", "耳麦断开后通话保留多久 · how long a call waits for a lost headset"),
)


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("callbacks", sa.Column("due_at", sa.Double(), nullable=True))
    rules = sa.table(
        "rules",
        *(sa.column(name) for name in ["name", "version", "value", "unit", "note", "changed_by"]),
        sa.column("changed_at"),
        sa.column("valid_from"),
    )
    op.bulk_insert(
        rules,
        [
            {
                "name": name,
                "version": 1,
                "value": float(value),
                "unit": unit,
                "note": note,
                "changed_by": "system",
                "changed_at": time.time(),
                "valid_from": 0.0,
            }
            for name, value, unit, note in RULES
        ],
    )
