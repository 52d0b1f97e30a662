"""One headset: an agent's browser on a WebSocket, audio in binary frames (docs/architecture.md)."""

from __future__ import annotations

import logging
import math
import socket
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Protocol

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from telephony.media.headset_liveness import Liveness
from telephony.media.packet_path import Microphone
from telephony.media.plain_path import HEADER_SIZE
from telephony.media.silence import MOST_SAMPLES, PCMA, PCMU

_log = logging.getLogger(__name__)

_MOST_FRAME = HEADER_SIZE + MOST_SAMPLES

REPLACED = 4001
BAD_TOKEN = 4003
SILENT_SOCKET = 4008

#: frames that make no sense before the socket is closed with 1008
MOST_IGNORED = 200

#: bytes that may wait unsent for a slow network, in the kernel and in the process: about half a second of audio.
#: More would only arrive as delay.
_KERNEL_UNSENT = 4096
_PROCESS_UNSENT = 2048
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)


class HeadsetOwner(Protocol):
    """Who keeps the headsets (``HeadsetServer``)."""

    def opened(self, headset: Headset) -> None: ...
    def closed(self, headset: Headset, reason: str) -> None: ...
    def changed(self, headset: Headset) -> None:
        """What its page said of itself is to be looked at now."""


class _Text(msgspec.Struct):
    """Any text frame of a console."""

    type: str
    n: int = 0
    page_age_ms: float = 0.0
    stats: dict[str, Any] = {}
    present: bool = True


_text = msgspec.json.Decoder(_Text)


class Headset(WSListener):
    """``on_audio(payload)`` gets what the microphone says while a call is on, in G.711 payloads; where that is None,
    ``on_frame(frame)`` gets it with its header.

    ``received``, ``lost`` (gaps in the console's own numbering), ``ignored`` (frames that make no sense) and
    ``dropped`` (audio left out because the network to the headset is slow) are counts over the socket's life.
    """

    def __init__(self, agent: str, console: str, owner: HeadsetOwner, number: int = 0) -> None:
        #: in the order of arrival
        self.number = number
        self.agent = agent
        self.console = console
        self.microphone = Microphone(self._other)
        # found on the instance: no method of ours in between
        self.on_ws_frame = self.microphone.frame  # type: ignore[method-assign]
        self.liveness = Liveness(monotonic_ns())
        #: as last reported by the console; its own words
        self.stats: dict[str, Any] = {}
        self.call = ""
        self.trouble = ""
        self.ignored = 0
        self.dropped = 0
        self._owner = owner
        self._transport: WSTransport | None = None
        self._open = False
        #: sends a frame as it is, or leaves it out and counts it while the network is clogged
        self.deliver: Callable[[WSMsgType, bytes], None] = self._leave_out
        self._started: tuple[str, int, str] | None = None
        self._reason = "closed"

    @property
    def on_audio(self) -> Callable[[bytes], None] | None:
        return self.microphone.on_audio

    @on_audio.setter
    def on_audio(self, on_audio: Callable[[bytes], None] | None) -> None:
        self.microphone.on_audio = on_audio

    @property
    def on_frame(self) -> Callable[[bytes], None] | None:
        return self.microphone.on_frame

    @on_frame.setter
    def on_frame(self, on_frame: Callable[[bytes], None] | None) -> None:
        self.microphone.on_frame = on_frame

    @property
    def received(self) -> int:
        return self.microphone.received

    @property
    def lost(self) -> int:
        return self.microphone.lost

    # what the phone says to the headset

    def start(self, call: str, payload_type: int, direction: str) -> None:
        """A call's audio begins (again with another ``direction`` or law: it changes)."""
        if self._started == (call, payload_type, direction):
            return
        self.microphone.next = -1  # the console numbers anew from each start on
        self._started = (call, payload_type, direction)
        self.call = call
        self.microphone.payload_type = payload_type
        self.send_text({"type": "start", "call": call, "payload_type": payload_type, "direction": direction})

    def stop(self, call: str) -> None:
        """The audio of ``call`` ends; nothing happens when another call has taken the headset since."""
        if self.call == call and call:
            self.call = ""
            self._started = None
            self.microphone.payload_type = -1
            self.on_audio = self.on_frame = None
            self.send_text({"type": "stop", "call": call})

    def set_muted(self, muted: bool) -> None:
        self.send_text({"type": "mute", "muted": muted})

    def send_text(self, message: dict[str, Any]) -> None:
        if self._open and self._transport is not None:
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(message))

    def send_audio(self, frame: bytes) -> None:
        """One binary frame, header included."""
        self.deliver(WSMsgType.BINARY, frame)

    def _leave_out(self, kind: WSMsgType, frame: bytes) -> None:
        """``deliver`` while the network is clogged or the socket is not there."""
        self.dropped += 1

    def close(self, code: int, reason: str) -> None:
        """Say ``reason`` and close; the owner hears ``closed`` with it."""
        if self._open and self._transport is not None:
            self._open = False
            self.deliver = self._leave_out
            self._reason = reason
            self._transport.send_close(code, reason.encode())  # type: ignore[arg-type]
            self._transport.disconnect(graceful=code != SILENT_SOCKET)

    @property
    def open(self) -> bool:
        return self._open

    # what picows tells us

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._open = True
        self.deliver = transport.send
        underlying = transport.underlying_transport
        underlying.set_write_buffer_limits(high=_PROCESS_UNSENT)
        tcp = underlying.get_extra_info("socket")
        try:
            tcp.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _KERNEL_UNSENT)
        except OSError as error:
            _log.info("headset socket without TCP_NOTSENT_LOWAT: %s", error.strerror)
        self.send_text({"type": "welcome", "agent": self.agent})
        self._owner.opened(self)
        self.probe()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._open = False
        self.deliver = self._leave_out
        self._owner.closed(self, self._reason)

    def pause_writing(self) -> None:
        self.deliver = self._leave_out

    def resume_writing(self) -> None:
        if self._open and self._transport is not None:
            self.deliver = self._transport.send

    # the rest

    def probe(self) -> None:
        self.send_text({"type": "probe", "n": self.liveness.probe()})

    def _other(self, transport: WSTransport, frame: WSFrame, data: bytes) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.TEXT and frame.fin:
            self._text_frame(data)
        elif kind == WSMsgType.CLOSE:
            if self._open:
                self._open = False
                self.deliver = self._leave_out
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind == WSMsgType.PONG:
            return
        elif not frame.fin or kind == WSMsgType.CONTINUATION:
            self.close(1003, "fragmented messages are not taken")
        elif data and data[0] in (PCMU, PCMA) and HEADER_SIZE < len(data) <= _MOST_FRAME:
            return  # the microphone ran a little longer than the call, or on after a change of law
        else:
            self._ignore()

    def _text_frame(self, data: bytes) -> None:
        try:
            message = _text.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._ignore()
            return
        if message.type == "alive" and math.isfinite(message.page_age_ms) and message.page_age_ms >= 0:
            self.stats = message.stats
            self.liveness.alive(message.page_age_ms, monotonic_ns())
        elif message.type == "microphone":
            self.liveness.microphone(message.present)
            self._owner.changed(self)
        else:
            self._ignore()

    def _ignore(self) -> None:
        self.ignored += 1
        if self.ignored > MOST_IGNORED:
            self.close(1008, "too many frames that make no sense")
