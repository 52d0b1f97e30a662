"""What every live call of a phone shares."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from telephony import events
from telephony.calls.call import Call
from telephony.clock import Clock
from telephony.floor.floor import Floor
from telephony.lines.line import Line
from telephony.media.headset_server import HeadsetServer
from telephony.media.ports import MediaPorts
from telephony.media.sound import SoundLibrary
from telephony.media.tap import Recorder
from telephony.routing.attended import Outlook
from telephony.routing.settings import RoutingSettings
from telephony.settings import LineSettings


@dataclass(frozen=True, slots=True)
class Surroundings:
    clock: Clock
    publish: Callable[[events.Event], events.Event]
    floor: Floor
    headsets: HeadsetServer
    recorder: Recorder | None
    ports: MediaPorts
    sounds: SoundLibrary
    routing: Callable[[], RoutingSettings]
    outlook: Outlook
    #: a line to dial on, by name or the first that can. Raises CallRefused ``no_line``
    line: Callable[[str], tuple[Line, LineSettings]]
    #: what is dialled for a number as people write it. Raises CallRefused ``bad_number``,
    #: ``foreign_address``
    diallable: Callable[[str], str]
    #: the caller of this call asks to be called back by agents of a queue; since when (Unix seconds) they wait
    place_callback: Callable[[Call, str, float], object]
    #: a call-back was not reached and is tried again in so many seconds
    call_again: Callable[[Call, float], object]
    #: who would get the next call of a queue, but for those named; empty: nobody is free
    free_agent: Callable[[str, Set[str]], str]
    #: a call waits or an agent may be free: look for matches soon
    route: Callable[[], None]
    #: the call is over and may be forgotten
    finished: Callable[[str], None]
