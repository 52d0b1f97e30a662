"""What a call's rules ask the world to do. The shell around a call carries them out, in order."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.events import CallEvent


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
    """End the dialog on the line: BYE, CANCEL, or ``status`` to an INVITE that was not answered yet."""

    status: int = 480
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HoldLine:
    held: bool


@dataclass(frozen=True, slots=True)
class SeekAgent:
    """The call wants an agent, or a better one than ``excluding``."""

    excluding: str = ""


@dataclass(frozen=True, slots=True)
class RingAgent:
    agent: str


@dataclass(frozen=True, slots=True)
class StopRinging:
    """The offer to this agent is over; ``missed`` takes the agent out of the rotation with this reason."""

    agent: str
    missed: str = ""


@dataclass(frozen=True, slots=True)
class JoinAgent:
    """Connect the agent's headset with the line; ``record`` starts the recording."""

    agent: str
    record: bool


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """The agent's part in the call is over: wrap-up begins."""

    agent: str


@dataclass(frozen=True, slots=True)
class Mute:
    muted: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more will come; release ports, recorder, timers."""


Effect = (
    Emit
    | RingLine
    | AnswerLine
    | ReleaseLine
    | HoldLine
    | SeekAgent
    | RingAgent
    | StopRinging
    | JoinAgent
    | FreeAgent
    | Mute
    | Finish
)
Effects = list[Effect]
