"""Makes the prompts and the hold music of ``telephony/sounds/`` anew: ``python scripts/make_sounds.py [name …]``.

Speech comes from espeak-ng (Debian) in Mandarin, given as pinyin with tones; the music is our own, note by note. All
are 8 kHz A-law WAV of one loudness. Needs numpy (a dependency of development) and pypinyin.
"""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
from make_hold_music import hold_music
from pypinyin import Style, lazy_pinyin

from telephony.media import g711

SOUNDS = Path(__file__).parent.parent / "telephony" / "sounds"
RATE = 8000

#: words a minute, pitch 0 to 99, pause between words in 10 ms
SPEED, PITCH, GAP = 190, 42, 0
#: root mean square of what is spoken, and of the music, below full scale (dB)
SPEECH_LEVEL, MUSIC_LEVEL = -19.0, -22.0
#: silence before and after a prompt, and around a number inside a sentence (s)
MARGIN, INNER_MARGIN = 0.1, 0.02
#: a pause is at most so long (s)
PAUSE = 0.22

#: what the desk says; names as in docs/routing.md
TEXTS = {
    "menu-main": "您好，医院服务台。业务咨询请按一，投诉建议请按二，紧急情况请按零。",
    "menu-invalid": "对不起，没有这个选项，请重新选择。",
    "closed": "您好，现在是下班时间，请在工作时间来电。紧急情况请拨打一二零。",
    "recording-notice": "为保证服务质量，通话将被录音。",
    "please-wait": "正在为您转接，请稍候。",
    "position": "您现在排在第",
    "position-end": "位，请耐心等待。",
    "wait": "预计等待",
    "wait-minutes": "分钟。",
    "wait-soon": "很快为您接通，请不要挂机。",
    "callback-offer": "不想等待请按一，我们保留您的位置，给您回电。",
    "callback-accepted": "已为您登记回电，请保持电话畅通。再见。",
    "voicemail": "请在提示音后留言，说完请挂机或按井号键。",
    "voicemail-thanks": "留言已收到，我们会尽快处理。再见。",
    "transfer-failed": "对不起，电话无人接听，为您转回服务台。",
    "queue-full": "对不起，来电较多，请稍后再拨。",
    "goodbye": "感谢您的来电，再见。",
    **{f"num-{value}": word for value, word in enumerate("零一二三四五六七八九十")},
    "num-100": "百",
}
#: parts of a sentence: no pause around them
INNER = ("position", "wait", "num-")

#: where pypinyin picks the wrong reading or espeak-ng the wrong sound
READINGS = {"位": "wei4", "零": "ling2"}


def spoken(text: str) -> str:
    """Pinyin with tone numbers, as the ``cmn-latn-pinyin`` voice reads it."""
    if text in READINGS:
        return READINGS[text]
    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=len(text) > 1))


def speak(text: str) -> np.ndarray:
    """Samples from -1 to 1 at 8 kHz."""
    command = ["espeak-ng", "-v", "cmn-latn-pinyin", "-s", str(SPEED), "-p", str(PITCH), "-g", str(GAP), "--stdout"]
    said = subprocess.run(command, input=spoken(text).encode(), capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(1 << 30), "<i2") / 32768
    return resampled(samples, rate)


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """To 8 kHz, and to the band of a telephone (300 to 3400 Hz), by the spectrum of the whole."""
    padded = np.concatenate([np.zeros(rate // 10), samples, np.zeros(rate // 10)])
    spectrum = np.fft.rfft(padded)
    hertz = np.fft.rfftfreq(len(padded), 1 / rate)
    spectrum *= np.clip((hertz - 150) / 150, 0, 1) * np.clip((3700 - hertz) / 300, 0, 1)
    count = round(len(padded) * RATE / rate)
    cut = np.zeros(count // 2 + 1, complex)
    kept = min(len(cut), len(spectrum))
    cut[:kept] = spectrum[:kept]
    return np.fft.irfft(cut, count) * count / len(padded)


def trimmed(samples: np.ndarray, margin: float) -> np.ndarray:
    """Without the silence at both ends, but for ``margin`` seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    silence = np.zeros(round(margin * RATE))
    return np.concatenate([silence, samples[loud[0] : loud[-1] + 1], silence])


def without_long_pauses(samples: np.ndarray) -> np.ndarray:
    """The voice rests longer at a comma than a desk's callers want to wait."""
    size = RATE // 100
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    quiet = np.abs(frames).max(axis=1) < 0.02 * np.abs(samples).max()
    kept, run = [], 0
    for frame, still in zip(frames, quiet, strict=True):
        run = run + 1 if still else 0
        if run <= PAUSE * 100:
            kept.append(frame)
    return np.concatenate(kept)


def levelled(samples: np.ndarray, level: float) -> np.ndarray:
    """So loud where there is sound at all; what would stick out is rounded off, not cut."""
    frames = samples[: len(samples) // 80 * 80].reshape(-1, 80)
    powers = (frames**2).mean(axis=1)
    active = powers[powers > powers.max() / 1000]
    scaled = samples * 10 ** (level / 20) / np.sqrt(active.mean())
    return np.tanh(scaled / 0.9) * 0.9


def write(name: str, samples: np.ndarray) -> None:
    codes = g711.encode((samples * 32767).astype("<i2").tobytes(), 8)
    head = b"fmt " + np.array([18], "<u4").tobytes()
    head += np.array([6, 1], "<u2").tobytes() + np.array([RATE, RATE], "<u4").tobytes()
    head += np.array([1, 8, 0], "<u2").tobytes() + b"fact" + np.array([4, len(codes)], "<u4").tobytes()
    body = b"WAVE" + head + b"data" + np.array([len(codes)], "<u4").tobytes() + codes + b"\0" * (len(codes) % 2)
    (SOUNDS / f"{name}.wav").write_bytes(b"RIFF" + np.array([len(body)], "<u4").tobytes() + body)
    print(f"{name}: {len(codes) / RATE:.1f} s")


def main(names: list[str]) -> None:
    SOUNDS.mkdir(exist_ok=True)
    for name in names or [*TEXTS, "hold-music"]:
        if name == "hold-music":
            write(name, levelled(hold_music(RATE), MUSIC_LEVEL))
        else:
            margin = INNER_MARGIN if name.startswith(INNER) else MARGIN
            write(name, levelled(trimmed(without_long_pauses(speak(TEXTS[name])), margin), SPEECH_LEVEL))


if __name__ == "__main__":
    main(sys.argv[1:])
