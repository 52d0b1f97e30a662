"""Agents and live calls as plain maps, for whoever looks through the seam."""

from __future__ import annotations

from typing import Any

from telephony.calls.call import Call
from telephony.clock import SECOND
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
        "queues": list(agent.queues),
        "seconds": (now - agent.since) / 1e9,
    }


def call_map(call: Call, now: int) -> dict[str, Any]:
    """A live call as consoles see it; seconds count up to now."""
    return {
        "call": call.id,
        "direction": call.direction,
        "phase": call.phase,
        "line": call.line,
        "queue": call.queue,
        "number": call.number,
        "dialled": call.dialled,
        "display_name": call.display_name,
        "agent": call.agent or (call.offer.agent if call.offer else ""),
        "patient_id": call.patient_id,
        "caller_rings": call.caller_rings.begun(now) if call.caller_rings and not call.answered_at else 0,
        "agent_rings": call.offer.rings.begun(now) if call.offer else 0,
        "muted": call.muted,
        "held_by": sorted(call.held_by),
        "seconds": (now - call.started_at) / SECOND,
        "talk_seconds": (now - call.answered_at) / SECOND if call.answered_at else 0.0,
    }


def rules_map(rules: Rules) -> dict[str, Any]:
    """What consoles count rings by: the limit (D3), its version, and seconds from one ring to the next."""
    return {
        "three_rings": rules.three_rings,
        "three_rings_version": rules.three_rings_version,
        "ring_cadence": rules.ring_cadence,
    }
