"""Audio in one direction only, by the clock and the packets that came."""

from __future__ import annotations

from telephony.calls.one_way import LOOK_NS, SilentParties
from telephony.clock import SECOND

BEGIN = 1000 * SECOND
AFTER = 5 * SECOND


def looks(
    silences: SilentParties, counts: list[dict[int, int]], after: int = AFTER
) -> list[tuple[int, dict[int, bool]]]:
    """What each look told that told something, with its number."""
    told = [(n, silences.look(count, BEGIN + n * LOOK_NS, after)) for n, count in enumerate(counts)]
    return [(n, changes) for n, changes in told if changes]


def test_a_party_from_whom_nothing_comes_for_five_seconds_is_told_of_once_and_again_when_it_comes() -> None:
    silences = SilentParties()
    counts = [{0: 100 * n, 1: min(n, 2) * 100} for n in range(8)]
    told = looks(silences, [*counts, {0: 900, 1: 201}])
    assert told == [(5, {1: True}), (8, {1: False})]
    assert (5 - 2) * LOOK_NS >= AFTER > (4 - 2) * LOOK_NS


def test_a_party_that_never_sent_a_packet_is_told_of() -> None:
    assert looks(SilentParties(), [{0: 0, 1: 100 * n} for n in range(6)]) == [(3, {0: True})]


def test_who_need_not_be_heard_any_more_is_not_silent_any_more() -> None:
    silences = SilentParties()
    held = [{1: 100 * n} for n in range(4, 8)]
    assert looks(silences, [{0: 0, 1: 100 * n} for n in range(4)] + held) == [(3, {0: True}), (4, {0: False})]
    assert silences.silent == set()


def test_a_pause_in_which_nobody_looked_accuses_nobody() -> None:
    silences = SilentParties()
    assert looks(silences, [{0: 50}, {0: 100}]) == []
    assert silences.look({0: 100}, BEGIN + 60 * SECOND, AFTER) == {}
    assert silences.look({0: 150}, BEGIN + 62 * SECOND, AFTER) == {}


def test_how_long_nothing_may_come_is_a_rule() -> None:
    counts = [{0: 0, 1: 100 * n} for n in range(12)]
    assert looks(SilentParties(), counts, 2 * SECOND) == [(1, {0: True})]
    assert looks(SilentParties(), counts, 20 * SECOND) == [(10, {0: True})]
