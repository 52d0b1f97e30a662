"""What can be asked of a phone over the seam: names, arguments and their checks in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Protocol

import msgspec

from telephony.callback_desk import CallbackDesk
from telephony.calls.call import CallRefused
from telephony.calls.desk import Desk
from telephony.calls.live_call import LiveCall
from telephony.clock import Clock
from telephony.events import AgentStatus, Target
from telephony.floor.agent import Agent, AgentRefused, Device
from telephony.floor.floor import Floor
from telephony.routing.settings import RoutingError
from telephony.rules import RuleError
from telephony.seam.server import CommandFailed
from telephony.views import agent_map


class _Arguments(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Nothing(_Arguments):
    pass


class _Agent(_Arguments):
    agent: str


class _SignIn(_Arguments):
    agent: str
    name: str = ""
    queues: tuple[str, ...] = ("default",)
    skills: dict[str, Annotated[int, msgspec.Meta(ge=1, le=9)]] = {}
    renew: bool = False


class _SignOut(_Agent):
    leave: bool = False


class _NotReady(_Arguments):
    agent: str
    reason: str = ""


class _Dial(_Arguments):
    agent: str
    number: str
    line: str = ""
    patient_id: str = ""


class _OfCall(_Arguments):
    agent: str
    call: str


class _Mute(_OfCall):
    muted: bool


class _Digits(_OfCall):
    digits: str


class _To(_OfCall):
    target: Target


class _Drop(_OfCall):
    party: int


class _Monitor(_OfCall):
    mode: Literal["listen", "whisper", "barge"]


class _Private(_OfCall):
    private: bool


class _Mark(_OfCall):
    mark: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    detail: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class _Prioritise(_Arguments):
    call: str
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)]
    reason: Annotated[str, msgspec.Meta(max_length=200)]
    by: str = ""
    preferred_agent: str = ""


class _Force(_Arguments):
    agent: str
    by: str
    status: AgentStatus
    reason: str = ""


class _Reach(_Arguments):
    agent: str
    device: Device
    number: str = ""


class _Callback(_Arguments):
    queue: str
    number: str
    patient_id: str = ""
    requested_in: str = ""
    waiting_since: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    not_before: Annotated[float, msgspec.Meta(ge=0.0, le=1e11)] = 0.0


class _Cancel(_Arguments):
    call: str


class _Routing(_Arguments):
    routing: dict[str, Any]


class _Rules(_Arguments):
    rules: dict[str, dict[str, Any]]


class Commanded(Protocol):
    """What commands act on (``telephony.phone.Phone``)."""

    @property
    def floor(self) -> Floor: ...
    @property
    def calls(self) -> Mapping[str, LiveCall]: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def callbacks(self) -> CallbackDesk: ...
    def dial(self, agent: str, number: str, line_name: str = "", patient_id: str = "") -> str: ...
    def sign_out(self, agent: str, *, leave: bool) -> None: ...
    def mark(self, agent: str, call: str, mark: str, detail: str = "") -> None: ...
    def reach(self, agent: str, device: Device, number: str = "") -> Agent: ...
    def set_routing(self, document: dict[str, Any]) -> None: ...
    def set_rules(self, values: dict[str, dict[str, Any]]) -> None: ...
    def snapshot(self) -> dict[str, Any]: ...


class Commands:
    """Carries out one command after another. Raises CommandFailed for what is refused."""

    def __init__(self, phone: Commanded) -> None:
        self._phone = phone
        self._table: dict[str, tuple[type[_Arguments], Callable[[Any], Any]]] = {
            "snapshot": (_Nothing, lambda _: phone.snapshot()),
            "agent.sign_in": (
                _SignIn,
                lambda a: self._state(phone.floor.sign_in(a.agent, a.name, a.queues, a.skills, renew=a.renew)),
            ),
            "agent.sign_out": (_SignOut, lambda a: phone.sign_out(a.agent, leave=a.leave)),
            "agent.ready": (_Agent, lambda a: self._state(phone.floor.ready(a.agent))),
            "agent.not_ready": (_NotReady, lambda a: self._state(phone.floor.not_ready(a.agent, a.reason))),
            "agent.force": (_Force, lambda a: self._state(phone.floor.force(a.agent, a.by, a.status, a.reason))),
            "agent.reach": (_Reach, lambda a: self._state(phone.reach(a.agent, a.device, a.number))),
            "call.dial": (_Dial, lambda a: {"call": phone.dial(a.agent, a.number, a.line, a.patient_id)}),
            "call.answer": (_OfCall, lambda a: self._desk(a).answer(a.agent)),
            "call.reject": (_OfCall, lambda a: self._desk(a).reject(a.agent)),
            "call.hang_up": (_OfCall, lambda a: self._desk(a).hang_up(a.agent)),
            "call.mute": (_Mute, lambda a: self._desk(a).mute(a.agent, a.muted)),
            "call.hold": (_OfCall, lambda a: self._desk(a).hold(a.agent, True)),
            "call.resume": (_OfCall, lambda a: self._desk(a).hold(a.agent, False)),
            "call.digits": (_Digits, lambda a: self._desk(a).digits(a.agent, a.digits)),
            "call.wrapped_up": (_OfCall, lambda a: phone.floor.wrapped_up(a.agent, a.call)),
            "call.transfer": (_To, lambda a: self._desk(a).transfer(a.agent, _checked(a.target))),
            "call.consult": (_To, lambda a: {"party": self._desk(a).consult(a.agent, _checked(a.target))}),
            "call.swap": (_OfCall, lambda a: self._desk(a).swap(a.agent)),
            "call.merge": (_OfCall, lambda a: self._desk(a).merge(a.agent)),
            "call.complete": (_OfCall, lambda a: self._desk(a).complete(a.agent)),
            "call.cancel_consult": (_OfCall, lambda a: self._desk(a).cancel_consult(a.agent)),
            "call.drop": (_Drop, lambda a: self._desk(a).drop(a.agent, a.party)),
            "call.leave": (_OfCall, lambda a: self._desk(a).leave(a.agent)),
            "call.monitor": (_Monitor, lambda a: self._desk(a).monitor(a.agent, a.mode)),
            "call.take_over": (_OfCall, lambda a: self._desk(a).take_over(a.agent)),
            "call.private": (_Private, lambda a: self._desk(a).private(a.agent, a.private)),
            "call.mark": (_Mark, lambda a: phone.mark(a.agent, a.call, a.mark, a.detail)),
            "call.prioritise": (
                _Prioritise,
                lambda a: self._desk(a).prioritise(a.priority, a.reason, a.by, a.preferred_agent),
            ),
            "callback.place": (
                _Callback,
                lambda a: {
                    "call": phone.callbacks.place(
                        a.queue,
                        a.number,
                        a.patient_id,
                        a.requested_in,
                        a.waiting_since,
                        a.priority,
                        a.attempt,
                        a.not_before,
                    )
                },
            ),
            "callback.cancel": (_Cancel, lambda a: phone.callbacks.cancel(a.call)),
            "routing.set": (_Routing, lambda a: phone.set_routing(a.routing)),
            "rules.set": (_Rules, lambda a: phone.set_rules(a.rules)),
        }

    def _state(self, agent: Agent) -> dict[str, Any]:
        return agent_map(agent, self._phone.clock.monotonic())

    def _desk(self, arguments: _OfCall | _Prioritise) -> Desk:
        try:
            return self._phone.calls[arguments.call].desk
        except KeyError:
            raise CommandFailed("no_such_call", "This call is over.") from None

    async def run(self, name: str, arguments: dict[str, Any]) -> Any:
        try:
            shape, act = self._table[name]
        except KeyError:
            raise CommandFailed("bad_command", f"There is no command {name!r}.") from None
        try:
            return act(msgspec.convert(arguments, shape))
        except msgspec.ValidationError as error:
            raise CommandFailed("bad_arguments", f"{name}: {error}") from error
        except RuleError as error:
            raise CommandFailed("bad_arguments", str(error)) from error
        except RoutingError as error:
            raise CommandFailed("bad_routing", str(error)) from error
        except CallRefused as error:
            raise CommandFailed(error.code, str(error), {"reason": error.reason} if error.reason else {}) from error
        except AgentRefused as error:
            short = [{"queue": queue, "left": left, "needed": needed} for queue, left, needed in error.short]
            raise CommandFailed(error.code, str(error), {"short": short} if short else {}) from error


def _checked(target: Target) -> Target:
    """Raises CommandFailed where the kind's own field is empty."""
    if not getattr(target, target.kind):
        raise CommandFailed("bad_arguments", f"target: {target.kind} is missing")
    return target
