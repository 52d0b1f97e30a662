"""Tickets, requested call-backs, sponsored callers; skills and mobiles of users; patients who need more time; rules of
the clocks of a call.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: text in byte order
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")

RULES = (
    ("hold_hint", 60, "s", "保持多久后提示 · hold time before the console says so"),
    ("duration_hint", 300, "s", "通话多久后提示长话短说 · talk time before the soft hint (D7)"),
    ("private_call_limit", 180, "s", "私人电话时限 · longest private call (D8)"),
    ("transfer_ring_limit", 6, "rings", "转接响铃几声算无人接 · rings at a transfer's target before it is unanswered"),
    ("elderly_age", 70, "years", "满多少岁优先接听 · age from which callers go first (D24)"),
)


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("call", Key, nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("starts", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    op.create_index("ix_tickets_call", "tickets", ["call"])
    op.create_index("ix_tickets_state_created_at", "tickets", ["state", "created_at"])
    op.create_table(
        "callbacks",
        sa.Column("requested_in", Key, nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("requested_at", sa.Double(), nullable=False),
        sa.Column("waiting_since", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("call", Key, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("cancelled_by", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("requested_in", name="pk_callbacks"),
    )
    op.create_index("ix_callbacks_call", "callbacks", ["call"])
    op.create_index("ix_callbacks_state_waiting_since", "callbacks", ["state", "waiting_since"])
    op.create_table(
        "sponsored_callers",
        sa.Column("id", Key, nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sponsor", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sponsored_callers"),
        sa.UniqueConstraint("e164", name="uq_sponsored_callers_e164"),
    )
    op.add_column("users", sa.Column("skills", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("users", sa.Column("queues", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("users", sa.Column("mobile", sa.String(), nullable=False, server_default=""))
    op.add_column("patients", sa.Column("assisted", sa.Boolean(), nullable=False, server_default=sa.false()))
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
