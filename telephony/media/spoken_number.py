"""Numbers as lists of prompt names, spoken in Chinese."""

from __future__ import annotations

MOST = 99


def spoken_number(number: int, *, counted: bool = False) -> tuple[str, ...]:
    """The prompts that say 0 to 99: 23 is 二十三. ``counted``: before a measure word 2 is 两, not 二.

    Raises ValueError for other numbers.
    """
    if not 0 <= number <= MOST:
        raise ValueError(f"{number} cannot be said, only 0 to {MOST}")
    if number == 2 and counted:
        return ("number-liang",)
    tens, ones = divmod(number, 10)
    if tens == 0:
        return (f"number-{ones}",)
    said = ["number-10"] if tens == 1 else [f"number-{tens}", "number-10"]
    if ones:
        said.append(f"number-{ones}")
    return tuple(said)
