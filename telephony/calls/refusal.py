"""A call says no."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call is in the wrong state for what is asked of it; what to do instead is in the sentence of each."""

    CONSULTING = "consulting"
    CONSULTS_NOBODY = "consults_nobody"
    NOT_ANSWERED_YET = "not_answered_yet"
    SWAP_INSTEAD = "swap_instead"
    NOT_TALKING = "not_talking"
    NOT_ALONE = "not_alone"
    HANG_UP_INSTEAD = "hang_up_instead"
    NUMBER_IN_CALL = "number_in_call"
    PARTY_GONE = "party_gone"
    IN_CALL_ALREADY = "in_call_already"
    AGENT_ALONE = "agent_alone"
    RINGS_NO_LONGER = "rings_no_longer"
    RINGS_AT_TELEPHONE = "rings_at_telephone"
    NOT_WAITING = "not_waiting"
    CALLBACK_TAKEN = "callback_taken"


_SAYS = {
    Reason.CONSULTING: "You consult somebody already: complete, merge or cancel that first.",
    Reason.CONSULTS_NOBODY: "You consult nobody at the moment.",
    Reason.NOT_ANSWERED_YET: "The other has not answered yet: wait, or cancel the consultation.",
    Reason.SWAP_INSTEAD: "While you consult, change over between the two instead of holding.",
    Reason.NOT_TALKING: "This can only be done once the call is answered.",
    Reason.NOT_ALONE: "Only a call between you and the caller alone can be transferred: leave it instead.",
    Reason.HANG_UP_INSTEAD: "Nobody else is in the call: hang up instead.",
    Reason.NUMBER_IN_CALL: "This number is in the call already.",
    Reason.PARTY_GONE: "This party is not in the call any more.",
    Reason.IN_CALL_ALREADY: "You are in this call already.",
    Reason.AGENT_ALONE: "The agent would be alone in the call: leave it instead.",
    Reason.RINGS_NO_LONGER: "This call does not ring at your desk any more.",
    Reason.RINGS_AT_TELEPHONE: "This call rings at your telephone: answer it there.",
    Reason.NOT_WAITING: "This call does not wait any more.",
    Reason.CALLBACK_TAKEN: "Somebody has taken this call-back.",
}


class CallRefused(Exception):
    """The call cannot do this now. ``code`` is for programs, the message for people; ``reason`` is one of ``Reason``
    where the code is ``wrong_state``."""

    def __init__(self, code: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def wrong_state(reason: Reason) -> CallRefused:
    return CallRefused("wrong_state", _SAYS[reason], reason)
