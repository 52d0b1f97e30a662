"""Who hears whom, measured: the level of every speaker's tone in every ear at every step, with what it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tones import Heard

#: dBFS RMS: a tone that is said at -18 is heard above the first (the median of blocks), or else is below the second in
#: every block
HEARD, FLOOR = -32.0, -50.0
#: in place of speakers: nobody, but something loud enough
MUSIC = ("music",)
QUIET_MUSIC = -45.0


@dataclass
class ToneTable:
    """``tones``: hertz by speaker. ``rows`` keep each measurement as text."""

    tones: Mapping[str, float]
    rows: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows.append(f"{'step':<34}{'ear':<12}" + "".join(f"{name:>12}" for name in self.tones) + f"{'all':>9}")

    def levels(self, heard: Heard, speakers: Sequence[str]) -> dict[str, float]:
        """The usual level of those who are to be heard, the loudest of the others."""
        return {
            name: heard.tone(hertz) if name in speakers else heard.loudest(hertz) for name, hertz in self.tones.items()
        }

    def wrong(self, heard: Heard, speakers: Sequence[str]) -> list[str]:
        """What does not fit with hearing exactly these speakers."""
        found = []
        for name, level in self.levels(heard, speakers).items():
            if name in speakers and level < HEARD:
                found.append(f"{name} is not heard: {level:.0f} dB")
            if name not in speakers and level > FLOOR:
                found.append(f"{name} is heard: {level:.0f} dB")
        if speakers == MUSIC and heard.level < QUIET_MUSIC:
            found.append(f"there is no music: {heard.level:.0f} dB")
        return found

    def add(self, step: str, ear: str, heard: Heard, speakers: Sequence[str]) -> None:
        """``*`` marks those that are to be heard."""
        cells = "".join(
            f"{level:>11.1f}{'*' if name in speakers else ' '}" for name, level in self.levels(heard, speakers).items()
        )
        self.rows.append(f"{step:<34}{ear:<12}{cells}{heard.level:>9.1f}{' ♪' if speakers == MUSIC else ''}")

    def note(self, text: str) -> None:
        self.rows.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.rows) + "\n"
