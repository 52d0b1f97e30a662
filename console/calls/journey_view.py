"""Through whose hands a call went, as the API tells it: parties, transfers, the way through menus and queues.

Numbers are masked, but for those that are in the directory: they are the hospital's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from console.calls.instant import iso
from console.events.visibility import masked_name, masked_way
from storage.call_row import MONITORING, Call, Party, Transfer
from storage.directory import Entry, find_by_numbers
from storage.tickets import Ticket, tickets_of_calls


class PartyView(msgspec.Struct, kw_only=True):
    """``party`` is the track of the recording. ``role`` is the last of ``roles``; ``joined_at`` is null for one who
    never came; ``seconds`` in the call; ``left_by``: the side that ended it."""

    party: int
    role: str
    roles: list[str]
    agent: str | None
    agent_name: str | None
    number: str | None
    name: str | None
    invited_by: str | None
    joined_at: str | None
    left_at: str | None
    left_by: str | None
    seconds: float
    sip_status: int | None
    reason: str | None


class TransferView(msgspec.Struct, kw_only=True):
    """``kind``: blind, consult, refer, take_over, routed. ``outcome``: ok or failed, then with ``returned_to``."""

    kind: str
    by: str | None
    at: str
    target_kind: str
    to: str
    name: str | None
    outcome: str
    party: int | None
    sip_status: int | None
    reason: str | None
    returned_to: str | None


class MarkView(msgspec.Struct):
    mark: str
    by: str
    detail: str
    at: str


class QueueStayView(msgspec.Struct, kw_only=True):
    """``why`` the call left the queue: answered, abandoned, overflow, callback, voicemail, transfer, closed, moved;
    ``to`` says where it went."""

    queue: str
    entered_at: str
    left_at: str | None
    waited_seconds: float | None
    why: str | None
    to: str | None


class MenuStepView(msgspec.Struct, kw_only=True):
    """``outcome``: chosen, invalid, timeout, gave_up; null where the caller left without a word."""

    menu: str
    at: str
    digit: str | None
    label: str | None
    outcome: str | None
    tries: int


class VoicemailView(msgspec.Struct, kw_only=True):
    """From second ``starts`` of the recording on."""

    starts: float
    seconds: float
    ticket: str | None


class JourneyView(msgspec.Struct, kw_only=True):
    """``conference_size``: the most who talked at once, null where it was two. ``monitored_by``: supervisors who came
    in. ``callback_of``: the call in which this call-back was asked for."""

    parties: list[PartyView]
    transfers: list[TransferView]
    transferred: bool
    wrong_transfer: bool
    marks: list[MarkView]
    private: bool
    holds: int
    held_seconds: float
    consults: int
    conference_size: int | None
    monitored_by: list[str]
    priority: int
    priority_reason: str | None
    queue_path: list[QueueStayView]
    menu_path: list[MenuStepView]
    branches: list[str]
    voicemail: VoicemailView | None
    callback_requested_at: str | None
    callback_of: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the views of several calls need: directory entries by number, tickets by call, names by agent."""

    entries: Mapping[str, Entry]
    tickets: Mapping[str, Ticket]
    agents: Mapping[str, str]

    @classmethod
    def of(cls, conn: Connection, calls: Iterable[Call], agents: Mapping[str, str]) -> Surroundings:
        known = list(calls)
        numbers = {one.e164 for call in known for one in call.parties if one.party}
        numbers |= {one.e164 for call in known for one in call.transfers}
        left = [call.id for call in known if call.voicemail_seconds is not None]
        tickets = tickets_of_calls(conn, left) if left else {}
        return cls(find_by_numbers(conn, numbers), tickets, agents)


def journey(call: Call, around: Surroundings) -> dict[str, Any]:
    """The fields of ``JourneyView``."""
    supervisors = (
        one.agent for one in call.parties if MONITORING.intersection(one.roles) and one.joined_at is not None
    )
    return {
        "parties": [_party(one, around) for one in call.parties],
        "transfers": [_transfer(one, around) for one in call.transfers],
        "transferred": call.transferred,
        "wrong_transfer": call.wrong_transfer,
        "marks": [MarkView(one["mark"], one["by"], one["detail"], iso(one["at"]) or "") for one in call.marks],
        "private": call.private,
        "holds": call.holds,
        "held_seconds": round(call.held_seconds, 3),
        "consults": call.consults,
        "conference_size": call.most_talking if call.most_talking > 2 else None,
        "monitored_by": sorted({agent for agent in supervisors if agent}),
        "priority": call.priority,
        "priority_reason": call.priority_reason or None,
        "queue_path": [_stay(one) for one in call.queue_path],
        "menu_path": [_step(one) for one in call.menu_path],
        "branches": [label for label in call.menu_branches.split("/") if label],
        "voicemail": _voicemail(call, around),
        "callback_requested_at": iso(call.callback_requested_at),
        "callback_of": call.callback_of or None,
    }


def _party(one: Party, around: Surroundings) -> PartyView:
    entry = around.entries.get(one.e164) if one.party else None
    return PartyView(
        party=one.party,
        role=one.role,
        roles=list(one.roles),
        agent=one.agent or None,
        agent_name=around.agents.get(one.agent),
        number=_number(one, entry),
        name=_name(one, entry),
        invited_by=one.invited_by or None,
        joined_at=iso(one.joined_at),
        left_at=iso(one.left_at),
        left_by=one.left_by or None,
        seconds=round(one.seconds, 3),
        sip_status=one.sip_status,
        reason=one.reason or None,
    )


def _transfer(one: Transfer, around: Surroundings) -> TransferView:
    entry = around.entries.get(one.e164)
    return TransferView(
        kind=one.kind,
        by=one.by or None,
        at=iso(one.at) or "",
        target_kind=one.target_kind,
        to=_number(one, entry) or one.agent or one.queue,
        name=_name(one, entry) or around.agents.get(one.agent),
        outcome=one.outcome,
        party=one.party,
        sip_status=one.sip_status,
        reason=one.reason or None,
        returned_to=one.returned_to or None,
    )


def _number(one: Party | Transfer, entry: Entry | None) -> str | None:
    if not one.number:
        return None
    return entry.number if entry is not None else one.masked or one.number


def _name(one: Party | Transfer, entry: Entry | None) -> str | None:
    """A name that is the number again must not undo its mask."""
    if entry is not None:
        return entry.name
    return masked_name(one.name, one.masked) or None


def _stay(one: dict[str, Any]) -> QueueStayView:
    waited = one["waited_seconds"]
    return QueueStayView(
        queue=one["queue"],
        entered_at=iso(one["entered_at"]) or "",
        left_at=iso(one["left_at"]),
        waited_seconds=None if waited is None else round(waited, 3),
        why=one["why"] or None,
        to=masked_way(one["to"]) or None,
    )


def _step(one: dict[str, Any]) -> MenuStepView:
    return MenuStepView(
        menu=one["menu"],
        at=iso(one["at"]) or "",
        digit=one["digit"] or None,
        label=one["label"] or None,
        outcome=one["outcome"] or None,
        tries=one["tries"],
    )


def _voicemail(call: Call, around: Surroundings) -> VoicemailView | None:
    if call.voicemail_seconds is None:
        return None
    ticket = around.tickets.get(call.id)
    return VoicemailView(
        starts=call.voicemail_starts or 0.0, seconds=call.voicemail_seconds, ticket=ticket.id if ticket else None
    )
