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
