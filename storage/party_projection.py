"""How events about who is in a call move its row: parties, transfers, holds, flags and marks. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from storage.call_row import TALKING, Call, Party, Transfer, changed
from storage.event_fields import Event, flag, number, part, priority, text, whole
from storage.phone_numbers import NumberingPlan, normalise

#: parties that a row keeps; a call has 15 at most (docs/call-control.md)
MOST_PARTIES = 32
#: transfers and marks that a row keeps
MOST = 50

#: kinds of transfer that count as one (a take-over and a menu's forwarding do not)
_BY_AGENTS = frozenset({"blind", "consult", "refer"})


def invited(row: Call, event: Event, plan: NumberingPlan) -> Call:
    target, role = part(event, "target"), text(event, "role")
    known = _party(row, event)
    if known is None:
        return row
    known = _named(known, text(target, "number"), plan)
    known = replace(
        _in_role(known, role),
        agent=text(target, "agent") or known.agent,
        name=text(target, "name") or known.name,
        entry=text(target, "entry") or known.entry,
        invited_by=text(event, "by"),
        invited_at=number(event, "at"),
        left_at=None,
        left_by="",
        sip_status=None,
        reason="",
    )
    return changed(_with(row, known), consults=row.consults + (role == "consulted"))


def joined(row: Call, event: Event, plan: NumberingPlan) -> Call:
    known, at = _party(row, event), number(event, "at")
    if known is None:
        return row
    known = _named(_in_role(known, text(event, "role")), text(event, "number"), plan)
    known = replace(
        known,
        agent=text(event, "agent") or known.agent,
        name=text(event, "name") or known.name,
        joined_at=known.joined_at if known.joined_at is not None else at,
        since=known.since if known.since is not None else at,
        left_at=None,
        left_by="",
        sip_status=None,
        reason="",
    )
    return _counted(_owned(_with(row, known), known))


def in_role(row: Call, event: Event, plan: NumberingPlan) -> Call:
    known = _party(row, event)
    if known is None:
        return row
    known = _in_role(known, text(event, "role"))
    return _counted(_owned(_with(row, known), known))


def left(row: Call, event: Event, plan: NumberingPlan) -> Call:
    known = _party(row, event)
    if known is None:
        return row
    known = replace(
        _gone(known, number(event, "at"), text(event, "by")),
        sip_status=whole(event, "sip_status") or None,
        reason=text(event, "reason"),
    )
    return _with(row, known)


def transferred(row: Call, event: Event, plan: NumberingPlan) -> Call:
    if len(row.transfers) >= MOST:
        return row
    made = _transfer(event, len(row.transfers) + 1, plan)
    party = event.get("party")
    made = replace(made, party=party if isinstance(party, int) and 0 <= party < MOST_PARTIES else None)
    agent = made.agent if made.kind in ("consult", "take_over") and made.agent else row.agent
    return _told(changed(row, agent=agent), (*row.transfers, made))


def transfer_failed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    """A blind transfer is told when it begins; that it came to nothing is told of the same one."""
    before = row.transfers
    failed = replace(
        _transfer(event, len(before) + 1, plan),
        outcome="failed",
        sip_status=whole(event, "sip_status") or None,
        reason=text(event, "reason"),
        returned_to=text(event, "returned_to"),
    )
    if before and _same(before[-1], failed):
        failed = replace(failed, transfer=before[-1].transfer, at=before[-1].at)
        before = before[:-1]
    elif len(before) >= MOST:
        return row
    return _told(row, (*before, failed))


def held(row: Call, event: Event, plan: NumberingPlan) -> Call:
    if text(event, "by") == "caller" or row.held_since is not None:
        return row
    return changed(row, held_since=number(event, "at"), holds=row.holds + 1)


def resumed(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return row if text(event, "by") == "caller" else _off_hold(row, number(event, "at"))


def private(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, private=flag(event, "private"))


def marked(row: Call, event: Event, plan: NumberingPlan) -> Call:
    mark = {name: text(event, name) for name in ("mark", "by", "detail")}
    if not mark["mark"] or len(row.marks) >= MOST:
        return row
    marks = (*row.marks, {**mark, "at": number(event, "at")})
    return changed(row, marks=marks, wrong_transfer=row.wrong_transfer or mark["mark"] == "wrong_transfer")


def prioritised(row: Call, event: Event, plan: NumberingPlan) -> Call:
    return changed(row, priority=priority(event, "priority"), priority_reason=text(event, "reason"))


def ended(row: Call, event: Event) -> Call:
    """Nobody is in a call that is over, and nobody waits in it."""
    at = number(event, "at")
    parties = tuple(one if one.since is None else _gone(one, at, "") for one in row.parties)
    return changed(_off_hold(row, at), parties=parties)


CHANGES: dict[str, Callable[[Call, Event, NumberingPlan], Call]] = {
    "party.invited": invited,
    "party.joined": joined,
    "party.role": in_role,
    "party.left": left,
    "call.transferred": transferred,
    "call.transfer_failed": transfer_failed,
    "call.private": private,
    "call.marked": marked,
    "call.priority": prioritised,
}


def _party(row: Call, event: Event) -> Party | None:
    """The event's party, as known or new; None for a number that cannot be."""
    wanted = event.get("party")
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 0 <= wanted < MOST_PARTIES:
        return None
    return next((one for one in row.parties if one.party == wanted), Party(party=wanted, role=""))


def _with(row: Call, party: Party) -> Call:
    others = (one for one in row.parties if one.party != party.party)
    return changed(row, parties=tuple(sorted((*others, party), key=lambda one: one.party)))


def _in_role(party: Party, role: str) -> Party:
    if not role:
        return party
    return replace(party, role=role, roles=party.roles if role in party.roles else (*party.roles, role))


def _named(party: Party, raw: str, plan: NumberingPlan) -> Party:
    if not raw:
        return party
    read = normalise(raw, plan.region, plan.area_code)
    return replace(party, number=raw, e164=read.e164, masked=read.masked)


def _gone(party: Party, at: float, by: str) -> Party:
    stayed = max(0.0, at - party.since) if party.since is not None else 0.0
    return replace(party, since=None, left_at=at, left_by=by, seconds=party.seconds + stayed)


def _owned(row: Call, party: Party) -> Call:
    """The agent who handles the call now."""
    return changed(row, agent=party.agent) if party.role == "agent" and party.agent else row


def _counted(row: Call) -> Call:
    talking = sum(one.since is not None and one.role in TALKING for one in row.parties)
    return changed(row, most_talking=max(row.most_talking, talking))


def _transfer(event: Event, ordinal: int, plan: NumberingPlan) -> Transfer:
    target = part(event, "target")
    raw = text(target, "number")
    read = normalise(raw, plan.region, plan.area_code) if raw else None
    fields: dict[str, Any] = {name: text(target, name) for name in ("agent", "queue", "name", "entry")}
    return Transfer(
        transfer=ordinal,
        kind=text(event, "kind"),
        by=text(event, "by"),
        at=number(event, "at"),
        target_kind=text(target, "kind"),
        number=raw,
        e164=read.e164 if read else "",
        masked=read.masked if read else "",
        **fields,
    )


def _same(one: Transfer, other: Transfer) -> bool:
    where = ("kind", "by", "target_kind", "agent", "queue", "number")
    return one.outcome == "ok" and all(getattr(one, name) == getattr(other, name) for name in where)


def _told(row: Call, transfers: tuple[Transfer, ...]) -> Call:
    moved = any(one.outcome == "ok" and one.kind in _BY_AGENTS for one in transfers)
    return changed(row, transfers=transfers, transferred=moved)


def _off_hold(row: Call, at: float) -> Call:
    if row.held_since is None:
        return row
    return changed(row, held_since=None, held_seconds=row.held_seconds + max(0.0, at - row.held_since))
