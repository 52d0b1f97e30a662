"""The measuring instrument is checked before it measures: two baresips call one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peer


def test_two_phones_hear_each_others_tone_at_the_level_it_was_sent(baresip: Callable[..., Any]) -> None:
    alice = baresip("alice", tone=(440.0, -12.0))
    bob = baresip("bob", tone=(1004.0, -20.0), answer="auto")

    alice.dial(bob.uri)
    bob.wait_for("CALL_ESTABLISHED")
    alice.listen(2.0)
    bob.listen(2.0)
    alice.hang_up()
    alice.wait_for("CALL_CLOSED")
    bob.wait_for("CALL_CLOSED")

    at_alice, at_bob = alice.heard(), bob.heard()
    assert at_bob.tone(440.0) == pytest.approx(-12.0, abs=1.0)
    assert at_bob.tone(1004.0) < -50.0
    assert at_alice.tone(1004.0) == pytest.approx(-20.0, abs=1.0)
    assert at_alice.tone(440.0) < -50.0


def test_hold_and_resume_are_offered_to_the_other_side(baresip: Callable[..., Any]) -> None:
    alice = baresip("alice", tone=(440.0, -12.0))
    bob = baresip("bob", tone=(1004.0, -20.0), answer="auto")
    alice.dial(bob.uri)
    bob.wait_for("CALL_ESTABLISHED")
    alice.listen(0.5)

    seen = len(bob.events)
    alice.hold()
    bob.wait_for("CALL_REMOTE_SDP", after=seen)
    assert bob.log().count("a=sendonly") == 1
    seen = len(bob.events)
    alice.resume()
    bob.wait_for("CALL_REMOTE_SDP", after=seen)
    alice.hang_up()
    bob.wait_for("CALL_CLOSED")


def test_a_refused_call_ends_with_the_refusal_in_its_event(baresip: Callable[..., Any]) -> None:
    alice = baresip("alice")
    bob = baresip("bob")

    alice.dial(bob.uri)
    bob.wait_for("CALL_INCOMING")
    bob.hang_up()

    assert "486" in alice.wait_for("CALL_CLOSED")["param"]


def test_the_ear_tells_a_tone_from_silence_and_from_its_neighbour(
    tmp_path: Path, hear: Callable[[Path], Any], baresip: Callable[..., Any]
) -> None:
    phone = baresip("alice", tone=(800.0, -18.0))
    tone = hear(phone.folder / "tone.wav")

    assert tone.tone(800.0) == pytest.approx(-18.0, abs=0.2)
    assert tone.level == pytest.approx(-18.0, abs=0.2)
    assert tone.tone(900.0) < -60.0
