"""``python -m console.routing.syllables``: Chinese text on standard input, its pinyin on standard output.

Syllables with their tones as digits (5: neutral), as they are spoken one after another (third tones before each other).
"""

from __future__ import annotations

import sys

from pypinyin import Style, lazy_pinyin


def syllables(text: str) -> str:
    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True))


if __name__ == "__main__":
    sys.stdout.buffer.write(syllables(sys.stdin.buffer.read().decode()).encode())
