"""DTMF digits in INFO bodies (``application/dtmf-relay``, ``application/dtmf``), as gateways and phones write them."""

from __future__ import annotations

INFO_TYPES = "application/dtmf-relay, application/dtmf"
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_DIGITS = frozenset("0123456789*#ABCD")


def info_digit(kind: str, text: str) -> str | None:
    """The digit of an INFO body of media type ``kind``: None for a type that is no DTMF, ``""`` where none is named."""
    if kind == "application/dtmf-relay":
        for line in text.replace("\r", "\n").split("\n"):
            name, _, value = line.partition("=")
            if name.strip().lower() == "signal":
                signal = value.strip().upper()
                break
        else:
            return ""
    elif kind == "application/dtmf":
        signal = text.strip().upper()
    else:
        return None
    signal = _NUMBERED.get(signal, signal)
    return signal if signal in _DIGITS else ""
