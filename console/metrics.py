"""What ``/metrics`` shows (Prometheus text format), counted from the event stream and the web process itself."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from storage.call_projection import Call, project
from storage.phone_numbers import NumberingPlan

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FINE = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_USUAL = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


#: numbers do not matter here
_PLAN = NumberingPlan()
#: events by which the outcome of a call is read, as the call log does
_DECIDING = frozenset(
    {"call.picked_up", "call.answered", "call.transferred", "voicemail.left", "callback.requested", "call.ended"}
)


def begun(call: dict[str, Any]) -> Call:
    """The log's row of a call as the phone's snapshot has it: what its outcome may depend on."""
    since = float(call.get("seconds", 0.0))
    caller: dict[str, Any] = next((party for party in call.get("parties", ()) if party["party"] == 0), {})
    return Call(
        id=call["call"],
        started_at=0.0,
        direction=call["direction"],
        answered_at=since if call.get("talk_seconds") else None,
        picked_up_at=since if caller.get("state") == "joined" else None,
    )


class Metrics:
    """Each instance has a registry of its own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.calls = Counter("sansheng_calls", "Calls ended", ["direction", "outcome"], registry=registry)
        self.answers = Counter("sansheng_answers", "Inbound calls answered", ["within_three_rings"], registry=registry)
        self.events = Counter("sansheng_events", "Events of the phone", ["type"], registry=registry)
        self.live_calls = Gauge("sansheng_live_calls", "Calls under way", ["direction"], registry=registry)
        self.agents = Gauge("sansheng_agents", "Agents by state", ["status"], registry=registry)
        self.lines = Gauge("sansheng_line_up", "1 for a line that is up", ["line"], registry=registry)
        self.phone_up = Gauge("sansheng_phone_up", "1 while the phone process answers", registry=registry)
        self.consoles = Gauge("sansheng_consoles", "Open consoles", registry=registry)
        self.frames = Counter("sansheng_console_frames", "Events handed to consoles", registry=registry)
        self.stored = Gauge("sansheng_events_stored", "Events stored since the start", registry=registry)
        self.waiting = Gauge("sansheng_events_waiting", "Events that wait for the database", registry=registry)
        self.lag = Gauge("sansheng_event_lag_seconds", "Age of the oldest event not stored", registry=registry)
        self.disk_free = Gauge("sansheng_disk_free_bytes", "Free space of the data folder", registry=registry)
        self.requests = Counter(
            "sansheng_http_requests", "HTTP answers", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "sansheng_http_seconds", "Time to the answer's head", ["method", "route"], buckets=_USUAL, registry=registry
        )
        self.pop_seconds = Histogram(
            "sansheng_pop_seconds",
            "From the call's event at the phone to the pop handed to the console's socket",
            buckets=_FINE,
            registry=registry,
        )
        self._calls: dict[str, Call] = {}
        self._statuses: dict[str, str] = {}
        #: the counters of ``events`` by type: looking one up costs more than counting
        self._events: dict[str, Counter] = {}

    def text(self) -> bytes:
        """What is a number of things now is counted here: somebody asks every few seconds, events come all the time."""
        for direction in ("inbound", "outbound"):
            self.live_calls.labels(direction).set(sum(one.direction == direction for one in self._calls.values()))
        for status in ("offline", "not_ready", "ready", "ringing", "talking", "wrap_up"):
            self.agents.labels(status).set(sum(one == status for one in self._statuses.values()))
        return generate_latest(self.registry)

    def snapshot(self, snapshot: dict[str, Any]) -> None:
        """Begin from how things stand at the phone."""
        self.phone_up.set(1)
        self._calls = {call["call"]: begun(call) for call in snapshot.get("calls", ())}
        self._statuses = {agent["agent"]: agent["status"] for agent in snapshot.get("agents", ())}
        for line in snapshot.get("lines", ()):
            self.lines.labels(line["line"]).set(line["status"] == "up")

    def phone_gone(self) -> None:
        self.phone_up.set(0)

    def heard(self, event: dict[str, Any]) -> None:
        """One event of the stream, each once."""
        kind = event["type"]
        counter = self._events.get(kind)
        if counter is None:
            counter = self._events[kind] = self.events.labels(kind)
        counter.inc()
        call = event.get("call", "")
        if kind == "call.started":
            self._calls[call] = Call(id=call, started_at=event["at"], direction=event["direction"])
        elif kind in _DECIDING and call in self._calls:
            if kind == "call.answered" and event.get("within_three_rings") is not None:
                self.answers.labels("yes" if event["within_three_rings"] else "no").inc()
            row = project(self._calls[call], event, _PLAN)
            assert row is not None
            if kind != "call.ended":
                self._calls[call] = row
                return
            del self._calls[call]
            self.calls.labels(row.direction, row.outcome).inc()
        elif kind == "agent.state":
            self._statuses[event["agent"]] = event["status"]
        elif kind == "line.state":
            self.lines.labels(event["line"]).set(event["status"] == "up")
