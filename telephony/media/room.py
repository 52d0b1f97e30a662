"""One call's audio: who hears whom, what is played to whom, and each party on its own track of the recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from telephony.media.headset import Headset
from telephony.media.media_clock import MediaClock
from telephony.media.mixer import Ear, Mixer
from telephony.media.party import PLAYING, HeadsetParty, LegParty, Party
from telephony.media.passing import (
    Sink,
    beginning,
    headset_to_all,
    headset_to_leg,
    leg_to_all,
    leg_to_headset,
    leg_to_nobody,
)
from telephony.media.plain_path import OnAudio, Record
from telephony.media.playing import Playing
from telephony.media.quality import LegQuality
from telephony.media.rtp_leg import RtpLeg
from telephony.media.silence import PCMA
from telephony.media.sound import Sound
from telephony.media.tap import Tap
from telephony.media.voice import Voice

#: a party's number is its track in the recording
LAST_PARTY = 15


class Room:
    """Parties come and go by ``add_leg``, ``add_headset``, ``remove``; who hears whom is said by ``route``, as a whole.

    Where each ear's audio comes from is settled when something changes, never per packet: an ear that hears one
    speaker gets the payloads as they came (in the other law by a table), one that hears several gets a mix every
    20 ms, one that is played to hears nothing else. A leg that is routed or played to gets a continuous stream.

    Tracks: a leg's is what came from it, always. A headset's is what it says while somebody hears it, with its own
    timestamps, and the silence that a leg gets in its place while it is gone.
    """

    def __init__(self, call: str, clock: MediaClock, tap: Tap | None = None) -> None:
        self.call = call
        self._clock = clock
        self._parties: dict[int, Party] = {}
        self._hears: dict[int, tuple[int, ...]] = {}
        self._law = PCMA
        self._mixer = Mixer(clock)
        self._closed = False
        self._qualities: dict[int, LegQuality] = {}
        self.tap = tap

    @property
    def tap(self) -> Tap | None:
        """Who records; set or changed at any time, as when an answer follows early media."""
        return self._tap

    @tap.setter
    def tap(self, tap: Tap | None) -> None:
        self._tap = tap
        self._record: Record = _ignore if tap is None else tap.packet
        self._wire()

    @property
    def parties(self) -> tuple[int, ...]:
        return tuple(sorted(self._parties))

    # who is there

    def add_leg(self, party: int, leg: RtpLeg) -> None:
        """Raises ValueError when the number is taken or no track."""
        self._enter(party, LegParty(party, leg))

    def add_headset(self, party: int, headset: Headset) -> None:
        """Join ``headset`` and start it; in place of the party's former one, which is stopped.

        Raises ValueError when the number is that of a leg, or no track.
        """
        known = self._parties.get(party)
        if not isinstance(known, HeadsetParty):
            self._enter(party, HeadsetParty(party, headset))
            return
        if known.headset is not None and known.headset is not headset:
            known.headset.stop(self.call)
        known.headset = headset
        known.law = -1
        known.begins()
        self._wire()
        if known.muted:
            headset.set_muted(True)

    def remove_headset(self, party: int) -> None:
        """The headset is gone: the party stays, silent, and hears nothing."""
        known = self._parties.get(party)
        if isinstance(known, HeadsetParty) and known.headset is not None:
            headset, known.headset = known.headset, None
            headset.stop(self.call)
            self._wire()

    def remove(self, party: int) -> LegQuality | None:
        """The party leaves: its leg is closed, its headset stopped. Gives what its leg saw."""
        gone = self._parties.pop(party, None)
        if gone is None:
            return None
        quality = self._part(gone)
        self._wire()
        return quality

    def close(self) -> dict[int, LegQuality]:
        """The call is over: close legs and recorder, part the headsets. May be called again.

        Gives what the legs saw that were here to the end, by party.
        """
        if not self._closed:
            self._closed = True
            self._mixer.mix({})
            for number, party in sorted(self._parties.items()):
                quality = self._part(party)
                if quality is not None:
                    self._qualities[number] = quality
            self._parties.clear()
            if self._tap is not None:
                self._tap.close()
                self.tap = None
        return dict(self._qualities)

    def renegotiated(self, party: int) -> None:
        """The leg's session changed, maybe its law and direction."""
        self._wire()

    def received(self) -> dict[int, int]:
        """Packets so far from each party that somebody is to hear: not from one whose telephone agreed not to send, nor
        from one whose headset is gone or in another call."""
        heard = {speaker for ear, speakers in self._hears.items() if ear in self._parties for speaker in speakers}
        counts = {}
        for number in heard & self._parties.keys():
            party = self._parties[number]
            if isinstance(party, LegParty):
                if party.leg.direction in ("sendrecv", "recvonly"):
                    counts[number] = party.leg.received
            elif party.headset is not None and party.headset.call == self.call:
                counts[number] = party.headset.received
        return counts

    # what they hear

    def route(self, hears: Mapping[int, Collection[int]]) -> None:
        """Who hears whom from now on; whoever is not in it hears nobody. Numbers that nobody has yet wait for them."""
        self._hears = {ear: tuple(sorted(set(speakers) - {ear})) for ear, speakers in hears.items()}
        self._wire()

    def play(
        self,
        party: int,
        sounds: Sequence[Sound],
        *,
        loop: bool = False,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Let ``party`` hear ``sounds`` one after the other, over and over with ``loop``, instead of what it would.

        ``on_end`` is told once when they are over, and not when something else ended them. Raises KeyError when there
        is no such party.
        """
        ear = self._parties[party]
        if ear.playing is not None:
            ear.playing.stop()
        ear.begins()

        def over() -> None:
            ear.playing = None
            self._wire()
            if on_end is not None:
                on_end()

        ear.playing = Playing(self._clock, ear, sounds, loop=loop, on_end=over)
        self._wire()

    def stop_playing(self, party: int) -> None:
        """At once; what the party would hear comes back."""
        ear = self._parties.get(party)
        if ear is not None and ear.playing is not None:
            ear.playing.stop()
            ear.playing = None
            self._wire()

    def set_muted(self, party: int, muted: bool) -> None:
        """Tell the headset. That nobody hears the party is said by ``route``."""
        known = self._parties.get(party)
        if isinstance(known, HeadsetParty):
            known.muted = muted
            if known.headset is not None:
                known.headset.set_muted(muted)

    # the wiring

    def _enter(self, number: int, party: Party) -> None:
        if not 0 <= number <= LAST_PARTY:
            raise ValueError(f"party {number}: parties are numbered from 0 to {LAST_PARTY}")
        if number in self._parties:
            raise ValueError(f"party {number} is in the room already")
        if self._closed:
            raise ValueError("the room is closed")
        self._parties[number] = party
        self._wire()

    def _part(self, party: Party) -> LegQuality | None:
        if party.playing is not None:
            party.playing.stop()
            party.playing = None
        if isinstance(party, LegParty):
            return party.leg.close()
        if party.headset is not None:
            party.headset.stop(self.call)
        return None

    def _speakers(self, ear: Party) -> tuple[int, ...]:
        return tuple(speaker for speaker in self._hears.get(ear.number, ()) if speaker in self._parties)

    def _wire(self) -> None:
        """Settle who is heard where, from parties, matrix, playing and laws."""
        if self._closed:
            return
        self._start_headsets()
        through: dict[int, list[Party]] = {number: [] for number in self._parties}
        mixes: dict[Ear, tuple[int, ...]] = {}
        heard: set[int] = set()
        for ear in self._parties.values():
            speakers = self._speakers(ear)
            feed = PLAYING if ear.playing is not None else speakers
            if feed != ear.feed:
                ear.fresh = ear.began
                ear.began = ear.began or bool(feed)
                ear.begins()
                ear.feed = feed
            if ear.playing is None:
                heard.update(speakers)
                if len(speakers) == 1:
                    through[speakers[0]].append(ear)
                elif speakers:
                    mixes[ear] = speakers
            if isinstance(ear, LegParty):
                ear.leg.on_sent = None
        self._mixer.mix(mixes)
        for number, speaker in self._parties.items():
            voice = self._mixer.voice(number)
            if isinstance(speaker, LegParty):
                speaker.leg.on_audio = self._from_leg(speaker, through[number], voice)
                if speaker.feed or number in heard:
                    speaker.leg.stream()
            else:
                self._from_headset(speaker, through[number], voice)

    def _start_headsets(self) -> None:
        legs = [party for _, party in sorted(self._parties.items()) if isinstance(party, LegParty)]
        self._law = next((leg.law for leg in legs if leg.leg.negotiated is not None), self._law)
        for party in self._parties.values():
            if isinstance(party, HeadsetParty) and party.headset is not None:
                # a headset that another call has taken since is not taken back
                if party.law < 0 or party.headset.call == self.call:
                    party.headset.start(self.call, self._law, self._direction(party))
                party.law = self._law

    def _direction(self, party: HeadsetParty) -> str:
        """That of the one leg which this headset speaks with, if it is one."""
        others = {*self._speakers(party)}
        others.update(ear.number for ear in self._parties.values() if party.number in self._speakers(ear))
        if len(others) == 1:
            other = self._parties[others.pop()]
            if isinstance(other, LegParty) and other.leg.negotiated is not None:
                return other.leg.direction
        return "sendrecv"

    def _sinks(self, ears: Sequence[Party]) -> list[Sink]:
        return [beginning(ear.sink(), partial(self._begun, ear)) if ear.fresh else ear.sink() for ear in ears]

    def _begun(self, ear: Party) -> None:
        ear.fresh = False
        self._wire()

    def _from_leg(self, speaker: LegParty, ears: Sequence[Party], voice: Voice | None) -> OnAudio:
        track = speaker.number
        if voice is None and not ears:
            return leg_to_nobody(track, self._record)
        if voice is None and len(ears) == 1:
            ear = ears[0]
            if isinstance(ear, HeadsetParty) and ear.headset is not None and not ear.fresh:
                return leg_to_headset(track, ear.headset, self._record)
        return leg_to_all(track, self._sinks(ears), voice, self._record)

    def _from_headset(self, speaker: HeadsetParty, ears: Sequence[Party], voice: Voice | None) -> None:
        track, headset = speaker.number, speaker.headset
        if headset is None:
            for ear in ears:
                if isinstance(ear, LegParty):
                    ear.leg.on_sent = partial(self._record, track)
                    break
            return
        if headset.call != self.call:
            return
        headset.on_audio = headset.on_frame = None
        only = ears[0] if voice is None and len(ears) == 1 and not ears[0].fresh else None
        if isinstance(only, LegParty) and only.law == speaker.law:
            if self._tap is None:
                headset.on_audio = only.leg.send_audio
            else:
                headset.on_frame = headset_to_leg(track, only.leg, speaker.law, self._record)
        elif ears or voice is not None:
            headset.on_frame = headset_to_all(track, self._sinks(ears), voice, self._record)


def _ignore(*_: object) -> None:
    return None
