"""Agents and live calls as plain maps, for whoever looks through the seam."""

from __future__ import annotations

from typing import Any

from telephony.calls.call import Call, Phase
from telephony.calls.participant import Participant
from telephony.clock import SECOND
from telephony.events import Party
from telephony.floor.agent import Agent
from telephony.rules import Rules


def agent_map(agent: Agent, now: int) -> dict[str, Any]:
    """An agent as consoles see it; ``seconds`` is the time in this state."""
    return {
        "agent": agent.user,
        "name": agent.name,
        "status": agent.status,
        "reason": agent.reason,
        "call": agent.call,
        "headset": agent.headset,
        # of one that is away: why; seconds since it came or went
        "headset_reason": agent.headset_reason,
        "headset_seconds": _since(agent.headset_since, now),
        "device": agent.device,
        "skills": dict(agent.skills),
        "by": agent.by,
        "queues": list(agent.queues),
        "seconds": (now - agent.since) / 1e9,
    }


def call_map(call: Call, now: int, digits: bool, menu: str = "", position: int = 0) -> dict[str, Any]:
    """A live call as consoles see it; seconds count up to now. ``digits``: the caller's line takes them; ``position``:
    1-based while the call waits, else 0."""
    offer = call.offer
    own = next((party for party in call.parties.values() if party.agent == call.agent), None)
    waits = call.phase in (Phase.QUEUED, Phase.RINGING)
    return {
        "call": call.id,
        "direction": call.direction,
        "phase": call.phase,
        "line": call.line,
        "queue": call.queue,
        "number": call.number,
        "dialled": call.dialled,
        "display_name": call.display_name,
        "agent": call.agent or (offer.agent if offer else ""),
        "patient_id": call.patient_id,
        # of a call that calls back: in which call that was asked for
        "requested_in": call.requested_in or "",
        "caller_rings": call.caller_rings.begun(now) if call.caller_rings and not call.answered_at else 0,
        "agent_rings": offer.rings.begun(now) if offer else 0,
        "muted": own is not None and own.muted,
        "held_by": sorted(call.held_by),
        "seconds": (now - call.started_at) / SECOND,
        "talk_seconds": _since(call.answered_at, now),
        "parties": [party_map(party, now) for _, party in sorted(call.parties.items())],
        "private": bool(call.private_since),
        "private_seconds": _since(call.private_since, now),
        "held_seconds": _since(call.held_since, now) if Party.AGENT in call.held_by else 0.0,
        "priority": call.priority,
        "preferred_agent": call.preferred_agent,
        "menu": menu,
        "waiting_since": _since(call.queued_at, now) if waits else 0.0,
        "position": position if waits else 0,
        # music, mixing and bridging are ours: no line lacks them
        "can": {"hold": True, "transfer": True, "consult": True, "conference": True, "digits": digits},
    }


def party_map(party: Participant, now: int) -> dict[str, Any]:
    return {
        "party": party.number,
        "role": party.role,
        "kind": party.kind,
        "agent": party.agent,
        "number": party.address,
        "name": party.name,
        "state": "joined" if party.joined else "ringing",
        "group": party.group,
        "muted": party.muted,
        "silent": party.silent,
        "away": party.away_reason,
        "away_seconds": _since(party.away_since, now),
        "seconds": (now - party.since) / SECOND,
    }


def _since(time: int, now: int) -> float:
    return (now - time) / SECOND if time else 0.0


def rules_map(rules: Rules) -> dict[str, Any]:
    """What consoles count by: rings (D3) with the rule's version, seconds from ring to ring, and hints of time."""
    return {
        "three_rings": rules.three_rings,
        "three_rings_version": rules.three_rings_version,
        "ring_cadence": rules.ring_cadence,
        "hold_hint": rules.hold_hint,
        "duration_hint": rules.duration_hint,
        "private_call_limit": rules.private_call_limit,
        "transfer_ring_limit": rules.transfer_ring_limit,
    }
