"""What callers are told, as names of prompts that ship (docs/routing.md)."""

from __future__ import annotations

RINGBACK = "ringback"
BEEP = "beep"
RECORDING = "recording-notice"
CALLBACK_OFFER = "callback-offer"
CALLBACK_ACCEPTED = "callback-accepted"
VOICEMAIL = "voicemail"
VOICEMAIL_THANKS = "voicemail-thanks"
GOODBYE = "goodbye"
#: made rather than read, and always there
MADE = frozenset({RINGBACK, BEEP})
#: greater ones are said as this
MOST = 199


def position(place: int) -> tuple[str, ...]:
    """The caller's place in the queue, from 1."""
    return ("position", *number(place), "position-end")


def expected_wait(seconds: float) -> tuple[str, ...]:
    """Full minutes, rounded up: who is told too little is angrier than who is told too much."""
    if seconds <= 60:
        return ("wait-soon",)
    return ("wait", *number(-int(-seconds // 60)), "wait-minutes")


def number(value: int) -> tuple[str, ...]:
    """Chinese numerals: 十五 for 15, 二十三 for 23, 一百零三 for 103, 一百一十 for 110."""
    value = max(0, min(value, MOST))
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    names = ["num-1", "num-100"] if hundreds else []
    if hundreds and ones and not tens:
        names.append("num-0")
    if tens:
        names += ["num-10"] if tens == 1 and not hundreds else [f"num-{tens}", "num-10"]
    if ones or not names:
        names.append(f"num-{ones}")
    return tuple(names)
