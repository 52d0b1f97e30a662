"""One party of a call, as the rules see it: who it is, which part it takes, whether it is there yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from telephony.calls.rings import RingCounter
from telephony.events import Role, Target, TransferKind

#: who is heard by the others; a call lasts while two of these are in it
SPEAKERS = frozenset({Role.CALLER, Role.AGENT, Role.CONSULTED, Role.MEMBER, Role.BARGER})
SUPERVISORS = frozenset({Role.LISTENER, Role.WHISPERER, Role.BARGER})
#: the caller, an agent and three more
MOST_SPEAKERS = 5
#: the tracks of a recording, 0 to 15
MOST_PARTIES = 16


class Kind(StrEnum):
    #: an outside number on a line
    LINE = "line"
    HEADSET = "headset"
    #: an agent's telephone, on a line (home shift, D103)
    PHONE = "phone"


class Group(StrEnum):
    MAIN = "main"
    #: the consulted party, and the agent while they talk to it
    SIDE = "side"


@dataclass(slots=True)
class Participant:
    """``number`` is its track in the recording. Times are monotonic ns; ``since``: joined, or invited while ringing."""

    number: int
    role: Role
    kind: Kind
    agent: str = ""
    address: str = ""
    name: str = ""
    joined: bool = False
    group: Group = Group.MAIN
    #: nothing has come from it for seconds, though somebody should hear it
    silent: bool = False
    muted: bool = False
    #: not joined, but what its network plays can be heard
    early: bool = False
    since: int = 0
    #: since when the agent's headset is away, and why; 0: it is there
    away_since: int = 0
    away_reason: str = ""
    #: since when nothing comes from here, as it is away altogether or without a microphone
    unheard_since: int = 0
    #: has been the call's agent: wrap-up follows
    handled: bool = False
    invited_by: str = ""
    target: Target | None = None
    #: others of the queue that is asked, who did not come
    asked_before: tuple[str, ...] = ()
    #: takes the call over when it answers
    transfer: TransferKind | None = None
    #: while it rings
    rings: RingCounter | None = None

    @property
    def speaks(self) -> bool:
        return self.role in SPEAKERS
