"""One agent's state: what may follow what, and what is remembered for when the call is over. No clocks of its own."""

from __future__ import annotations

from dataclasses import dataclass

from telephony.clock import SECOND
from telephony.events import AgentStatus

_BUSY = (AgentStatus.RINGING, AgentStatus.TALKING)


class AgentRefused(Exception):
    """The agent cannot do this now. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Agent:
    """``since`` and ``idle_since`` are monotonic ns. Every change returns True when the visible state changed."""

    user: str
    name: str = ""
    queues: tuple[str, ...] = ("default",)
    status: AgentStatus = AgentStatus.OFFLINE
    reason: str = ""
    call: str = ""
    since: int = 0
    idle_since: int = 0
    headset: bool = False
    #: where the agent goes when the call and its wrap-up are over
    next_status: AgentStatus = AgentStatus.NOT_READY
    next_reason: str = ""
    #: a ready agent whose headset was lost is put back until this time
    restore_until: int = 0

    def _become(self, status: AgentStatus, now: int, reason: str = "", call: str = "") -> bool:
        if (self.status, self.reason, self.call) == (status, reason, call):
            return False
        if status is AgentStatus.READY:
            self.idle_since = now
        self.status, self.reason, self.call, self.since = status, reason, call, now
        return True

    def sign_in(self, name: str, queues: tuple[str, ...], now: int) -> bool:
        """A console came. A call or a state that outlived the console before it is kept."""
        self.name, self.queues = name, queues
        if self.status is not AgentStatus.OFFLINE:
            return False
        return self._become(AgentStatus.NOT_READY, now, "signed_in")

    def sign_out(self, now: int) -> bool:
        self.next_status, self.next_reason = AgentStatus.OFFLINE, ""
        self.restore_until = 0
        if self.status in _BUSY:
            return False
        return self._become(AgentStatus.OFFLINE, now)

    def ready(self, now: int) -> bool:
        if self.status is AgentStatus.OFFLINE:
            raise AgentRefused("signed_out", "Sign in first.")
        if not self.headset:
            raise AgentRefused("no_headset", "No headset is connected. Plug it in and allow the microphone.")
        self.next_status, self.next_reason = AgentStatus.READY, ""
        if self.status in _BUSY or self.status is AgentStatus.READY:
            return False
        return self._become(AgentStatus.READY, now)

    def not_ready(self, reason: str, now: int) -> bool:
        if self.status is AgentStatus.OFFLINE:
            raise AgentRefused("signed_out", "Sign in first.")
        self.next_status, self.next_reason = AgentStatus.NOT_READY, reason
        self.restore_until = 0
        if self.status in _BUSY or self.status is AgentStatus.WRAP_UP:
            return False
        return self._become(AgentStatus.NOT_READY, now, reason)

    def may_take_call(self) -> bool:
        return self.status is AgentStatus.READY and self.headset

    def rings(self, call: str, now: int) -> bool:
        self.next_status, self.next_reason = AgentStatus.READY, ""
        return self._become(AgentStatus.RINGING, now, call=call)

    def stops_ringing(self, missed: str, now: int) -> bool:
        if self.status is not AgentStatus.RINGING:
            return False
        if missed:
            return self._become(AgentStatus.NOT_READY, now, missed)
        return self._go_on(now)

    def dials(self, call: str, now: int) -> bool:
        """An agent may dial from ready, not ready or wrap-up, and comes back to where they were."""
        if self.status is AgentStatus.OFFLINE:
            raise AgentRefused("signed_out", "Sign in first.")
        if not self.headset:
            raise AgentRefused("no_headset", "No headset is connected. Plug it in and allow the microphone.")
        if self.status in _BUSY:
            raise AgentRefused("agent_busy", "You are on a call.")
        if self.status is not AgentStatus.WRAP_UP:
            self.next_status, self.next_reason = self.status, self.reason
        return self._become(AgentStatus.TALKING, now, "dialling", call)

    def invited(self, call: str, now: int) -> bool:
        """Somebody on a call asks for this agent (consultation, transfer): it rings, and they come back to where they
        were unless it becomes their call. Raises AgentRefused."""
        self._reachable()
        if self.status is not AgentStatus.WRAP_UP:
            self.next_status, self.next_reason = self.status, self.reason
        return self._become(AgentStatus.RINGING, now, call=call)

    def joins(self, call: str, reason: str, now: int) -> bool:
        """Comes into a call that is somebody else's, invited or as a supervisor. Raises AgentRefused."""
        if self.status is AgentStatus.RINGING and self.call == call:
            return self._become(AgentStatus.TALKING, now, reason, call)
        self._reachable()
        if self.status is not AgentStatus.WRAP_UP:
            self.next_status, self.next_reason = self.status, self.reason
        return self._become(AgentStatus.TALKING, now, reason, call)

    def leaves(self, now: int) -> bool:
        """Out of a call that was somebody else's: back to where they were, without wrap-up."""
        return self._go_on(now) if self.status in _BUSY else False

    def _reachable(self) -> None:
        if self.status is AgentStatus.OFFLINE:
            raise AgentRefused("signed_out", "This agent is not signed in.")
        if not self.headset:
            raise AgentRefused("no_headset", "This agent has no headset connected.")
        if self.status in _BUSY:
            raise AgentRefused("agent_busy", "This agent is on a call.")

    def talks(self, call: str, now: int) -> bool:
        return self._become(AgentStatus.TALKING, now, call=call)

    def wraps_up(self, now: int) -> bool:
        if self.next_status is AgentStatus.OFFLINE:
            return self._become(AgentStatus.OFFLINE, now)
        return self._become(AgentStatus.WRAP_UP, now, call=self.call)

    def wrapped_up(self, now: int) -> bool:
        if self.status is not AgentStatus.WRAP_UP:
            return False
        return self._go_on(now)

    def _go_on(self, now: int) -> bool:
        if self.next_status is AgentStatus.READY and not self.headset:
            return self._become(AgentStatus.NOT_READY, now, "headset_lost")
        return self._become(self.next_status, now, self.next_reason)

    def headset_connected(self, now: int) -> bool:
        self.headset = True
        if self.status is AgentStatus.NOT_READY and self.reason == "headset_lost" and now <= self.restore_until:
            self.restore_until = 0
            return self._become(AgentStatus.READY, now)
        return False

    def headset_lost(self, now: int, grace: float) -> bool:
        """A ready agent leaves the rotation at once; one on a call keeps the call."""
        self.headset = False
        if self.status in (AgentStatus.READY, AgentStatus.RINGING):
            self.restore_until = now + int(grace * SECOND)
            return self._become(AgentStatus.NOT_READY, now, "headset_lost")
        return False
