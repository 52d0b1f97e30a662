"""One agent's state: what may follow what, and what is remembered for when the call is over. No clocks of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from telephony.clock import SECOND
from telephony.events import AgentStatus

_BUSY = (AgentStatus.RINGING, AgentStatus.TALKING)
_ON_DUTY = (AgentStatus.READY, *_BUSY, AgentStatus.WRAP_UP)


class Device(StrEnum):
    """Where an agent's calls ring."""

    HEADSET = "headset"
    #: a telephone, by its number: the shift at home (D103)
    PHONE = "phone"


class AgentRefused(Exception):
    """The agent cannot do this now. ``code`` is for programs, the message for people; ``short``: of ``minimum_staff``,
    each queue that would be short, how many would stay and how many must."""

    def __init__(self, code: str, message: str, short: Sequence[tuple[str, int, int]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.short = tuple(short)


class _Place(NamedTuple):
    """Where somebody was before a call that is not theirs took them."""

    status: AgentStatus
    reason: str
    call: str
    by: str
    since: int
    idle_since: int


@dataclass(slots=True)
class Agent:
    """``since`` and ``idle_since`` are monotonic ns. Every change returns True when the visible state changed.

    Busy (ringing, talking) is only who has a call, and the end of that call (``stops_ringing``, ``leaves``,
    ``wraps_up``) is always a way out.
    """

    user: str
    name: str = ""
    queues: tuple[str, ...] = ("default",)
    #: levels 1 to 9 by skill
    skills: Mapping[str, int] = field(default_factory=dict)
    status: AgentStatus = AgentStatus.OFFLINE
    reason: str = ""
    call: str = ""
    #: the supervisor who forced this state, or nobody
    by: str = ""
    since: int = 0
    idle_since: int = 0
    headset: bool = False
    #: since when it is there, or away and why
    headset_since: int = 0
    headset_reason: str = ""
    device: Device = Device.HEADSET
    #: of the telephone
    number: str = ""
    #: where the agent goes when the call and its wrap-up are over
    next_status: AgentStatus = AgentStatus.NOT_READY
    next_reason: str = ""
    next_by: str = ""
    #: a ready agent whose headset was lost is put back until this time
    restore_until: int = 0
    #: where to go back to, unless something else was asked for meanwhile
    _before: _Place | None = None

    # ---- what others ask about

    @property
    def signed_in(self) -> bool:
        return self.status is not AgentStatus.OFFLINE

    @property
    def busy(self) -> bool:
        return self.status in _BUSY

    @property
    def on_duty(self) -> bool:
        """At the desk: free, on a call or writing up after one."""
        return self.status in _ON_DUTY

    @property
    def stays(self) -> bool:
        """On duty, and free again when the call is over: nobody whose break begins after it."""
        return self.status is AgentStatus.READY or (self.on_duty and self.next_status is AgentStatus.READY)

    @property
    def visiting(self) -> bool:
        """On a call that is not theirs, or not yet."""
        return self.busy and (self._before is not None or self.status is AgentStatus.RINGING)

    @property
    def reachable(self) -> bool:
        return self.headset if self.device is Device.HEADSET else bool(self.number)

    def may_take_call(self) -> bool:
        return self.status is AgentStatus.READY and self.reachable

    # ---- comings and goings

    def sign_in(
        self, name: str, queues: tuple[str, ...], skills: Mapping[str, int], now: int, *, renew: bool = False
    ) -> bool:
        """A console came. A call or a state that outlived the console before it is kept. ``renew``: nobody came, queues
        or skills are others: whom a supervisor has put offline stays it."""
        self.name, self.queues, self.skills = name, queues, dict(skills)
        if self.status is AgentStatus.OFFLINE:
            if renew and self.by:
                return False
            return self._become(AgentStatus.NOT_READY, now, "signed_in")
        if self.next_status is AgentStatus.OFFLINE and not (renew and self.next_by):
            self._ask(AgentStatus.NOT_READY, "signed_in")
        return False

    def sign_out(self, now: int) -> bool:
        self._ask(AgentStatus.OFFLINE)
        return False if self.busy else self._become(AgentStatus.OFFLINE, now)

    def ready(self, now: int) -> bool:
        self._must_be_reachable()
        self._ask(AgentStatus.READY)
        return False if self.busy else self._become(AgentStatus.READY, now)

    def not_ready(self, reason: str, now: int) -> bool:
        if not self.signed_in:
            raise AgentRefused("signed_out", "Sign in first.")
        self._ask(AgentStatus.NOT_READY, reason)
        if self.busy or self.status is AgentStatus.WRAP_UP:
            return False
        return self._become(AgentStatus.NOT_READY, now, reason)

    def force(self, status: AgentStatus, reason: str, by: str, now: int) -> bool:
        """A supervisor's word: at once, ending a wrap-up; on a call after it. Raises AgentRefused."""
        if status is AgentStatus.READY:
            self._must_be_reachable()
        elif not self.signed_in and status is not AgentStatus.OFFLINE:
            raise AgentRefused("signed_out", "This agent is not signed in.")
        self._ask(status, reason, by)
        return False if self.busy else self._become(status, now, reason, by=by)

    def reach(self, device: Device, number: str, now: int, grace: float) -> bool:
        """Ring there from the next call on. Raises AgentRefused ``bad_number``."""
        if device is Device.PHONE and not number:
            raise AgentRefused("bad_number", "A telephone needs a number.")
        if (self.device, self.number) == (device, number):
            return False
        self.device, self.number = device, number
        if self.status is AgentStatus.READY and not self.reachable:
            self._drop_out(now, grace)
        return True

    # ---- calls of their own

    def rings(self, call: str, now: int) -> bool:
        """A call from the queue."""
        self._engage()
        self._before = None
        return self._become(AgentStatus.RINGING, now, call=call)

    def stops_ringing(self, missed: str, now: int) -> bool:
        """``missed``: why the agent is taken out of the rotation; empty: they go on as before."""
        if self.status is not AgentStatus.RINGING:
            return False
        if missed and self._before is None and self.next_status is AgentStatus.READY:
            return self._become(AgentStatus.NOT_READY, now, missed)
        return self._go_back(now)

    def dials(self, call: str, now: int) -> bool:
        """From ready, not ready or wrap-up; the agent comes back to where they were. Raises AgentRefused."""
        self._must_be_free()
        self._engage()
        return self._become(AgentStatus.TALKING, now, "dialling", call)

    def talks(self, call: str, now: int) -> bool:
        """It is this agent's call now, also of one who was only asked into it: wrap-up follows."""
        if not self.busy:
            self._engage()
        self._before = None
        return self._become(AgentStatus.TALKING, now, call=call)

    def wraps_up(self, now: int) -> bool:
        """The agent's call is over."""
        if not self.busy:
            return False
        self._before = None
        if self.next_status is AgentStatus.OFFLINE:
            return self._go_on(now)
        return self._become(AgentStatus.WRAP_UP, now, call=self.call)

    def wrapped_up(self, now: int) -> bool:
        return self._go_on(now) if self.status is AgentStatus.WRAP_UP else False

    # ---- calls of others

    def invited(self, call: str, now: int) -> bool:
        """Somebody on a call asks for this agent (consultation, transfer). Raises AgentRefused."""
        self._must_be_free()
        self._engage()
        return self._become(AgentStatus.RINGING, now, call=call)

    def joins(self, call: str, reason: str, now: int) -> bool:
        """Into a call that is somebody else's, invited or as a supervisor; again: for another ``reason``.

        Raises AgentRefused.
        """
        if not (self.busy and self.call == call and self._before is not None):
            self._must_be_free()
            self._engage()
        return self._become(AgentStatus.TALKING, now, reason, call)

    def leaves(self, now: int) -> bool:
        """Out of a call that was not theirs: exactly back to where they were, or to what they asked for since."""
        return self._go_back(now) if self.busy else False

    # ---- headsets

    def headset_connected(self, now: int) -> bool:
        self._has_headset(True, "", now)
        if self.status is AgentStatus.NOT_READY and self.reason == "headset_lost" and now <= self.restore_until:
            self.restore_until = 0
            return self._become(AgentStatus.READY, now)
        return False

    def headset_lost(self, now: int, grace: float, reason: str = "") -> bool:
        """A ready agent leaves the rotation at once; one on a call keeps the call."""
        self._has_headset(False, reason, now)
        if self.device is not Device.HEADSET:
            return False
        changed = self.status is AgentStatus.RINGING and self._go_back(now, reachable=True)
        if self.status is AgentStatus.READY:
            return self._drop_out(now, grace)
        return changed

    # ---- how it is done

    def _has_headset(self, here: bool, reason: str, now: int) -> None:
        if here != self.headset or not self.headset_since:
            self.headset_since = now
        self.headset, self.headset_reason = here, reason

    def _become(self, status: AgentStatus, now: int, reason: str = "", call: str = "", by: str = "") -> bool:
        if (self.status, self.reason, self.call, self.by) == (status, reason, call, by):
            return False
        if status is AgentStatus.READY:
            self.idle_since = now
        self.status, self.reason, self.call, self.by, self.since = status, reason, call, by, now
        return True

    def _ask(self, status: AgentStatus, reason: str = "", by: str = "") -> None:
        """This is where the agent goes after the call, whatever was before it."""
        self.next_status, self.next_reason, self.next_by = status, reason, by
        self.restore_until = 0
        if self._before is not None:
            self._before = self._before._replace(status=status, reason=reason, call="", by=by, since=0)

    def _engage(self) -> None:
        """A call takes the agent: keep where they were."""
        self._before = _Place(self.status, self.reason, self.call, self.by, self.since, self.idle_since)
        if self.status is not AgentStatus.WRAP_UP:
            self.next_status, self.next_reason, self.next_by = self.status, self.reason, self.by

    def _go_on(self, now: int) -> bool:
        if self.next_status is AgentStatus.READY and not self.reachable:
            return self._become(AgentStatus.NOT_READY, now, "headset_lost")
        return self._become(self.next_status, now, self.next_reason, by=self.next_by)

    def _go_back(self, now: int, *, reachable: bool = False) -> bool:
        place, self._before = self._before, None
        if place is None:
            return self._go_on(now)
        if place.status is AgentStatus.READY and not (reachable or self.reachable):
            return self._become(AgentStatus.NOT_READY, now, "headset_lost")
        changed = self._become(place.status, now, place.reason, place.call, place.by)
        if place.since:
            self.since, self.idle_since = place.since, place.idle_since
        return changed

    def _drop_out(self, now: int, grace: float) -> bool:
        self.restore_until = now + int(grace * SECOND)
        return self._become(AgentStatus.NOT_READY, now, "headset_lost")

    def _must_be_reachable(self) -> None:
        if not self.signed_in:
            raise AgentRefused("signed_out", "Sign in first.")
        if not self.reachable:
            raise AgentRefused("no_headset", "No headset is connected. Plug it in and allow the microphone.")

    def _must_be_free(self) -> None:
        self._must_be_reachable()
        if self.busy:
            raise AgentRefused("agent_busy", "Already on a call.")
