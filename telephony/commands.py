"""What can be asked of a phone over the seam: names, arguments and their checks in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from telephony.calls.call import CallRefused
from telephony.calls.live_call import LiveCall
from telephony.clock import Clock
from telephony.floor.agent import Agent, AgentRefused
from telephony.floor.floor import Floor
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
    def dial(self, agent: str, number: str, line_name: str = "", patient_id: str = "") -> str: ...
    def set_rules(self, values: dict[str, dict[str, Any]]) -> None: ...
    def snapshot(self) -> dict[str, Any]: ...


class Commands:
    """Carries out one command after another. Raises CommandFailed for what is refused."""

    def __init__(self, phone: Commanded) -> None:
        self._phone = phone
        self._table: dict[str, tuple[type[_Arguments], Callable[[Any], Any]]] = {
            "snapshot": (_Nothing, lambda _: phone.snapshot()),
            "agent.sign_in": (_SignIn, lambda a: self._state(phone.floor.sign_in(a.agent, a.name, a.queues))),
            "agent.sign_out": (_Agent, lambda a: phone.floor.sign_out(a.agent)),
            "agent.ready": (_Agent, lambda a: self._state(phone.floor.ready(a.agent))),
            "agent.not_ready": (_NotReady, lambda a: self._state(phone.floor.not_ready(a.agent, a.reason))),
            "call.dial": (_Dial, lambda a: {"call": phone.dial(a.agent, a.number, a.line, a.patient_id)}),
            "call.answer": (_OfCall, lambda a: self._call(a).agent_answers(a.agent)),
            "call.reject": (_OfCall, lambda a: self._call(a).agent_rejects(a.agent)),
            "call.hang_up": (_OfCall, lambda a: self._call(a).agent_hangs_up(a.agent)),
            "call.mute": (_Mute, lambda a: self._call(a).agent_mutes(a.agent, a.muted)),
            "call.hold": (_OfCall, lambda a: self._call(a).agent_holds(a.agent, True)),
            "call.resume": (_OfCall, lambda a: self._call(a).agent_holds(a.agent, False)),
            "call.digits": (_Digits, lambda a: self._call(a).agent_dials_digits(a.agent, a.digits)),
            "call.wrapped_up": (_OfCall, lambda a: phone.floor.wrapped_up(a.agent, a.call)),
            "rules.set": (_Rules, lambda a: phone.set_rules(a.rules)),
        }

    def _state(self, agent: Agent) -> dict[str, Any]:
        return agent_map(agent, self._phone.clock.monotonic())

    def _call(self, arguments: _OfCall) -> LiveCall:
        try:
            return self._phone.calls[arguments.call]
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
        except (AgentRefused, CallRefused) as error:
            raise CommandFailed(error.code, str(error)) from error
