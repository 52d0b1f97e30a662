"""Speaks the simulated patients' sentences into ``console/demo/clips`` with espeak-ng and sox.

The clips are kept in the repository, so that the demo needs neither; run this again when a sentence changes:

    .venv/bin/python scripts/make_demo_clips.py

Each clip is 8 kHz mono A-law in a WAV file (WAVE_FORMAT_ALAW), cut to the telephone band, peak at -6 dBFS.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from console.demo.callers.conversation import ALL, Conversation

CLIPS = Path(__file__).parent.parent / "console" / "demo" / "clips"


def speak(conversation: Conversation, sentence: str, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        # this voice reads Chinese characters by their pinyin and tones; plain "cmn" spells them in English
        voice = f"cmn-latn-pinyin+{conversation.voice}"
        settings = ["-p", str(conversation.pitch), "-s", str(conversation.words_a_minute)]
        subprocess.run(["espeak-ng", "-v", voice, *settings, "-w", str(spoken), sentence], check=True)
        telephone = ["-r", "8000", "-c", "1", "-e", "a-law", str(target)]
        band = ["highpass", "300", "lowpass", "3400", "silence", "1", "0.01", "0.5%", "norm", "-6"]
        subprocess.run(["sox", "-D", str(spoken), *telephone, *band], check=True)


def main() -> int:
    CLIPS.mkdir(exist_ok=True)
    wanted = set()
    for conversation in ALL:
        for name, sentence in zip(conversation.clip_names(), conversation.sentences, strict=True):
            speak(conversation, sentence, CLIPS / name)
            wanted.add(name)
    for stale in CLIPS.glob("*.wav"):
        if stale.name not in wanted:
            stale.unlink()
    sizes = [path.stat().st_size for path in CLIPS.glob("*.wav")]
    print(f"{len(sizes)} clips, {sum(sizes) / 1000:.0f} kB, {sum(sizes) / 8000:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
