"""Which recordings lose audio, as the health page tells it."""

from __future__ import annotations

from typing import Any

from console.events.recording_trouble import LATELY, RecordingTrouble


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def failed(reason: str, lost: float = 0.0, call: str = "a") -> dict[str, Any]:
    return {"type": "recording.failed", "call": call, "reason": reason, "lost_seconds": lost}


def test_trouble_lasts_until_the_disk_takes_audio_again_and_is_forgotten_when_nothing_was_lost() -> None:
    trouble = RecordingTrouble(Clock())
    trouble.heard(failed("disk_full: No space left", 3.0))
    assert trouble.now == {"a": "disk_full: No space left"}
    trouble.heard({"type": "call.ended", "call": "a"})
    assert trouble.now, "the recorder still tries to write the rest"
    trouble.heard(failed("resumed: the disk takes audio again"))
    assert (trouble.now, trouble.lately) == ({}, 0)


def test_what_was_lost_is_told_for_an_hour() -> None:
    clock = Clock()
    trouble = RecordingTrouble(clock)
    trouble.heard(failed("disk_full: No space left", 3.0))
    trouble.heard(failed("resumed: the disk takes audio again", 1.5))
    trouble.heard(failed("disk_full: given up", 9.0, "b"))
    trouble.heard({"type": "recording.closed", "call": "b"})
    assert (trouble.now, trouble.lately) == ({}, 2)
    clock.now += LATELY + 1
    assert trouble.lately == 0


def test_a_recording_that_never_began_is_trouble_until_its_call_ends() -> None:
    trouble = RecordingTrouble(Clock())
    trouble.heard(failed("the recorder is stopped"))
    assert trouble.now
    trouble.heard({"type": "call.ended", "call": "a"})
    assert (trouble.now, trouble.lately) == ({}, 1)


def test_other_events_mean_nothing_to_it() -> None:
    trouble = RecordingTrouble(Clock())
    trouble.heard({"type": "recording.closed", "call": "a"})
    trouble.heard({"type": "call.ended", "call": "a"})
    trouble.heard({"type": "agent.state", "agent": "agent1"})
    assert (trouble.now, trouble.lately) == ({}, 0)
