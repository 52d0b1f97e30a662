"""Who hears whom, whatever the parties, groups, mutes and holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.calls.hearing import MUSIC, RINGBACK, hearing, waiting_sounds
from telephony.calls.participant import Group, Kind, Participant
from telephony.events import Role

OTHERS = (Role.CONSULTED, Role.MEMBER, Role.LISTENER, Role.WHISPERER, Role.BARGER)


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Participant], bool]:
    """A caller, maybe an agent, up to six others, in any state that a call can be in."""
    caller = Participant(0, Role.CALLER, Kind.LINE, joined=draw(st.booleans()), early=draw(st.booleans()))
    parties = [caller]
    if draw(st.booleans()):
        group = draw(st.sampled_from(Group))
        parties.append(Participant(1, Role.AGENT, Kind.HEADSET, agent="a1", joined=True, group=group))
    for number in range(2, draw(st.integers(2, 8))):
        role = draw(st.sampled_from(OTHERS))
        if role is Role.CONSULTED and any(party.role is Role.CONSULTED for party in parties):
            role = Role.MEMBER
        parties.append(
            Participant(
                number,
                role,
                Kind.HEADSET,
                agent=f"a{number}",
                joined=draw(st.booleans()),
                early=draw(st.booleans()),
                group=Group.SIDE if role is Role.CONSULTED else Group.MAIN,
            )
        )
    for party in parties[1:]:
        party.muted = draw(st.booleans())
    return parties, draw(st.booleans())


def by_number(parties: list[Participant]) -> dict[int, Participant]:
    return {party.number: party for party in parties}


@settings(deadline=None)
@given(calls())
def test_a_whisperer_is_heard_by_nobody_but_the_agent_and_a_listener_by_nobody(
    given_call: tuple[list[Participant], bool],
) -> None:
    parties, held = given_call
    who = by_number(parties)
    for ear, others in hearing(parties, held).items():
        for other in others:
            assert who[other].role is not Role.LISTENER
            if who[other].role is Role.WHISPERER:
                assert who[ear].role is Role.AGENT


@settings(deadline=None)
@given(calls())
def test_a_held_caller_hears_nobody_but_music_and_is_heard_by_nobody(
    given_call: tuple[list[Participant], bool],
) -> None:
    parties, _ = given_call
    hears = hearing(parties, True)
    assert not hears.get(0, ())
    assert all(0 not in others for others in hears.values())
    if 0 in hears:
        assert waiting_sounds(parties, True, hears)[0] == MUSIC


@settings(deadline=None)
@given(calls())
def test_whoever_is_muted_or_not_there_is_heard_by_nobody_and_nobody_hears_themselves(
    given_call: tuple[list[Participant], bool],
) -> None:
    parties, held = given_call
    who = by_number(parties)
    hears = hearing(parties, held)
    assert set(hears) == {party.number for party in parties if party.joined}
    for ear, others in hears.items():
        assert ear not in others
        for other in others:
            assert not who[other].muted
            assert who[other].joined or who[other].early


@settings(deadline=None)
@given(calls())
def test_nobody_hears_across_groups_but_supervisors_who_hear_what_the_agent_does(
    given_call: tuple[list[Participant], bool],
) -> None:
    parties, held = given_call
    who = by_number(parties)
    hears = hearing(parties, held)
    for ear, others in hears.items():
        if who[ear].speaks:
            speaking = [other for other in others if who[other].speaks]
            assert all(who[other].group is who[ear].group for other in speaking)
    agent = next((party for party in parties if party.role is Role.AGENT), None)
    if agent is None:
        return
    spoken_to = {other for other in hears[agent.number] if who[other].speaks}
    for ear, others in hears.items():
        if not who[ear].speaks:
            assert set(others) - {agent.number} == spoken_to
            assert (agent.number in others) == (not agent.muted)


@settings(deadline=None)
@given(calls())
def test_two_who_speak_in_one_group_hear_each_other_and_who_waits_hears_a_sound(
    given_call: tuple[list[Participant], bool],
) -> None:
    parties, held = given_call
    hears = hearing(parties, held)
    sounds = waiting_sounds(parties, held, hears)
    agent = next((party for party in parties if party.role is Role.AGENT), None)
    active = agent.group if agent else Group.MAIN
    present = [p for p in parties if p.joined and p.speaks and not (held and p.role is Role.CALLER)]
    for one in present:
        for other in present:
            if one is not other and one.group is other.group is active and not other.muted:
                assert other.number in hears[one.number]
    for party in parties:
        if party.joined and party.speaks and party.group is not active:
            assert sounds[party.number] == MUSIC
    assert all(not hears[number] for number in sounds)


def test_an_agent_who_waits_for_the_consulted_party_hears_it_ring() -> None:
    parties = [
        Participant(0, Role.CALLER, Kind.LINE, joined=True),
        Participant(1, Role.AGENT, Kind.HEADSET, agent="a1", joined=True, group=Group.SIDE),
        Participant(2, Role.CONSULTED, Kind.LINE, group=Group.SIDE),
    ]
    hears = hearing(parties, True)
    assert waiting_sounds(parties, True, hears) == {0: MUSIC, 1: RINGBACK}
    parties[2].early = True
    hears = hearing(parties, True)
    assert hears[1] == (2,)
    assert waiting_sounds(parties, True, hears) == {0: MUSIC}
