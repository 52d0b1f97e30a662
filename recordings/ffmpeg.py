"""The encoder: ffmpeg from the imageio-ffmpeg wheel, fed and read through pipes.

Why Opus in WebM, measured in Chromium over HTTP Range with a sweep whose pitch tells the place: WebM with its cues in
front lands within 5 ms of the asked second in a half-hour file; MP3 at a constant 32 kbit/s misses by up to 151 ms,
with or without its Xing header. Why two uncoupled streams (mapping family 255): in stereo mode the encoder shares what
both channels say, the other voice is heard 30 dB down while both speak, and nearly in full for a moment after a seek;
uncoupled it is 80 dB down. Why 32 kbit/s at effort 5: at 24 kbit/s, or at effort 1, a steady tone wanders by up to
2.4 dB (more under ill luck), so a level in the file would prove nothing; here it stays within 0.5 dB, for 206 kB and
about 0.6 s of CPU a minute, at low priority after the call. libopus leaves channels uncoupled only in family 255, which
names no speakers and which some players refuse; of a call of two the header is then set to family 1, which says left
and right (RFC 7845 §5.1.1.2). A call of more keeps family 255: Chromium plays up to 16 channels of it, none mixed into
another and in their order, and seeks in them as exactly; with family 1 it orders them as loudspeakers.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


def _pcm(channels: int) -> tuple[str, ...]:
    return ("-f", "s16le", "-ar", "8000", "-ac", str(channels))


class CodecFailed(RuntimeError):
    """ffmpeg ended with an error or did not end; the message carries its last words."""


@dataclass(frozen=True, slots=True)
class Codec:
    """``kilobits`` a second are spent on each channel; ``suffix`` and ``media_type`` are those of the file."""

    family: str
    kilobits: int
    arguments: tuple[str, ...]
    suffix: str = ".webm"
    media_type: str = "audio/webm"

    def name(self, channels: int) -> str:
        """What goes into the manifest and the database."""
        return f"{self.family}-{self.kilobits * channels}k"


# checksums over the headers are left out, because the Opus header is changed afterwards
_WEBM = ("-f", "webm", "-cues_to_front", "1", "-cluster_time_limit", "1000", "-write_crc32", "0")
# no random identifiers: the same capture gives the same file and SHA-256
_REPRODUCIBLE = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
_OPUS = ("-c:a", "libopus", "-mapping_family", "255", "-frame_duration", "20")

SPEECH = Codec("opus", 16, (*_OPUS, "-application", "voip", "-compression_level", "5", *_REPRODUCIBLE, *_WEBM))
#: for what the speech coder cannot follow (music, test tones); used when the verification of ``SPEECH`` fails
ANYTHING = Codec("opus", 32, (*_OPUS, "-application", "audio", *_REPRODUCIBLE, *_WEBM))


def executable() -> str:
    """Where ffmpeg is; raises CodecFailed when the wheel has none for this machine."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise CodecFailed(f"no ffmpeg: {error}") from error


def encode(pcm: Iterable[bytes], channels: int, target: Path, codec: Codec, most_seconds: float) -> None:
    """Encode interleaved 8 kHz 16-bit PCM into ``target`` (overwritten). Raises CodecFailed, OSError."""
    rate = ("-b:a", f"{codec.kilobits * channels}k")
    arguments = [*_pcm(channels), "-i", "pipe:0", *rate, *codec.arguments, str(target)]
    with _running(arguments, most_seconds, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            for stretch in pcm:
                process.stdin.write(stretch)
            process.stdin.close()
        except BrokenPipeError:
            # it died early; its last words are told by _running
            process.wait()
    _check_apart(target, channels)


def _check_apart(target: Path, channels: int) -> None:
    """Each channel must be a stream of its own; two are called left and right: the channel mapping family of the Opus
    header (RFC 7845 §5.1) is set from 255 to 1."""
    with target.open("r+b") as file:
        head = file.read(1 << 20)
        at = head.find(b"OpusHead")
        # family, streams, coupled streams, and which stream each channel is
        if at < 0 or head[at + 18 : at + 21 + channels] != bytes((255, channels, 0, *range(channels))):
            raise CodecFailed(f"the Opus header is not that of {channels} uncoupled streams")
        if channels == 2:
            file.seek(at + 18)
            file.write(b"\x01")


@contextmanager
def decoding(source: Path, channels: int, most_seconds: float) -> Iterator[Iterator[bytes]]:
    """Decode a file to 8 kHz 16-bit PCM of as many channels. Raises CodecFailed at the block's end if it went wrong."""
    arguments = ["-i", str(source), *_pcm(channels), "pipe:1"]
    with _running(arguments, most_seconds, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield iter(lambda: process.stdout.read(1 << 18) if process.stdout else b"", b"")


@contextmanager
def _running(
    arguments: Sequence[str], most_seconds: float, *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    command = [executable(), "-nostdin", "-hide_banner", "-v", "error", "-threads", "1", "-y", *arguments]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=words)
        overdue = threading.Timer(most_seconds, process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            yield process
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()
        finally:
            overdue.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            words.seek(0)
            last = words.read()[-500:].decode("utf-8", "replace").strip()
            raise CodecFailed(f"ffmpeg ended with {process.returncode}: {last or 'no message'}")
