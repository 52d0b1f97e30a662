"""The department's rules: every limit has a name, a value, a unit, who set it and when (D128).

Rows are only ever added. The version in force when something was measured is stored with the measurement, so that
last month's figures do not move when a rule changes today.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Double, Integer, String, Table, and_, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from storage.metadata import Instant, LongText, metadata

rules = Table(
    "rules",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("value", Double, nullable=False),
    Column("unit", String, nullable=False),
    Column("note", LongText, nullable=False),
    Column("changed_by", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("valid_from", Instant, nullable=False),
)


class RuleError(ValueError):
    """A rule cannot be set like this; ``code`` is ``not_found``, ``bad_value`` or ``conflict``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of one rule. ``changed_at`` and ``valid_from`` are Unix seconds."""

    name: str
    version: int
    value: float
    unit: str
    note: str
    changed_by: str
    changed_at: float
    valid_from: float


@dataclass(frozen=True, slots=True)
class Default:
    """What a rule is before anybody changes it, and the values that make sense for it."""

    value: float
    unit: str
    note: str
    lowest: float
    highest: float


DEFAULTS: dict[str, Default] = {
    "three_rings": Default(3, "rings", "铃响几声内接听 · answered within this many rings (D3)", 1, 20),
    "ring_cadence": Default(5, "s", "一声铃的周期 · one ring: 1 s on, 4 s off", 1, 20),
    "agent_ring_limit": Default(3, "rings", "坐席响铃几声后转下一位 · rings before the next agent is tried", 1, 20),
    "dial_ring_limit": Default(12, "rings", "外呼响铃几声后挂断 · rings before an outbound call is given up", 1, 60),
    "wait_limit": Default(1800, "s", "来电最长等待 · longest wait before a call is let go", 30, 86400),
    "wrap_up_limit": Default(60, "s", "话后处理时限 · longest wrap-up after a call", 0, 3600),
    "hold_hint": Default(60, "s", "保持多久后提示 · hold time before the console says so", 5, 3600),
    "duration_hint": Default(300, "s", "通话多久后提示长话短说 · talk time before the soft hint (D7)", 30, 7200),
    "private_call_limit": Default(180, "s", "私人电话时限 · longest private call (D8)", 30, 3600),
    "transfer_ring_limit": Default(
        6, "rings", "转接响铃几声算无人接 · rings at a transfer's target before it is unanswered", 1, 30
    ),
    "callback_attempts": Default(
        3, "attempts", "回拨最多拨几次 · tries before a call-back becomes a ticket (D116)", 1, 20
    ),
    "callback_retry_first": Default(
        300, "s", "首次回拨未通后多久再拨 · wait after the first try of a call-back", 1, 86399
    ),
    "callback_retry_next": Default(900, "s", "之后每次未通后多久再拨 · wait after each further try", 1, 86399),
    "one_way_after": Default(5, "s", "多久无声算单向 · silence before audio counts as one-way", 1, 60),
    "headset_lost_limit": Default(60, "s", "耳麦断开后通话保留多久 · how long a call waits for a lost headset", 5, 600),
    "elderly_age": Default(70, "years", "满多少岁优先接听 · age from which callers go first (D24)", 50, 120),
    "login_failures": Default(5, "attempts", "密码错误几次后锁定 · wrong passwords before a lock", 1, 100),
    "login_failure_window": Default(900, "s", "计算密码错误的时间段 · period in which they are counted", 1, 86400),
    "login_lock": Default(300, "s", "锁定时长 · how long the lock lasts", 1, 86400),
}


def current(conn: Connection, at: float | None = None) -> dict[str, Rule]:
    """The version of every rule in force at ``at`` (Unix seconds; default: now), by name."""
    moment = time.time() if at is None else at
    latest = (
        select(rules.c.name, func.max(rules.c.version).label("version"))
        .where(rules.c.valid_from <= moment)
        .group_by(rules.c.name)
        .subquery()
    )
    query = select(rules).join(latest, and_(rules.c.name == latest.c.name, rules.c.version == latest.c.version))
    return {row.name: Rule(*row) for row in conn.execute(query)}


def value(conn: Connection, name: str) -> float:
    """The value in force, or the default of a rule that the database does not hold yet."""
    row = conn.execute(_VALUE, {"name": name, "now": time.time()}).first()
    return DEFAULTS[name].value if row is None else float(row[0])


#: built once: making it costs more than running it
_VALUE = (
    select(rules.c.value)
    .where(rules.c.name == bindparam("name"), rules.c.valid_from <= bindparam("now"))
    .order_by(rules.c.version.desc())
    .limit(1)
)


def history(conn: Connection, name: str) -> list[Rule]:
    """Every version of one rule, the newest first."""
    query = select(rules).where(rules.c.name == name).order_by(rules.c.version.desc())
    return [Rule(*row) for row in conn.execute(query)]


def set_rule(
    conn: Connection, name: str, new_value: float, changed_by: str, note: str = "", valid_from: float | None = None
) -> Rule:
    """Add the next version of a rule; it is in force from ``valid_from`` (Unix seconds; default: now).

    Raises ``RuleError``: ``not_found`` for an unknown name, ``bad_value`` outside its limits or when it would begin
    before the version it follows, ``conflict`` when somebody else changed it at the same moment.
    """
    default = DEFAULTS.get(name)
    if default is None:
        raise RuleError("not_found", f"there is no rule {name!r}")
    if not math.isfinite(new_value) or not default.lowest <= new_value <= default.highest:
        raise RuleError("bad_value", f"{name} must be {default.lowest:g} to {default.highest:g} {default.unit}")
    now = time.time()
    start = now if valid_from is None else valid_from
    before = history(conn, name)
    if not math.isfinite(start) or (before and start < before[0].valid_from):
        raise RuleError("bad_value", f"{name}: a version cannot begin before the one it follows")
    version = before[0].version + 1 if before else 1
    rule = Rule(name, version, float(new_value), default.unit, note or default.note, changed_by, now, start)
    try:
        with conn.begin_nested():
            conn.execute(insert(rules).values(**{field: getattr(rule, field) for field in Rule.__slots__}))
    except IntegrityError as error:
        raise RuleError("conflict", f"{name} was changed by somebody else just now") from error
    return rule
