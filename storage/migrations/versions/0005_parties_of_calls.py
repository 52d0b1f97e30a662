"""Parties and transfers of calls, and what else the call log tells since calls go through many hands.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: text in byte order
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    for name, kind, default in (
        ("held_since", sa.Double(), None),
        ("holds", sa.Integer(), "0"),
        ("held_seconds", sa.Double(), "0"),
        ("consults", sa.Integer(), "0"),
        ("most_talking", sa.Integer(), "0"),
        ("transferred", sa.Boolean(), sa.false()),
        ("private", sa.Boolean(), sa.false()),
        ("wrong_transfer", sa.Boolean(), sa.false()),
        ("marks", sa.JSON(), "[]"),
        ("priority", sa.Integer(), "0"),
        ("priority_reason", sa.String(), ""),
        ("queue_path", sa.JSON(), "[]"),
        ("menu_path", sa.JSON(), "[]"),
        ("menu_branches", sa.String(), ""),
        ("picked_up_at", sa.Double(), None),
        ("announced", sa.JSON(), "[]"),
        ("voicemail_starts", sa.Double(), None),
        ("voicemail_seconds", sa.Double(), None),
        ("callback_requested_at", sa.Double(), None),
        ("callback_of", sa.String(), ""),
    ):
        op.add_column("calls", sa.Column(name, kind, nullable=default is None, server_default=default))
    op.create_index("ix_calls_callback_of", "calls", ["callback_of"])
    op.create_table(
        "call_parties",
        sa.Column("call", Key, nullable=False),
        sa.Column("party", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("invited_by", sa.String(), nullable=False),
        sa.Column("invited_at", sa.Double(), nullable=True),
        sa.Column("joined_at", sa.Double(), nullable=True),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("left_at", sa.Double(), nullable=True),
        sa.Column("left_by", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_call_parties_call", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call", "party", name="pk_call_parties"),
    )
    op.create_index("ix_call_parties_agent", "call_parties", ["agent"])
    op.create_table(
        "call_transfers",
        sa.Column("call", Key, nullable=False),
        sa.Column("transfer", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("target_kind", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=True),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("returned_to", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_call_transfers_call", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call", "transfer", name="pk_call_transfers"),
    )
