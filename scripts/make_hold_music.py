"""The hold music: a slow piece in D, four chords under a melody of the pentatonic scale, written for this product.

Every note is laid into a ring as long as the piece, so that what still sounds at its end goes on at its beginning: the
loop has no seam.
"""

from __future__ import annotations

import numpy as np

BEAT = 0.7
BEATS = 32

#: semitones above A3 (220 Hz)
_D, _E, _FIS, _A, _B, _HIGH_D, _HIGH_E = 5, 7, 9, 12, 14, 17, 19

#: the chord of each four beats: bass first
CHORDS = [(-7, 2, 5, 9), (-10, 2, 5, 10), (-2, 2, 7, 10), (-5, 0, 4, 7)] * 2

#: (beat, note, loudness) of the melody
MELODY = [
    (0, _FIS, 1.0), (1.5, _A, 0.8), (2, _B, 0.9), (3, _A, 0.7),
    (4, _FIS, 0.9), (5.5, _E, 0.7), (6, _D, 0.9),
    (8, _E, 0.9), (9.5, _FIS, 0.7), (10, _A, 0.9), (11, _B, 0.7),
    (12, _A, 1.0), (14, _E, 0.6),
    (16, _FIS, 1.0), (17.5, _A, 0.8), (18, _HIGH_D, 0.9), (19, _B, 0.7),
    (20, _A, 0.9), (21.5, _B, 0.7), (22, _FIS, 0.9),
    (24, _E, 0.9), (25, _D, 0.7), (26, _E, 0.9), (27, _A, 0.7),
    (28, _FIS, 0.9), (29.5, _E, 0.7), (30, _D, 0.8),
]  # fmt: skip


def hold_music(rate: int) -> np.ndarray:
    """22.4 s of samples, to be levelled."""
    ring = np.zeros(round(BEATS * BEAT * rate))
    for number, chord in enumerate(CHORDS):
        for voice, note in enumerate(chord):
            _lay(ring, _pad(note, 4 * BEAT, rate), 4 * number * BEAT, 0.16 if voice else 0.22, rate)
        # the chord broken, softly, one note a beat
        for beat, note in enumerate((chord[1], chord[2], chord[3], chord[2])):
            _lay(ring, _bell(note, 1.6, rate), (4 * number + beat + 0.5) * BEAT, 0.10, rate)
    for beat, note, loudness in MELODY:
        _lay(ring, _bell(note, 2.4, rate), beat * BEAT, 0.34 * loudness, rate)
    return ring


def _hertz(note: float) -> float:
    return 220.0 * 2 ** (note / 12)


def _pad(note: float, seconds: float, rate: int) -> np.ndarray:
    """Swells and sinks over a little more than its time; two voices a hair apart."""
    length = seconds * 1.3
    at = np.arange(round(length * rate)) / rate
    swell = np.sin(np.pi * np.clip(at / length, 0, 1)) ** 1.5
    hertz = _hertz(note)
    wave = np.sin(2 * np.pi * hertz * at) + np.sin(2 * np.pi * hertz * 1.003 * at + 1)
    return swell * (wave + 0.25 * np.sin(4 * np.pi * hertz * at)) / 2


def _bell(note: float, seconds: float, rate: int) -> np.ndarray:
    """Struck softly and left to fade; its overtones fade first."""
    at = np.arange(round(seconds * rate)) / rate
    hertz = _hertz(note)
    tone = np.exp(-2.0 * at) * np.sin(2 * np.pi * hertz * at)
    tone += 0.35 * np.exp(-4.0 * at) * np.sin(4 * np.pi * hertz * at)
    tone += 0.08 * np.exp(-8.0 * at) * np.sin(6 * np.pi * hertz * at)
    return tone * np.clip(at / 0.012, 0, 1) * np.clip((seconds - at) / 0.2, 0, 1)


def _lay(ring: np.ndarray, sound: np.ndarray, begin: float, loudness: float, rate: int) -> None:
    places = (round(begin * rate) + np.arange(len(sound))) % len(ring)
    np.add.at(ring, places, loudness * sound)
