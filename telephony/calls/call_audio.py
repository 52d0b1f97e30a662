"""A call's audio as its rules see it: one room, the recording, sounds for those who wait, and what each leg saw."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from telephony import events
from telephony.calls.hearing import MUSIC
from telephony.calls.surroundings import Surroundings
from telephony.media.headset import Headset
from telephony.media.quality import LegQuality
from telephony.media.room import Room
from telephony.media.rtp_leg import RtpLeg
from telephony.media.sound import BadSound, NoSuchSound, Sound

log = logging.getLogger(__name__)


class CallAudio:
    def __init__(self, call: str, around: Surroundings) -> None:
        self._call = call
        self._around = around
        self._room = Room(call, around.ports.clock)
        self._recording = False
        #: what is played to whom because the conversation makes them wait
        self._sounds: dict[int, str] = {}
        #: each headset party's headset with its counts when it came, and what earlier headsets of the party counted
        self._headsets: dict[int, tuple[Headset, int, int]] = {}
        self._counted: dict[int, tuple[int, int]] = {}

    # ---- who is there

    def add_leg(self, party: int, leg: RtpLeg) -> None:
        self._room.add_leg(party, leg)

    def add_headset(self, party: int, headset: Headset) -> None:
        self._count(party)
        self._headsets[party] = (headset, headset.received, headset.lost)
        self._room.add_headset(party, headset)
        if party in self._sounds:
            self.play(party, [self._sounds[party]], loop=True)

    def remove_headset(self, party: int) -> None:
        self._count(party)
        self._room.remove_headset(party)

    def _count(self, party: int) -> None:
        if party in self._headsets:
            headset, received, lost = self._headsets.pop(party)
            before = self._counted.get(party, (0, 0))
            self._counted[party] = (before[0] + headset.received - received, before[1] + headset.lost - lost)

    def remove(self, party: int) -> None:
        """The party is gone; what its audio was like is told."""
        self._sounds.pop(party, None)
        quality = self._room.remove(party)
        if quality is not None:
            self._tell_leg(party, quality)
        self._tell_headset(party)

    def renegotiated(self, party: int) -> None:
        self._room.renegotiated(party)

    def set_muted(self, party: int, muted: bool) -> None:
        self._room.set_muted(party, muted)

    # ---- what they hear

    def route(self, hears: Mapping[int, tuple[int, ...]], sounds: Mapping[int, str], music: str) -> None:
        """``music`` is what the queue has for those who are held."""
        wanted = {party: music if sound == MUSIC else sound for party, sound in sounds.items()}
        before, self._sounds = self._sounds, wanted
        for party in before:
            if party not in wanted:
                self._room.stop_playing(party)
        self._room.route(hears)
        for party, sound in wanted.items():
            if before.get(party) != sound:
                self.play(party, [sound], loop=True)

    def play(
        self, party: int, names: Sequence[str], *, loop: bool = False, on_end: Callable[[], None] | None = None
    ) -> bool:
        """False where there is nothing to play: the party is not there, or no name has a sound (which is logged)."""
        sounds = [sound for name in names if (sound := self._sound(name)) is not None]
        if not sounds or party not in self._room.parties:
            return False
        self._room.play(party, sounds, loop=loop, on_end=on_end)
        return True

    def stop_playing(self, party: int) -> None:
        self._room.stop_playing(party)

    def _sound(self, name: str) -> Sound | None:
        try:
            return self._around.sounds.sound(name)
        except (NoSuchSound, BadSound, OSError) as error:
            log.error("call %s: %s cannot be played: %s", self._call, name, error)
            return None

    def received(self) -> dict[int, int]:
        """Packets so far from each party that somebody is to hear."""
        return self._room.received()

    # ---- recording

    def record(self) -> bool:
        """Start the recording. False where it runs already, or none is made."""
        if self._around.recorder is None or self._recording:
            return False
        try:
            tap, path = self._around.recorder.open(self._call, self._recording_closed, self._recording_failed)
        except OSError as error:
            log.error("call %s cannot be recorded: %s", self._call, error)
            self._recording_failed(str(error), 0.0)
            return False
        self._recording = True
        self._room.tap = tap
        self._around.publish(events.RecordingStarted(call=self._call, path=path))
        return True

    def _recording_closed(self, path: str, size: int, packets: int) -> None:
        self._around.publish(events.RecordingClosed(call=self._call, path=path, bytes=size, packets=packets))

    def _recording_failed(self, reason: str, lost_seconds: float) -> None:
        self._around.publish(events.RecordingFailed(call=self._call, reason=reason, lost_seconds=lost_seconds))

    # ---- the end

    def close(self) -> None:
        for party, quality in self._room.close().items():
            self._tell_leg(party, quality)
        for party in [*self._headsets, *self._counted]:
            self._tell_headset(party)

    def _tell_leg(self, party: int, quality: LegQuality) -> None:
        if quality.received:
            self._around.publish(
                events.MediaQuality(
                    call=self._call,
                    leg="line",
                    party=party,
                    received=quality.received,
                    lost=quality.lost,
                    late=quality.late,
                    jitter_ms=quality.jitter_ms,
                    ignored=quality.ignored,
                )
            )

    def _tell_headset(self, party: int) -> None:
        self._count(party)
        received, lost = self._counted.pop(party, (0, 0))
        if received:
            self._around.publish(
                events.MediaQuality(call=self._call, leg="headset", party=party, received=received, lost=lost)
            )
