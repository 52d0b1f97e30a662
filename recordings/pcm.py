"""From a timeline to two-channel 16-bit PCM, a stretch at a time, and its peaks on the way."""

from __future__ import annotations

from collections.abc import Iterator

from recordings.g711 import HIGH, LOW, SIZE
from recordings.peaks import PeakMeter
from recordings.timeline import LEGS, RATE, Piece, Timeline

#: samples rendered at once: 30 s, about half a megabyte of PCM
STRETCH = 30 * RATE


def render(timeline: Timeline, data: bytes, meter: PeakMeter | None = None) -> Iterator[bytes]:
    """Interleaved little-endian PCM (channel 0 caller, 1 agent, 8 kHz), ``STRETCH`` samples at a time.

    ``data`` is the capture's; silence stands where a leg has no packet. The meter is fed with the same samples.
    """
    begun = [0] * len(LEGS)
    for start in range(0, timeline.samples, STRETCH):
        length = min(STRETCH, timeline.samples - start)
        pcm = bytearray(4 * length)
        for leg in LEGS:
            sizes = bytearray(length)
            low, high = bytearray(length), bytearray(length)
            pieces = timeline.legs[leg]
            place = begun[leg]
            while place < len(pieces) and pieces[place].at < start + length:
                place = _lay(pieces, place, data, start, low, high, sizes)
            begun[leg] = max(0, place - 1)
            pcm[2 * leg :: 4] = low
            pcm[2 * leg + 1 :: 4] = high
            if meter is not None:
                meter.add(leg, bytes(sizes))
        yield bytes(pcm)


def _lay(
    pieces: tuple[Piece, ...], place: int, data: bytes, start: int, low: bytearray, high: bytearray, sizes: bytearray
) -> int:
    """Lay the run of adjoining pieces of one codec that begins at ``place``; gives the place after it."""
    first = pieces[place]
    codes = [data[first.start : first.start + first.length]]
    end = first.end
    place += 1
    limit = start + len(low)
    while place < len(pieces):
        piece = pieces[place]
        if piece.at != end or piece.at >= limit or piece.payload_type != first.payload_type:
            break
        codes.append(data[piece.start : piece.start + piece.length])
        end = piece.end
        place += 1
    run = b"".join(codes)
    at = first.at - start
    if at < 0:
        run, at = run[-at:], 0
    run = run[: len(low) - at]
    law = first.payload_type
    low[at : at + len(run)] = run.translate(LOW[law])
    high[at : at + len(run)] = run.translate(HIGH[law])
    sizes[at : at + len(run)] = run.translate(SIZE[law])
    return place
