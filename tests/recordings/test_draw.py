"""The audit draw: fair, and the same for whoever repeats it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings.draw import METHOD_VERSION, candidate_digest, draw, new_seed, problems, verify


@dataclass(frozen=True)
class Row:
    seed: str
    n: int
    method_version: str
    candidates: list[str]
    candidate_sha256: str
    drawn: list[str]


CALLS = [f"0195{n:04}" for n in range(200)]


@pytest.fixture
def row() -> Row:
    return Row("seed", 5, METHOD_VERSION, CALLS, candidate_digest(CALLS), draw(CALLS, 5, "seed"))


def test_the_method_is_the_documented_one() -> None:
    """Done by hand as the documentation says, so that a change of method cannot go unnoticed."""
    ranks = {call: hmac.new(b"a seed", call.encode(), hashlib.sha256).hexdigest() for call in CALLS}
    assert draw(CALLS, 3, "a seed") == sorted(CALLS, key=ranks.__getitem__)[:3]


@settings(deadline=None)
@given(st.lists(st.text(min_size=1), unique=True), st.integers(0, 20), st.text(min_size=1), st.randoms())
def test_a_draw_depends_on_the_seed_and_the_set_of_candidates_only(calls, n, seed, dice) -> None:  # type: ignore[no-untyped-def]
    try:
        seed.encode()
        "".join(calls).encode()
    except UnicodeEncodeError:
        return
    drawn = draw(calls, n, seed)
    shuffled = calls + calls[:2]
    dice.shuffle(shuffled)
    assert draw(shuffled, n, seed) == drawn
    assert candidate_digest(shuffled) == candidate_digest(calls)
    assert len(set(drawn)) == len(drawn) == min(n, len(calls))
    assert set(drawn) <= set(calls)


def test_every_call_is_drawn_equally_often() -> None:
    """Chi-square over 4000 draws of 3 out of 20 (19 degrees of freedom, 0.01 %: 52). Fixed seeds: never flaky."""
    counts = dict.fromkeys(CALLS[:20], 0)
    for n in range(4000):
        for call in draw(CALLS[:20], 3, f"seed {n}"):
            counts[call] += 1
    chi_square = sum((count - 600) ** 2 / 600 for count in counts.values())
    # draws without putting back vary less: 17/19 of the variance
    assert chi_square < 52
    assert chi_square > 3, "too even to be random"


def test_every_place_in_the_order_is_equally_likely() -> None:
    first = dict.fromkeys(CALLS[:10], 0)
    for n in range(5000):
        first[draw(CALLS[:10], 4, f"order {n}")[0]] += 1
    assert sum((count - 500) ** 2 / 500 for count in first.values()) < 34


def test_a_stored_draw_can_be_repeated(row: Row) -> None:
    assert verify(row)
    assert verify(replace(row, candidates=CALLS[::-1]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": "Seed"}, "drawn_differs"),
        ({"seed": ""}, "drawn_differs"),
        ({"n": 4}, "drawn_differs"),
        ({"n": -1}, "drawn_differs"),
        ({"drawn": CALLS[:5]}, "drawn_differs"),
        ({"drawn": []}, "drawn_differs"),
        ({"candidates": CALLS[:-1]}, "candidates_changed"),
        ({"candidate_sha256": "0" * 64}, "candidates_changed"),
        ({"method_version": "dice"}, "unknown_method"),
    ],
)
def test_a_draw_that_was_tampered_with_shows(row: Row, change: dict[str, object], problem: str) -> None:
    tampered = replace(row, **change)  # type: ignore[arg-type]
    assert problem in problems(tampered)
    assert not verify(tampered)


def test_a_draw_without_seed_or_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        draw(CALLS, 1, "")
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw(CALLS, -1, "seed")
    assert draw([], 3, "seed") == []


def test_seeds_are_long_and_never_the_same() -> None:
    seeds = {new_seed() for _ in range(1000)}
    assert len(seeds) == 1000
    assert all(len(bytes.fromhex(seed)) == 32 for seed in seeds)
