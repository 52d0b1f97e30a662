"""Who is in a call: parties come, are held and muted, and leave; and what the call does without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephony import events
from telephony.calls import offers
from telephony.calls.effects import (
    Effects,
    Emit,
    FreeAgent,
    HoldLine,
    Mute,
    OwnCall,
    RemoveParty,
    Route,
)
from telephony.calls.hearing import hearing, waiting_sounds
from telephony.calls.participant import MOST_PARTIES, MOST_SPEAKERS, SUPERVISORS, Group, Kind, Participant
from telephony.calls.refusal import CallRefused, Reason, wrong_state
from telephony.events import OfferOutcome, Party, Role

if TYPE_CHECKING:
    from telephony.calls.call import Call


# ---- who is there


def check_tracks(call: Call, who: str) -> None:
    """Raises CallRefused ``full`` where no track of the recording is left for an agent or number new to the call."""
    if who not in call.numbers and len(call.numbers) >= MOST_PARTIES:
        raise CallRefused("full", "Too many parties have been in this call.")


def add(
    call: Call, role: Role, kind: Kind, now: int, *, agent: str = "", address: str = "", name: str = ""
) -> Participant:
    """A new party, not joined yet; somebody who was here before gets the number they had. Raises CallRefused."""
    key = agent or address
    number = call.numbers.get(key)
    if number in call.parties:
        raise wrong_state(Reason.NUMBER_IN_CALL)
    if number is None:
        check_tracks(call, key)
        number = call.numbers[key] = len(call.numbers)
    party = Participant(number, role, kind, agent=agent, address=address, name=name, since=now)
    call.parties[number] = party
    return party


def join(call: Call, party: Participant, now: int) -> Emit:
    """The party is there: its voice is on its track from now on."""
    party.joined, party.early, party.rings, party.since = True, False, None, now
    return Emit(
        events.PartyJoined(
            call=call.id,
            party=party.number,
            role=party.role,
            agent=party.agent,
            number=party.address,
            name=party.name,
        )
    )


def party_of(call: Call, agent: str) -> Participant | None:
    return next((party for party in call.parties.values() if party.agent == agent), None)


def joined_party(call: Call, agent: str) -> Participant:
    """Raises CallRefused where this agent is not in the call."""
    party = party_of(call, agent)
    if party is None or not party.joined:
        raise CallRefused("not_yours", "You are not in this call.")
    return party


def handler(call: Call, agent: str = "") -> Participant:
    """The party whose call it is, who must be ``agent`` if given. Raises CallRefused."""
    party = next((p for p in call.parties.values() if p.role is Role.AGENT and p.joined), None)
    if party is None or (agent and party.agent != agent):
        raise CallRefused("not_yours", "This call is not yours.")
    return party


def consulted(call: Call) -> Participant | None:
    return next((party for party in call.parties.values() if party.role is Role.CONSULTED), None)


def speakers(call: Call) -> list[Participant]:
    return [party for party in call.parties.values() if party.speaks and party.joined]


def check_room(call: Call) -> None:
    """Raises CallRefused ``full`` when as many speak, or are asked to, as may."""
    if sum(party.speaks for party in call.parties.values()) >= MOST_SPEAKERS:
        raise CallRefused("full", f"{MOST_SPEAKERS} speak in this call already.")


def check_talking(call: Call) -> None:
    if not call.talking:
        raise wrong_state(Reason.NOT_TALKING)


def change_role(call: Call, party: Participant, role: Role) -> Effects:
    if party.role is role:
        return []
    party.role = role
    return [Emit(events.PartyRole(call=call.id, party=party.number, role=role))]


def become_handler(call: Call, party: Participant) -> Effects:
    """It is this agent's call from now on."""
    party.handled = True
    call.agent = call.last_agent = party.agent
    return [*change_role(call, party, Role.AGENT), OwnCall(party.agent)]


# ---- hold and mute


def hold_caller(call: Call, held: bool, now: int) -> Effects:
    """The agent's hold: the caller hears music and is heard by nobody."""
    if 0 not in call.parties or held == (Party.AGENT in call.held_by):
        return []
    if held:
        call.held_by.add(Party.AGENT)
        call.held_since = now
    else:
        call.held_by.discard(Party.AGENT)
    call.settle_phase()
    event = events.CallHeld if held else events.CallResumed
    return [HoldLine(held), Emit(event(call=call.id, by=Party.AGENT))]


def mute(call: Call, party: Participant, muted: bool) -> Effects:
    if muted == party.muted:
        return []
    party.muted = muted
    told = events.CallMuted(call=call.id, agent=party.agent, muted=muted)
    return [Mute(party.number, muted), Emit(told), *route(call)]


def away(call: Call, party: Participant, reason: str, now: int) -> Effects:
    """The party's headset is gone, or for another reason than before."""
    if party.away_since and party.away_reason == reason:
        return []
    party.away_since, party.away_reason = party.away_since or now, reason
    limit = call.rules.headset_lost_limit if party.unheard_since else 0.0
    told = events.PartyAway(call=call.id, party=party.number, agent=party.agent, away=True, reason=reason, limit=limit)
    return [Emit(told)]


def back(call: Call, party: Participant) -> Effects:
    """The party's headset is there again."""
    was_away, party.away_since, party.away_reason, party.unheard_since = party.away_since, 0, "", 0
    if not was_away:
        return []
    return [Emit(events.PartyAway(call=call.id, party=party.number, agent=party.agent, away=False))]


def route(call: Call) -> Effects:
    """Tell who hears whom, if that has changed."""
    parties = call.parties.values()
    held = Party.AGENT in call.held_by
    hears = hearing(parties, held)
    sounds = waiting_sounds(parties, held, hears) if call.conversing else {}
    if (hears, sounds) == call.routed:
        return []
    changed = hears != call.routed[0]
    call.routed = (hears, sounds)
    told = events.AudioRouted(call=call.id, hears={str(number): others for number, others in hears.items()})
    return [Route(hears, sounds), *([Emit(told)] if changed else [])]


# ---- going


def leave(call: Call, party: Participant, by: Party, now: int, status: int = 200, reason: str = "") -> Effects:
    """A joined party leaves; the call ends with it, or goes on without it."""
    if party.number == 0 and call.first_gone is None:
        call.first_gone = by
    if not lasts_without(call, party):
        return call.end(by, status, reason, now, line_gone=party.number == 0)
    effects = gone(call, party, by, status, reason, now)
    return [*effects, *regroup(call, now), *route(call)]


def gone(call: Call, party: Participant, by: Party, status: int, reason: str, now: int) -> Effects:
    """Take a party out and free whoever it is; what the call does without it is the caller's matter."""
    del call.parties[party.number]
    effects: Effects = []
    offer = call.ringing.get(party.agent) if party.agent else None
    if offer is not None and offer.party == party.number:
        effects += offers.end(call, offer, OfferOutcome.CALLER_GONE, now)
    effects.append(
        Emit(
            events.PartyLeft(
                call=call.id, party=party.number, by=by, sip_status=status, reason=reason, joined=party.joined
            )
        )
    )
    effects.append(RemoveParty(party.number))
    if party.agent and party.joined:
        effects.append(FreeAgent(party.agent, party.handled))
    if call.agent == party.agent:
        call.agent = ""
    return effects


def lasts_without(call: Call, leaver: Participant) -> bool:
    """Does the call go on when ``leaver`` is not heard any more?"""
    left = [party for party in call.parties.values() if party is not leaver]
    if sum(party.speaks and party.joined for party in left) >= 2 or not leaver.speaks:
        return True
    caller_waits = any(party.number == 0 and party.joined for party in left)
    return caller_waits and (call.referral is not None or any(party.transfer for party in left if not party.joined))


def regroup(call: Call, now: int) -> Effects:
    """Nobody is left in a group of their own, held by nobody, or in a call without its agent if one is there."""
    effects: Effects = []
    agent = next((p for p in call.parties.values() if p.role is Role.AGENT and p.joined), None)
    asked = consulted(call)
    if asked is not None and not asked.joined and agent is None:
        effects += gone(call, asked, Party.SYSTEM, 487, "nobody is there who asked", now)
        asked = None
    if asked is not None and asked.joined:
        alone = not any(
            p.group is Group.MAIN and p.speaks and p.joined for p in call.parties.values() if p is not agent
        )
        if agent is None or alone:
            effects += change_role(call, asked, Role.MEMBER)
            asked = None
    if asked is None:
        for party in call.parties.values():
            party.group = Group.MAIN
        if call.consult_holds or agent is None:
            call.consult_holds = False
            effects += hold_caller(call, False, now)
    if agent is None:
        next_one = next((p for p in call.parties.values() if p.role is Role.MEMBER and p.joined and p.agent), None)
        if next_one is not None:
            effects += become_handler(call, next_one)
    if 0 not in call.parties:
        call.held_by.clear()
    call.settle_phase()
    return effects


def drop(call: Call, agent: str, number: int, now: int) -> Effects:
    """The agent lets one party of the conference go. Raises CallRefused."""
    check_talking(call)
    own = handler(call, agent)
    party = call.parties.get(number)
    if party is None or party is own:
        raise wrong_state(Reason.PARTY_GONE)
    if party.role in SUPERVISORS:
        raise CallRefused("not_yours", "A supervisor leaves by their own will.")
    if not party.joined:
        effects = gone(call, party, Party.AGENT, 487, "dropped", now)
        return [*effects, *regroup(call, now), *route(call)]
    if not lasts_without(call, party):
        raise wrong_state(Reason.HANG_UP_INSTEAD)
    return leave(call, party, Party.AGENT, now, reason="dropped")
