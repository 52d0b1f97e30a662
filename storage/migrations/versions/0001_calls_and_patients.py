"""Patients, users, the event log, the call log, recordings and rules.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: text in byte order
Key = sa.String().with_variant(sa.String(collation="C"), "postgresql")

RULES = (
    ("three_rings", 3, "rings", "铃响几声内接听 · answered within this many rings (D3)"),
    ("ring_cadence", 5, "s", "一声铃的周期 · one ring: 1 s on, 4 s off"),
    ("agent_ring_limit", 3, "rings", "坐席响铃几声后转下一位 · rings before the next agent is tried"),
    ("dial_ring_limit", 12, "rings", "外呼响铃几声后挂断 · rings before an outbound call is given up"),
    ("wait_limit", 1800, "s", "来电最长等待 · longest wait before a call is let go"),
    ("wrap_up_limit", 60, "s", "话后处理时限 · longest wrap-up after a call"),
    ("login_failures", 5, "attempts", "密码错误几次后锁定 · wrong passwords before a lock"),
    ("login_failure_window", 900, "s", "计算密码错误的时间段 · period in which they are counted"),
    ("login_lock", 300, "s", "锁定时长 · how long the lock lasts"),
)


def upgrade() -> None:
    op.create_table(
        "call_events",
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("monotonic", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("node", "sequence", name="pk_call_events"),
    )
    op.create_index("ix_call_events_at", "call_events", ["at"])
    op.create_index("ix_call_events_call_node_sequence", "call_events", ["call", "node", "sequence"])
    op.create_table(
        "calls",
        sa.Column("id", Key, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("number_kind", sa.String(), nullable=False),
        sa.Column("masked", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("dialled", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("caller_rings", sa.Integer(), nullable=False),
        sa.Column("agent_rings", sa.Integer(), nullable=False),
        sa.Column("within_three_rings", sa.Boolean(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("hung_up_by", sa.String(), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.Column("sip_call_id", sa.Text(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("talk_seconds", sa.Double(), nullable=False),
        sa.Column("wait_seconds", sa.Double(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("disposition_note", sa.Text(), nullable=False),
        sa.Column("disposition_by", sa.String(), nullable=False),
        sa.Column("disposition_at", sa.Double(), nullable=True),
        sa.Column("last_node", sa.String(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_agent_started_at", "calls", ["agent", "started_at"])
    op.create_index("ix_calls_e164_started_at", "calls", ["e164", "started_at"])
    op.create_index(
        "ix_calls_live",
        "calls",
        ["started_at"],
        sqlite_where=sa.text("state != 'ended'"),
        postgresql_where=sa.text("state != 'ended'"),
    )
    op.create_index("ix_calls_patient_id_started_at", "calls", ["patient_id", "started_at"])
    op.create_index("ix_calls_started_at_id", "calls", ["started_at", "id"])
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_username_at", "login_attempts", ["username", "at"])
    op.create_table(
        "patients",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("record_number", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("name_pinyin", Key, nullable=False),
        sa.Column("name_initials", Key, nullable=False),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("birth_date", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_patients"),
        sa.UniqueConstraint("record_number", name="uq_patients_record_number"),
    )
    op.create_index("ix_patients_name", "patients", ["name"])
    op.create_index("ix_patients_name_initials", "patients", ["name_initials"])
    op.create_index("ix_patients_name_pinyin", "patients", ["name_pinyin"])
    op.create_index("ix_patients_name_from_2", "patients", [sa.text("substr(name, 2)")])
    op.create_index("ix_patients_name_from_3", "patients", [sa.text("substr(name, 3)")])
    op.create_table(
        "recordings",
        sa.Column("id", Key, nullable=False),
        sa.Column("call", Key, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raw_path", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("peaks_path", sa.String(), nullable=False),
        sa.Column("codec", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("raw_bytes", sa.BigInteger(), nullable=True),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("lost_seconds", sa.Double(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.Double(), nullable=True),
        sa.Column("retry_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("captured_at", sa.Double(), nullable=True),
        sa.Column("ready_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("call", "raw_path", name="uq_recordings_call_raw_path"),
    )
    op.create_index("ix_recordings_state_retry_at", "recordings", ["state", "retry_at"])
    op.create_table(
        "rules",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("valid_from", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_rules"),
    )
    op.create_table(
        "users",
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), server_default="zh-CN", nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("username", name="pk_users"),
    )
    op.create_table(
        "call_offers",
        sa.Column("call", Key, nullable=False),
        sa.Column("offer", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("offered_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call"], ["calls.id"], name="fk_call_offers_call", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("call", "offer", name="pk_call_offers"),
    )
    op.create_index("ix_call_offers_agent_offered_at", "call_offers", ["agent", "offered_at"])
    op.create_table(
        "console_sessions",
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"], ["users.username"], name="fk_console_sessions_username", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_console_sessions"),
    )
    op.create_index("ix_console_sessions_expires_at", "console_sessions", ["expires_at"])
    op.create_index("ix_console_sessions_username", "console_sessions", ["username"])
    op.create_table(
        "patient_phones",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("e164", Key, nullable=False),
        sa.Column("digits_reversed", Key, nullable=False),
        sa.Column("raw", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_patient_phones_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patient_phones"),
    )
    op.create_index("ix_patient_phones_digits_reversed", "patient_phones", ["digits_reversed"])
    op.create_index("ix_patient_phones_e164", "patient_phones", ["e164"])
    op.create_index("ix_patient_phones_patient_id", "patient_phones", ["patient_id"])
    op.create_table(
        "patient_search_keys",
        sa.Column("key", Key, nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.id"], name="fk_patient_search_keys_patient_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "patient_id", name="pk_patient_search_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_patient_search_keys_patient_id", "patient_search_keys", ["patient_id"])
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
