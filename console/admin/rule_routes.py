"""The department's rules: shown and set, each change a new version (D128)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from sqlalchemy import Connection

from console.http import ApiCall, ApiError, Endpoints, Message
from storage import access_trail, rules

if TYPE_CHECKING:
    from console.desk import WebDesk

log = structlog.get_logger("console.admin")

routes = Endpoints("rules")


class RuleView(msgspec.Struct):
    """A rule in force. ``lowest`` and ``highest`` bound its value; times are Unix seconds."""

    name: str
    value: float
    unit: str
    version: int
    note: str
    changed_by: str
    changed_at: float
    valid_from: float
    lowest: float
    highest: float


class RuleList(msgspec.Struct):
    rules: list[RuleView]


class RuleChange(msgspec.Struct):
    """``version``: the one that the change was made from; 409 ``conflict`` when it is no longer in force."""

    value: float
    version: int | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _rule(rule: rules.Rule) -> RuleView:
    default = rules.DEFAULTS[rule.name]
    return RuleView(
        name=rule.name,
        value=rule.value,
        unit=rule.unit,
        version=rule.version,
        note=rule.note,
        changed_by=rule.changed_by,
        changed_at=rule.changed_at,
        valid_from=rule.valid_from,
        lowest=default.lowest,
        highest=default.highest,
    )


@routes.get("/api/rules", returns=RuleList, roles=("supervisor", "admin"))
async def list_rules(call: ApiCall) -> RuleList:
    """Every rule with the version in force."""
    desk: WebDesk = call.desk
    current = await desk.read(rules.current)
    return RuleList(rules=[_rule(current[name]) for name in sorted(current) if name in rules.DEFAULTS])


@routes.put("/api/rules/{name}", body=RuleChange, returns=RuleView, roles=("admin",))
async def change_rule(call: ApiCall) -> RuleView:
    """Put a new version of a rule in force, from now on; what was measured before keeps its version."""
    desk: WebDesk = call.desk
    name, change = call.path["name"], call.body

    def work(conn: Connection) -> rules.Rule:
        before = rules.current(conn).get(name)
        if change.version is not None and before is not None and before.version != change.version:
            raise rules.RuleError("conflict", f"{name} was changed meanwhile; version {before.version} is in force")
        rule = rules.set_rule(conn, name, change.value, call.user.username, change.note)
        detail = {"from": before.value if before else None, "to": rule.value, "version": rule.version}
        access_trail.record(conn, call.user.username, "rule.change", "rule", name, detail, change.note)
        return rule

    try:
        rule = await call.run(work)
    except rules.RuleError as error:
        raise _rule_refused(error) from error
    log.info("rule changed", rule=name, value=rule.value, version=rule.version, user=call.user.username)
    try:
        await desk.push_rules()
        # consoles count rings by what the phone goes by now
        desk.hub.tell_all({"type": "rules", "rules": (await desk.phone.command("snapshot")).get("rules")})
    except ApiError as error:
        # it is in force; a phone process that is away gets all rules when it is back
        log.warning("the phone did not take the rules yet", reason=str(error))
    return _rule(rule)


def _rule_refused(error: rules.RuleError) -> ApiError:
    status = {"not_found": 404, "conflict": 409}.get(error.code, 422)
    chinese = {"not_found": "没有此规则", "conflict": "该规则刚被他人修改，请刷新后再试"}.get(
        error.code, "规则的值超出范围"
    )
    return ApiError(status, error.code, Message(chinese, str(error)), field="value" if status == 422 else "")
