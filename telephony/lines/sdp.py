"""SDP offer and answer for one G.711 audio stream (RFC 8866, RFC 3264, RFC 4733), as plain text.

Signalling drivers carry the text; who owns the media calls ``make_offer`` or ``make_answer`` and, when the other side
answered, ``read_answer``. A description that cannot be used raises ``SdpError``; one without a codec that we
speak raises ``NoCommonCodec`` (SIP 488).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from telephony.lines.session_description import MediaDescription, SdpError, SessionDescription

__all__ = [
    "Accepted",
    "MediaDescription",
    "Negotiated",
    "NoCommonCodec",
    "SdpError",
    "SessionDescription",
    "accept",
    "make_answer",
    "make_offer",
    "read_answer",
]

#: static RTP payload types of the codecs that the desk speaks (RFC 3551 table 4)
STATIC_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
#: payload type that our offers give to telephone-event (RFC 4733)
EVENT_PAYLOAD_TYPE = 101
DEFAULT_PTIME_MS = 20
CODECS = ("PCMA", "PCMU")

_MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_SENDS = {"sendrecv", "sendonly"}
_RECEIVES = {"sendrecv", "recvonly"}


class NoCommonCodec(SdpError):
    """No audio stream of the description has a codec that we speak: SIP 488 Not Acceptable Here."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides agreed on. ``direction`` is ours: ``sendonly`` means we send and the peer only listens."""

    codec: str
    payload_type: int
    dtmf_payload_type: int | None
    remote_host: str
    remote_port: int
    direction: str
    ptime: int = DEFAULT_PTIME_MS


def make_offer(
    host: str,
    port: int,
    codecs: Sequence[str] = CODECS,
    session_id: int = 1,
    version: int = 1,
    direction: str = "sendrecv",
) -> str:
    """An offer of one audio stream received at ``host:port``; raise ``version`` by one for each changed offer."""
    payload_types = [STATIC_PAYLOAD_TYPES[codec] for codec in codecs]
    lines = _session_lines(host, session_id, version)
    lines += _audio_lines(port, list(zip(payload_types, codecs, strict=True)), EVENT_PAYLOAD_TYPE, direction)
    return _text(lines)


def make_answer(
    offer: str,
    host: str,
    port: int,
    codecs: Sequence[str] = CODECS,
    session_id: int = 1,
    version: int = 1,
    direction: str = "sendrecv",
) -> tuple[str, Negotiated]:
    """Answer ``offer`` with the first usable audio stream; all other streams are refused with port 0 (RFC 3264 §6).

    ``direction`` is what we would like; what the offer does not allow is taken away. The codec is the first of the
    offer that ``codecs`` holds. Raises ``SdpError`` for a malformed offer, ``NoCommonCodec`` when nothing fits.
    """
    accepted = accept(offer, codecs, direction)
    return accepted.answer(host, port, session_id, version), accepted.negotiated


@dataclass(frozen=True, slots=True)
class Accepted:
    """An offer that can be answered: what is agreed on by it, and the answer whenever that is wanted."""

    negotiated: Negotiated
    _description: SessionDescription
    _index: int

    def answer(self, host: str, port: int, session_id: int = 1, version: int = 1) -> str:
        agreed = self.negotiated
        lines = _session_lines(host, session_id, version, self._description.timing)
        for position, stream in enumerate(self._description.media):
            if position == self._index:
                codecs, event = [(agreed.payload_type, agreed.codec)], agreed.dtmf_payload_type
                lines += _audio_lines(port, codecs, event, agreed.direction, stream.mid)
            else:
                lines.append(f"m={stream.kind} 0 {stream.protocol} {' '.join(stream.formats)}")
        return _text(lines)


def accept(offer: str, codecs: Sequence[str] = CODECS, direction: str = "sendrecv") -> Accepted:
    """As ``make_answer``, which is to be written later."""
    description = SessionDescription.parse(offer)
    usable = _first_usable(description, codecs)
    if usable is None:
        raise NoCommonCodec(f"no common codec: offered {_offered_names(description)}, we speak {', '.join(codecs)}")
    index, payload_type, codec = usable
    media = description.media[index]
    ours = _restrict(direction, _MIRROR[_effective_direction(description, media)])
    return Accepted(_negotiated(description, media, codec, payload_type, ours), description, index)


def read_answer(answer: str, codecs: Sequence[str] = CODECS) -> Negotiated:
    """What the other side's answer to our offer means. Raises ``SdpError`` or ``NoCommonCodec``."""
    description = SessionDescription.parse(answer)
    accepted = _first_usable(description, codecs)
    if accepted is None:
        raise NoCommonCodec(f"the answer has none of our codecs: {_offered_names(description)}")
    index, payload_type, codec = accepted
    media = description.media[index]
    direction = _MIRROR[_effective_direction(description, media)]
    return _negotiated(description, media, codec, payload_type, direction)


def _first_usable(description: SessionDescription, codecs: Sequence[str]) -> tuple[int, int, str] | None:
    wanted = {codec.upper() for codec in codecs}
    for index, media in enumerate(description.media):
        if media.kind != "audio" or media.port == 0 or media.protocol.upper() not in ("RTP/AVP", "RTP/AVPF"):
            continue
        for payload_type in media.payload_types():
            codec = media.codec_of(payload_type)
            if codec in wanted and codec in STATIC_PAYLOAD_TYPES:
                return index, payload_type, codec
    return None


def _effective_direction(description: SessionDescription, media: MediaDescription) -> str:
    """The peer's direction; a connection address of 0.0.0.0 is the hold of RFC 2543 (RFC 3264 §8.4)."""
    direction = media.direction or description.direction or "sendrecv"
    if _is_null(media.host or description.host):
        return "sendonly" if direction in _SENDS else "inactive"
    return direction


def _negotiated(
    description: SessionDescription, media: MediaDescription, codec: str, payload_type: int, direction: str
) -> Negotiated:
    host = media.host or description.host
    if not host:
        raise SdpError("no connection address (c=) for the audio stream")
    return Negotiated(
        codec=codec,
        payload_type=payload_type,
        dtmf_payload_type=media.payload_type_of("TELEPHONE-EVENT"),
        remote_host=host,
        remote_port=media.port,
        direction=direction,
        ptime=media.ptime or DEFAULT_PTIME_MS,
    )


def _restrict(wanted: str, allowed: str) -> str:
    sends = wanted in _SENDS and allowed in _SENDS
    receives = wanted in _RECEIVES and allowed in _RECEIVES
    if sends and receives:
        return "sendrecv"
    if sends:
        return "sendonly"
    return "recvonly" if receives else "inactive"


def _session_lines(host: str, session_id: int, version: int, timing: str = "0 0") -> list[str]:
    family = f"IN IP{6 if ':' in host else 4}"
    return [
        "v=0",
        f"o=- {session_id} {version} {family} {host}",
        "s=-",
        f"c={family} {host}",
        f"t={timing}",
    ]


def _audio_lines(
    port: int, codecs: list[tuple[int, str]], event: int | None, direction: str, mid: str = ""
) -> list[str]:
    numbers = [str(payload_type) for payload_type, _ in codecs]
    if event is not None:
        numbers.append(str(event))
    lines = [f"m=audio {port} RTP/AVP {' '.join(numbers)}"]
    if mid:
        lines.append(f"a=mid:{mid}")
    lines += [f"a=rtpmap:{payload_type} {codec}/8000" for payload_type, codec in codecs]
    if event is not None:
        lines += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
    return [*lines, f"a=ptime:{DEFAULT_PTIME_MS}", f"a={direction}"]


@lru_cache(maxsize=1024)
def _is_null(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _offered_names(description: SessionDescription) -> str:
    names = [media.codec_of(pt) or str(pt) for media in description.media for pt in media.payload_types()]
    return ", ".join(names) or "no audio"


def _text(lines: list[str]) -> str:
    return "\r\n".join(lines) + "\r\n"
