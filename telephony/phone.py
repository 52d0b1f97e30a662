"""The phone of one node: lines, calls, headsets, the floor, the journal and the seam, put together."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

import msgspec

from telephony import events
from telephony.callback_desk import CallbackDesk
from telephony.calls.call import Call, CallRefused
from telephony.calls.live_call import LiveCall
from telephony.calls.surroundings import Surroundings
from telephony.clock import SECOND, Clock, SystemClock
from telephony.commands import Commands
from telephony.dialling import diallable, uri_domains
from telephony.event_stream import EventStream
from telephony.events import CallMarked, Direction, RoutingChanged
from telephony.floor.agent import Agent, AgentRefused, Device
from telephony.floor.floor import Floor
from telephony.identifiers import new_call_id
from telephony.journal import Journal
from telephony.lines.line import Dialog, Invite, Line, LineDriver
from telephony.lines.sdp import SdpError
from telephony.media.headset_server import HeadsetServer
from telephony.media.ports import MediaPorts, NoFreePort
from telephony.media.sound import SoundLibrary
from telephony.media.tap import Recorder
from telephony.numbering import subscriber
from telephony.routing.default_routing import default_routing
from telephony.routing.memory import RoutingMemory
from telephony.routing.outlook import QueueOutlook
from telephony.routing.router import matches, next_free
from telephony.routing.settings import RoutingSettings, parse_routing
from telephony.rules import Rules
from telephony.seam.server import SeamServer
from telephony.settings import LineSettings, PhoneSettings
from telephony.views import agent_map, call_map, rules_map

log = logging.getLogger(__name__)


class Phone:
    """Start it, and calls arrive. ``recorder`` comes from outside; without one nothing is recorded."""

    def __init__(
        self,
        settings: PhoneSettings,
        driver: LineDriver,
        recorder: Recorder | None = None,
        version: str = "",
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.rules = Rules()
        self.calls: dict[str, LiveCall] = {}
        self.lines: dict[str, Line] = {}
        #: why each line is in the state that it is in, as last reported
        self._line_details: dict[str, str] = {}
        self.journal = Journal(settings.journal_path)
        self.stream = EventStream(settings.node, self.clock, self.journal)
        self.floor = Floor(self.clock, self.stream.publish, self._floor_changed)
        self.headsets = HeadsetServer(settings, self)
        self._line_settings = {line.name: line for line in settings.lines}
        self._uri_domains = uri_domains(settings)
        self._version = version
        self._driver = driver
        self._ports = MediaPorts(settings.rtp_host, settings.rtp_ports)
        #: menus, queues, prompts and hours in force
        self.routing: RoutingSettings = default_routing(settings.lines)
        self._memory = RoutingMemory(lambda: self.routing)
        self.stream.listen(self._memory.observe)
        self.stream.heed(self.headsets.observe)
        self._sounds = SoundLibrary(settings.data)
        self.outlook = QueueOutlook(lambda: (live.call for live in self.calls.values()), self.floor, self._memory)
        self.callbacks = CallbackDesk(
            self.clock,
            self.calls,
            self._live,
            self._diallable,
            lambda: self.routing,
            self.outlook,
            self.stream.publish,
            lambda number: subscriber(number, settings.home_area_code),
        )
        self.stream.heed(self.callbacks.observe)
        self._around = Surroundings(
            clock=self.clock,
            publish=self.stream.publish,
            floor=self.floor,
            headsets=self.headsets,
            recorder=recorder,
            ports=self._ports,
            sounds=self._sounds,
            routing=lambda: self.routing,
            outlook=self.outlook,
            line=self._line_for_dialling,
            diallable=self._diallable,
            place_callback=self.callbacks.requested,
            call_again=self.callbacks.again,
            free_agent=lambda queue, but: next_free(queue, but, self.floor, self.routing, self._memory),
            route=self.route,
            finished=self._call_finished,
        )
        self.seam = SeamServer(settings.seam_path, self.stream, version, Commands(self).run)
        self._route_wanted = False
        self._floor_timer: asyncio.TimerHandle | None = None
        self._ticker: asyncio.Task[None] | None = None

    # ---- life

    async def start(self) -> None:
        """Raises OSError when a port is taken."""
        lost, recordings = dict(self.journal.live), dict(self.journal.recording)
        self.stream.start()
        self.stream.publish(events.NodeStarted(boot=uuid.uuid4().hex, version=self._version))
        for call in lost:
            log.error("call %s was lost when the phone process ended before", call)
            self.stream.publish(
                events.CallEnded(
                    call=call, by=events.Party.SYSTEM, sip_status=500, reason="the phone process ended unexpectedly"
                )
            )
        for call, path in recordings.items():
            self._close_left_behind(call, path)
        await self.headsets.start()
        await self.seam.start()
        for line in await self._driver.start(self):
            self.lines[line.name] = line
        self._ports.prepare()
        self._ticker = asyncio.ensure_future(self._tick())

    def _close_left_behind(self, call: str, path: str) -> None:
        """A recording that the process before did not close: what is on disk is all there is, and can be finished."""
        try:
            size = (self.settings.data / path).stat().st_size
        except OSError as error:
            log.error("call %s: the recording %s was lost: %s", call, path, error)
            size = 0
        self.stream.publish(events.RecordingClosed(call=call, path=path, bytes=size, packets=0))

    async def stop(self) -> None:
        """End every call, withdraw registrations, close all sockets."""
        if self._ticker:
            self._ticker.cancel()
        self.callbacks.close()
        for live in list(self.calls.values()):
            live.system_ends(480, "the phone is shut down")
        await self._driver.stop()
        await self.headsets.stop()
        self._ports.close()
        await asyncio.sleep(0)
        await self.stream.stop()
        await self.seam.stop()
        if self._floor_timer:
            self._floor_timer.cancel()
        self.journal.close()

    async def _tick(self) -> None:
        """Once a second: what could not be journalled is tried again."""
        while True:
            await asyncio.sleep(1)
            self.journal.flush()

    # ---- calls

    def line_incoming(self, line: Line, dialog: Dialog, invite: Invite) -> None:
        settings = self._line_settings[line.name]
        live = self._live(
            Direction.INBOUND,
            line.name,
            invite.number,
            dialled=invite.dialled,
            display_name=invite.display_name,
            queue=settings.queue,
            sip_call_id=invite.call_id,
        )
        try:
            live.receive(line, settings, dialog, invite.sdp)
        except (NoFreePort, OSError) as error:
            log.error("a call is refused: %s", error)
            self.calls.pop(live.call.id)
            dialog.reject(503, "Service Unavailable")
        except SdpError as error:
            log.warning("call %s is refused with 488: %s", live.call.id, error)
            live.run(live.call.begin(self.clock.monotonic()))
            live.system_ends(488, f"Not Acceptable Here: {error}")
        else:
            live.begin()

    def _live(self, direction: Direction, line: str, number: str, **details: Any) -> LiveCall:
        call = Call(
            new_call_id(),
            direction,
            line,
            number,
            self.rules,
            priorities=msgspec.structs.asdict(self.routing.priorities),
            **details,
        )
        live = self.calls[call.id] = LiveCall(call, self._around)
        return live

    def dial(self, agent: str, number: str, line_name: str = "", patient_id: str = "") -> str:
        """Call ``number`` for ``agent``; gives the call's id. Raises AgentRefused or CallRefused."""
        digits = self._diallable(number)
        line, settings = self._line_for_dialling(line_name)
        live = self._live(
            Direction.OUTBOUND,
            line.name,
            number,
            dialled=digits,
            home_queue=settings.queue,
            agent=agent,
            patient_id=patient_id,
        )
        call, phone = live.call.id, self.floor.phone_of(agent)
        try:
            if phone:
                self.floor.invited(agent, call)
                live.dial_from_phone(phone)
            else:
                self.floor.dials(agent, call)
                live.dial(line, settings, digits)
        except (NoFreePort, OSError) as error:
            self.calls.pop(call)
            self.floor.leaves(agent, call)
            raise CallRefused("no_line", str(error)) from error
        except AgentRefused:
            self.calls.pop(call)
            raise
        return call

    def _line_for_dialling(self, name: str) -> tuple[Line, LineSettings]:
        """The line of this name, or the first that is up. Raises CallRefused ``no_line``."""
        if name:
            if name not in self.lines:
                raise CallRefused("no_line", f"There is no line {name!r}.")
            return self.lines[name], self._line_settings[name]
        for line in self.lines.values():
            if line.status == "up" and self._line_settings[line.name].proxy:
                return line, self._line_settings[line.name]
        raise CallRefused("no_line", "No line is up to dial on.")

    def _diallable(self, number: str) -> str:
        return diallable(number, self._uri_domains)

    def sign_out(self, agent: str, *, leave: bool) -> None:
        """``leave``: on purpose, and no headset comes back: out of every call that others go on with."""
        self.floor.sign_out(agent)
        if leave:
            for live in list(self.calls.values()):
                live.leave_to_others(agent)

    def reach(self, agent: str, device: Device, number: str = "") -> Agent:
        """Where the agent's calls ring from now on (D103). Raises AgentRefused, and CallRefused as ``diallable``."""
        return self.floor.reach(agent, device, self._diallable(number) if device is Device.PHONE else "")

    def mark(self, agent: str, call: str, mark: str, detail: str = "") -> None:
        """Somebody says something about a call, also of one that is over."""
        self.stream.publish(CallMarked(call=call, by=agent, mark=mark, detail=detail))

    def _call_finished(self, call: str) -> None:
        live = self.calls.pop(call, None)
        if live is not None:
            self.callbacks.ended(live.call)

    # ---- routing

    def route(self) -> None:
        """Look for matches once the current batch of effects is through."""
        if not self._route_wanted:
            self._route_wanted = True
            asyncio.get_running_loop().call_soon(self._route_now)

    def _route_now(self) -> None:
        self._route_wanted = False
        calls = [live.call for live in self.calls.values()]
        for call, agent in matches(calls, self.floor, self.routing, self._memory, self.clock.monotonic()):
            self.calls[call.id].offer_to(agent, beside=not call.wants_agent())

    def set_routing(self, document: dict[str, Any]) -> None:
        """Menus, queues, prompts and hours from the next step of each call on. Raises RoutingError."""
        self.routing = parse_routing(document)
        self.floor.minimum_staff = self.routing.minimum_staff()
        self._sounds.use({prompt.name: prompt.file for prompt in self.routing.prompts})
        self.stream.publish(RoutingChanged(version=self.routing.version))
        for live in list(self.calls.values()):
            live.routing_changed(msgspec.structs.asdict(self.routing.priorities))
        self.route()

    def _floor_changed(self) -> None:
        self.route()
        if self._floor_timer:
            self._floor_timer.cancel()
            self._floor_timer = None
        deadline = self.floor.deadline()
        if deadline is not None:
            delay = max(0.0, (deadline - self.clock.monotonic()) / SECOND)
            self._floor_timer = asyncio.get_running_loop().call_later(delay + 0.0005, self._floor_due)

    def _floor_due(self) -> None:
        self.floor.due()
        self._floor_changed()

    # ---- reports

    def line_state(self, line: Line, status: str, detail: str) -> None:
        self._line_details[line.name] = detail
        self.stream.publish(events.LineState(line=line.name, status=status, detail=detail))

    def line_refused(self, source: str, count: int, detail: str) -> None:
        self.stream.publish(events.RequestRefused(source=source, count=count, detail=detail))

    def headset_connected(self, agent: str, console: str) -> None:
        self.floor.headset_connected(agent)
        for live in list(self.calls.values()):
            live.headset_back(agent)

    def headset_lost(self, agent: str, reason: str) -> None:
        self.floor.headset_lost(agent, reason)
        for live in list(self.calls.values()):
            live.headset_lost(agent, reason)

    # ---- views

    def set_rules(self, values: dict[str, dict[str, Any]]) -> None:
        """New values count from the next call on; calls under way keep theirs. Raises RuleError."""
        self.rules = self.rules.updated(values)
        self.floor.rules = self.rules
        self._floor_changed()

    def snapshot(self) -> dict[str, Any]:
        now = self.clock.monotonic()
        return {
            "node": self.settings.node,
            "sequence": self.journal.sequence,
            "version": self._version,
            "trouble": self.journal.trouble,
            "headset_port": self.headsets.port,
            "rules": rules_map(self.rules),
            "agents": [agent_map(agent, now) for agent in self.floor],
            "calls": [self._call_map(live, now) for live in self.calls.values()],
            "callbacks": self.callbacks.pending(),
            "queues": [queue.name for queue in self.routing.queues],
            "routing_version": self.routing.version,
            "lines": [
                {
                    "line": line.name,
                    "status": line.status,
                    "detail": self._line_details.get(line.name, ""),
                    "capabilities": {
                        name: getattr(line.capabilities, name)
                        for name in ("hold", "refer", "early_media", "late_offer", "dtmf_info")
                    },
                }
                for line in self.lines.values()
            ],
        }

    def _call_map(self, live: LiveCall, now: int) -> dict[str, Any]:
        caller = live.line_party(0)
        digits = caller is None or caller.negotiated is None or caller.negotiated.dtmf_payload_type is not None
        return call_map(live.call, now, digits, live.reception.menu, self.outlook.position(live.call.id))
