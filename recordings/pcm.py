"""From a timeline to 16-bit PCM with a channel for each track, a stretch at a time, and its peaks on the way."""

from __future__ import annotations

from collections.abc import Iterator

from recordings.g711 import HIGH, LOW, SIZE
from recordings.peaks import PeakMeter
from recordings.timeline import RATE, Piece, Timeline

#: samples rendered at once: 30 s, about half a megabyte of PCM a channel
STRETCH = 30 * RATE


def render(timeline: Timeline, data: bytes, meter: PeakMeter | None = None) -> Iterator[bytes]:
    """Interleaved little-endian PCM (8 kHz, the timeline's tracks as channels), ``STRETCH`` samples at a time.

    ``data`` is the capture's; silence stands where a party has no packet. The meter is fed with the same samples.
    """
    channels = len(timeline.legs)
    begun = [0] * channels
    for start in range(0, timeline.samples, STRETCH):
        length = min(STRETCH, timeline.samples - start)
        pcm = bytearray(2 * channels * length)
        for channel, pieces in enumerate(timeline.legs):
            sizes = bytearray(length)
            low, high = bytearray(length), bytearray(length)
            place = begun[channel]
            while place < len(pieces) and pieces[place].at < start + length:
                place = _lay(pieces, place, data, start, low, high, sizes)
            begun[channel] = max(0, place - 1)
            pcm[2 * channel :: 2 * channels] = low
            pcm[2 * channel + 1 :: 2 * channels] = high
            if meter is not None:
                meter.add(channel, bytes(sizes))
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
