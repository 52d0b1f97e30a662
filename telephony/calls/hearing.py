"""Who hears whom, and what is played to those who wait: follows from role, group, mute and hold, from nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from telephony.calls.participant import Group, Participant
from telephony.events import Role

Hears = dict[int, tuple[int, ...]]

MUSIC = "hold-music"
RINGBACK = "ringback"


def active_group(parties: Collection[Participant]) -> Group:
    """The group that talks: where the agent is."""
    agent = _agent(parties)
    return agent.group if agent else Group.MAIN


def hearing(parties: Collection[Participant], caller_held: bool) -> Hears:
    """The parties that each joined party hears, in order of their numbers."""
    active = active_group(parties)
    agent = _agent(parties)
    heard = [
        party.number
        for party in parties
        if party.speaks
        and (party.joined or party.early)
        and not party.muted
        and _takes_part(party, active, caller_held)
    ]
    whisperers = [p.number for p in parties if p.role is Role.WHISPERER and p.joined and not p.muted]
    hears: dict[int, set[int]] = {}
    for party in parties:
        if party.joined and party.speaks:
            takes_part = _takes_part(party, active, caller_held)
            hears[party.number] = {number for number in heard if number != party.number} if takes_part else set()
    for party in parties:
        if party.joined and not party.speaks:
            hears[party.number] = set(heard)
    if agent:
        hears[agent.number] |= set(whisperers)
    return {number: tuple(sorted(others)) for number, others in hears.items()}


def waiting_sounds(
    parties: Collection[Participant], caller_held: bool, hears: Mapping[int, tuple[int, ...]]
) -> dict[int, str]:
    """What is played to joined parties who wait: ``hold-music``, or ``ringback`` while who they wait for rings."""
    active = active_group(parties)
    rings = any(not party.joined and not party.early and party.speaks and party.group is active for party in parties)
    sounds = {}
    for party in parties:
        if not party.joined or not party.speaks:
            continue
        if not _takes_part(party, active, caller_held):
            sounds[party.number] = MUSIC
        elif not hears[party.number]:
            if rings:
                sounds[party.number] = RINGBACK
            elif party.role is Role.CALLER and _agent(parties) is None:
                sounds[party.number] = MUSIC
    return sounds


def _agent(parties: Collection[Participant]) -> Participant | None:
    return next((party for party in parties if party.role is Role.AGENT and party.joined), None)


def _takes_part(party: Participant, active: Group, caller_held: bool) -> bool:
    return party.group is active and not (caller_held and party.role is Role.CALLER)
