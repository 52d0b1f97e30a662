"""From what was uploaded, recorded in the browser or typed, to a prompt as the phone plays it: 8 kHz mono A-law WAV.

ffmpeg reads the upload (any format it knows); pydub measures and levels it. Loudness is brought to one level, so that a
caller does not jump between a quiet greeting and a loud one; silence before and after is cut.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    # pydub looks for an ffmpeg on the PATH; ours comes with a wheel and is run here
    warnings.simplefilter("ignore", RuntimeWarning)
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

from recordings.ffmpeg import executable
from telephony.media import g711
from telephony.media.silence import PCMA
from telephony.media.wav import parse_wav

MOST_BYTES = 10 * 1024 * 1024
MOST_SECONDS = 180.0
LEAST_SECONDS = 0.3
RATE = 8000
#: mean level of every prompt, and the highest peak it may get (dB of full scale)
LEVEL, PEAK = -19.0, -1.0
#: quieter than this throughout is silence; quieter than this below the mean at an end is cut
SILENT, EDGE = -50.0, -30.0
#: wall seconds that ffmpeg or espeak-ng may take
_PATIENCE = 60.0
_VOICES = {"zh": "cmn-latn-pinyin", "en": "en"}
#: words a minute
_SPEED = {"zh": "190", "en": "150"}
_PCM, _ALAW = 1, 6
#: containers that recorders and browsers write; a playlist could make ffmpeg read other files of this machine
_FORMATS = (
    "wav,w64,mp3,ogg,matroska,webm,mov,mp4,m4a,3gp,flac,aac,aiff,amr,amrnb,amrwb,asf,caf,au,avi,mpeg,mpegts,rm,ape,wv,"
    "tta,ac3,eac3,opus"
)


class BadAudio(ValueError):
    """``code``: ``not_audio``, ``too_long``, ``too_short``, ``silent`` or ``no_speech`` (the machine has no voice)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class MadePrompt:
    """``wav`` is a whole file; ``sha256`` in hex is that of the file."""

    wav: bytes
    seconds: float

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.wav).hexdigest()


def make_prompt(upload: bytes) -> MadePrompt:
    """Raises BadAudio, and CodecFailed when there is no ffmpeg."""
    return _levelled(_decoded(upload))


def speak(text: str, language: str) -> MadePrompt:
    """Text read out by espeak-ng. ``language``: ``zh`` or ``en``. Raises BadAudio ``no_speech`` where the machine has
    no voice, and as ``make_prompt``."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise BadAudio("no_speech", "there is no espeak-ng on this machine")
    if language == "zh":
        # its Mandarin voice knows pinyin better than characters
        text = _pinyin(text)
    command = [program, "-v", _VOICES[language], "-s", _SPEED[language], "--stdin", "--stdout"]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise BadAudio("no_speech", "espeak-ng did not end") from error
    if done.returncode or not done.stdout:
        raise BadAudio("no_speech", f"espeak-ng failed: {done.stderr[-200:].decode('utf-8', 'replace').strip()}")
    return make_prompt(done.stdout)


def _pinyin(text: str) -> str:
    """By a process of its own: loading the table of phrases would keep the interpreter from calls for 0.3 s."""
    command = [sys.executable, "-m", "console.routing.syllables"]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise BadAudio("no_speech", "the text could not be read in time") from error
    if done.returncode:
        raise BadAudio("no_speech", f"the text could not be read: {done.stderr[-200:].decode('utf-8', 'replace')}")
    return done.stdout.decode()


def can_speak() -> bool:
    return shutil.which("espeak-ng") is not None


def playable(wav: bytes) -> bytes:
    """A prompt as every browser plays it: 16-bit PCM. Raises ``telephony.media.wav.BadSound``."""
    read = parse_wav(wav)
    pcm = read.data if read.law is None else g711.decode(read.data, read.law)
    return _wav(_PCM, 16, pcm)


def seconds_of(wav: bytes) -> float:
    """Raises ``telephony.media.wav.BadSound``."""
    read = parse_wav(wav)
    return len(read.data) / (RATE if read.law is not None else 2 * RATE)


def _decoded(upload: bytes) -> AudioSegment:
    """The whole upload as 8 kHz mono 16-bit PCM, one second more than is allowed at most."""
    with tempfile.TemporaryDirectory() as folder:
        # seekable, as some formats keep their index at the end
        source = Path(folder) / "upload"
        source.write_bytes(upload)
        command = [
            *(executable(), "-nostdin", "-hide_banner", "-v", "error", "-threads", "1"),
            *(
                "-protocol_whitelist",
                "file,pipe",
                "-format_whitelist",
                _FORMATS,
                "-i",
                f"file:{source}",
                "-map",
                "0:a:0",
                "-vn",
            ),
            *("-t", str(MOST_SECONDS + 1), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1"),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise BadAudio("not_audio", "it could not be read within a minute") from error
    if done.returncode and not done.stdout:
        raise BadAudio("not_audio", "this is no audio file that can be read")
    pcm = done.stdout[: len(done.stdout) // 2 * 2]
    if not pcm:
        raise BadAudio("not_audio", "there is no sound in this file")
    return AudioSegment(data=pcm, sample_width=2, frame_rate=RATE, channels=1)


def _levelled(sound: AudioSegment) -> MadePrompt:
    if sound.duration_seconds > MOST_SECONDS:
        raise BadAudio("too_long", f"a prompt lasts {MOST_SECONDS:.0f} s at most")
    if sound.dBFS < SILENT:
        raise BadAudio("silent", "there is nothing to be heard in it")
    edge = max(SILENT, sound.dBFS + EDGE)
    start = detect_leading_silence(sound, edge, 10)
    end = detect_leading_silence(sound.reverse(), edge, 10)
    # a breath is left at both ends, so that no consonant is cut
    sound = sound[max(0, start - 100) : len(sound) - max(0, end - 200)]
    if sound.duration_seconds < LEAST_SECONDS:
        raise BadAudio("too_short", f"a prompt lasts {LEAST_SECONDS} s at least")
    sound = sound.apply_gain(min(LEVEL - sound.dBFS, PEAK - sound.max_dBFS))
    return MadePrompt(_wav(_ALAW, 8, g711.encode(sound.raw_data, PCMA)), sound.duration_seconds)


def _wav(tag: int, bits: int, data: bytes) -> bytes:
    """A mono WAV file at 8 kHz of format ``tag`` (RFC 2361: 1 PCM, 6 A-law)."""
    size = bits // 8
    form = struct.pack("<HHIIHHH", tag, 1, RATE, RATE * size, size, bits, 0)
    fact = struct.pack("<I", len(data) // size)
    body = b"WAVE" + b"".join(_chunk(*one) for one in ((b"fmt ", form), (b"fact", fact), (b"data", data)))
    return _chunk(b"RIFF", body)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def store(made: MadePrompt, folder: Path) -> str:
    """Keep the file under its SHA-256 in ``folder``; gives its name. Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{made.sha256}.wav"
    if not (folder / name).is_file():
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(made.wav)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(folder / name)
    return name
