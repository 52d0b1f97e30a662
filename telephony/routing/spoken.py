"""What callers are told, as names of prompts in ``telephony/sounds/``."""

from __future__ import annotations

RINGBACK = "ringback"
BEEP = "beep"
RECORDING = "recording-notice"
CALLBACK_OFFER = "callback-offer"
CALLBACK_ACCEPTED = "callback-accepted"
VOICEMAIL = "voicemail"
VOICEMAIL_THANKS = "voicemail-thanks"
GOODBYE = "goodbye"
POSITION = "position"
WAIT = "wait"
WAIT_SOON = "wait-soon"


def position(place: int) -> list[str]:
    """The caller's place in the queue, from 1."""
    return [POSITION, *number(place), "position-end"]


def expected_wait(seconds: float) -> list[str]:
    """Full minutes, rounded up: who is told too little is angrier than who is told too much."""
    if seconds <= 60:
        return [WAIT_SOON]
    return [WAIT, *number(min(99, -int(-seconds // 60))), "wait-minutes"]


def number(value: int) -> list[str]:
    """Chinese numerals of 0 to 199 (more is 199): 十五 for 15, 二十三 for 23, 一百零三 for 103."""
    value = max(0, min(value, 199))
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    names = ["num-1", "num-100"] if hundreds else []
    if hundreds and rest and not tens:
        names.append("num-0")
    if tens:
        names += ["num-10"] if tens == 1 and not hundreds else [f"num-{tens}", "num-10"]
    if ones or not names:
        names.append(f"num-{ones}")
    return names
