"""Dispositions, audits, who listened, and the access trail.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: text in byte order
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")

DISPOSITIONS = (
    ("answered", "咨询已解答", "Question answered"),
    ("transferred", "转接科室", "Transferred to a department"),
    ("booked", "已预约", "Appointment booked"),
    ("rebooked", "已改约", "Appointment changed"),
    ("complaint", "投诉登记", "Complaint registered"),
    ("callback_needed", "需回访", "Callback needed"),
    ("unanswered", "未能解答,已告知途径", "Not answered, told where to ask"),
    ("emergency", "急诊转接", "Handed to emergency"),
    ("not_reached", "未接通", "Not reached"),
    ("wrong_number", "打错电话", "Wrong number"),
    ("invalid", "无效来电", "Invalid call"),
    ("other", "其他", "Other"),
)

SQLITE_TRIGGER = """
CREATE TRIGGER access_trail_no_{action} BEFORE {action} ON access_trail
BEGIN SELECT RAISE(ABORT, 'the access trail is append-only'); END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION access_trail_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the access trail is append-only'; END $$
"""
POSTGRESQL_TRIGGERS = (
    "CREATE TRIGGER access_trail_no_change BEFORE UPDATE OR DELETE ON access_trail "
    "FOR EACH ROW EXECUTE FUNCTION access_trail_refuse()",
    "CREATE TRIGGER access_trail_no_truncate BEFORE TRUNCATE ON access_trail "
    "FOR EACH STATEMENT EXECUTE FUNCTION access_trail_refuse()",
)


def upgrade() -> None:
    op.create_table(
        "access_trail",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_trail"),
    )
    op.create_index("ix_access_trail_subject_type_subject_id", "access_trail", ["subject_type", "subject_id"])
    op.create_index("ix_access_trail_user_at", "access_trail", ["user", "at"])
    op.create_table(
        "audit_draws",
        sa.Column("id", Key, nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("method_version", sa.String(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("candidate_sha256", sa.String(), nullable=False),
        sa.Column("drawn", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_draws"),
    )
    op.create_table(
        "dispositions",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label_zh", sa.String(), nullable=False),
        sa.Column("label_en", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_dispositions"),
    )
    op.create_table(
        "listenings",
        sa.Column("id", Key, nullable=False),
        sa.Column("call", Key, nullable=False),
        sa.Column("item", Key, nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("from_seconds", sa.Double(), nullable=False),
        sa.Column("to_seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listenings"),
    )
    op.create_index("ix_listenings_call", "listenings", ["call"])
    op.create_index("ix_listenings_item", "listenings", ["item"])
    op.create_table(
        "audit_items",
        sa.Column("id", Key, nullable=False),
        sa.Column("draw", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("call", Key, nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.Double(), nullable=True),
        sa.Column("scored_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["draw"], ["audit_draws.id"], name="fk_audit_items_draw"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_items"),
        sa.UniqueConstraint("draw", "call", name="uq_audit_items_draw_call"),
    )
    op.create_index("ix_audit_items_call", "audit_items", ["call"])
    op.create_index("ix_audit_items_reviewer_state", "audit_items", ["reviewer", "state"])
    dispositions = sa.table(
        "dispositions",
        *(sa.column(name) for name in ("code", "position", "label_zh", "label_en")),
        sa.column("active", sa.Boolean()),
    )
    op.bulk_insert(
        dispositions,
        [
            {"code": code, "position": position, "label_zh": chinese, "label_en": english, "active": True}
            for position, (code, chinese, english) in enumerate(DISPOSITIONS, 1)
        ],
    )
    if op.get_bind().dialect.name == "sqlite":
        for action in ("update", "delete"):
            op.execute(SQLITE_TRIGGER.format(action=action))
    else:
        op.execute(POSTGRESQL_FUNCTION)
        for statement in POSTGRESQL_TRIGGERS:
            op.execute(statement)
