"""What callers are told, as names of prompts that ship (docs/routing.md)."""

from __future__ import annotations

from telephony.media.spoken_number import MOST, spoken_number

RINGBACK = "ringback"
BEEP = "beep"
RECORDING = "recording-notice"
CALLBACK_OFFER = "callback-offer"
CALLBACK_CONFIRMED = "callback-confirmed"
VOICEMAIL = "voicemail"
VOICEMAIL_SAVED = "voicemail-saved"
GOODBYE = "goodbye"
NEXT = "queue-position-next"
#: made rather than read, and always there
MADE = frozenset({RINGBACK, BEEP})


def position(place: int) -> tuple[str, ...]:
    """How many wait ahead of the caller at ``place`` (from 1) of the queue."""
    if place <= 1:
        return (NEXT,)
    return ("queue-position-before", *spoken_number(min(place - 1, MOST), counted=True), "queue-position-after")


def expected_wait(seconds: float) -> tuple[str, ...]:
    """Full minutes, rounded up: who is told too little is angrier than who is told too much."""
    if seconds <= 60:
        return ("queue-wait-short",)
    minutes = min(-int(-seconds // 60), MOST)
    return ("queue-wait-before", *spoken_number(minutes, counted=True), "queue-wait-after")
