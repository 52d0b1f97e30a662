from telephony.media.headset_liveness import FROZEN, SILENT, Liveness

SECOND = 1_000_000_000
START = 10**12


def test_a_headset_that_answers_is_well() -> None:
    liveness = Liveness(START)
    for second in range(1, 60):
        liveness.alive(250, START + second * SECOND)
        assert liveness.trouble(START + second * SECOND + SECOND // 2) == ""


def test_three_seconds_without_an_answer_are_silence() -> None:
    liveness = Liveness(START)
    liveness.alive(5, START + SECOND)
    assert liveness.trouble(START + 4 * SECOND - 1) == ""
    assert liveness.trouble(START + 4 * SECOND) == SILENT


def test_a_page_that_did_not_run_for_more_than_two_and_a_half_seconds_is_frozen_until_it_runs_again() -> None:
    liveness = Liveness(START)
    liveness.alive(2500, START)
    assert liveness.trouble(START) == ""
    liveness.alive(2500.5, START)
    assert liveness.trouble(START) == FROZEN
    liveness.alive(3, START + SECOND)
    assert liveness.trouble(START + SECOND) == ""


def test_our_own_stall_is_not_the_headsets_silence() -> None:
    liveness = Liveness(START)
    now = START + 8 * SECOND
    liveness.forgive(7 * SECOND)
    assert liveness.trouble(now) == ""
    assert liveness.trouble(now + 2 * SECOND) == SILENT


def test_probes_are_numbered_from_one() -> None:
    liveness = Liveness(START)
    assert [liveness.probe(), liveness.probe()] == [1, 2]
