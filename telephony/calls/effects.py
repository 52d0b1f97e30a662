"""What a call's rules ask the world to do. The shell around a call carries them out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telephony.events import CallEvent, Target


@dataclass(frozen=True, slots=True)
class Emit:
    event: CallEvent


@dataclass(frozen=True, slots=True)
class RingLine:
    """180 to the caller."""


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """200 with SDP to the caller."""


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """End the caller's dialog: BYE, CANCEL, or ``status`` to an INVITE that was not answered yet."""

    status: int = 480
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HoldLine:
    """The caller is held, or talks again."""

    held: bool


@dataclass(frozen=True, slots=True)
class ReferLine:
    """REFER the caller's dialog to ``number`` (RFC 3515)."""

    number: str


@dataclass(frozen=True, slots=True)
class DialParty:
    """Dial the outside number of this party (the caller of a call-back, too) on ``line``."""

    party: int
    number: str
    line: str


@dataclass(frozen=True, slots=True)
class SeekAgent:
    """The call wants an agent, or another one than it rings at."""


@dataclass(frozen=True, slots=True)
class RingAgent:
    """``invited``: for somebody who is on the call already, not from the queue. ``phone``: dial it, the agent works
    without a headset (D103)."""

    agent: str
    invited: bool = False
    phone: str = ""


@dataclass(frozen=True, slots=True)
class StopRinging:
    """The offer to ``agent`` is over; with ``missed`` the agent leaves the rotation for this reason."""

    agent: str
    missed: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Start the recording, if it does not run."""


@dataclass(frozen=True, slots=True)
class JoinAgent:
    """The agent's headset, or the phone that it rang at, is party ``party`` of the audio from now on."""

    agent: str
    party: int


@dataclass(frozen=True, slots=True)
class OwnCall:
    """The agent handles this call from now on."""

    agent: str


@dataclass(frozen=True, slots=True)
class Visit:
    """The agent takes part in somebody else's call: ``consulted``."""

    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveParty:
    """The party leaves the call's audio; an outside one's dialog is ended."""

    party: int


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """The agent's part in the call is over. ``handled``: wrap-up begins; else the agent is back where they were."""

    agent: str
    handled: bool = True


@dataclass(frozen=True, slots=True)
class Mute:
    party: int
    muted: bool


@dataclass(frozen=True, slots=True)
class Route:
    """From now on who hears whom, and what is played to those who wait (names of sounds by party)."""

    hears: Mapping[int, tuple[int, ...]]
    sounds: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class AwaitAgent:
    """The call is in a queue again: what its caller hears is the menu's matter."""


@dataclass(frozen=True, slots=True)
class ForwardFailed:
    """The number that a menu or an overflow rule sent the call to did not answer."""

    status: int


@dataclass(frozen=True, slots=True)
class AskNext:
    """Who was asked of a queue did not come: ask the next one who is free, on behalf of ``by``. The caller is held."""

    by: str
    target: Target
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallAgain:
    """The call-back was not reached: place it anew in ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more will come; release ports, recorder, timers."""


Effect = (
    Emit
    | RingLine
    | AnswerLine
    | ReleaseLine
    | HoldLine
    | ReferLine
    | DialParty
    | SeekAgent
    | RingAgent
    | StopRinging
    | Record
    | JoinAgent
    | OwnCall
    | Visit
    | RemoveParty
    | FreeAgent
    | Mute
    | Route
    | AwaitAgent
    | ForwardFailed
    | AskNext
    | CallAgain
    | Finish
)
Effects = list[Effect]
