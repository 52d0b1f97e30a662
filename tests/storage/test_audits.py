from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from storage.audits import (
    AuditError,
    candidate_sha256,
    candidates,
    get_draw,
    get_item,
    list_draws,
    list_items,
    listenings_of,
    note_listening,
    save_draw,
    score_item,
)
from storage.event_log import append_events
from storage.recordings import claim_next, finished

Story = Callable[..., list[dict[str, Any]]]
DRAW: dict[str, Any] = {
    "seed": "2026-W47",
    "n": 3,
    "method_version": "1",
    "criteria": {"direction": "inbound"},
    "by": "supervisor1",
}


@pytest.fixture
def calls(conn: Connection, call_story: Story) -> list[str]:
    """Six finished calls, five of them with a finished recording, and one that is still ringing."""
    for n in range(6):
        append_events(conn, call_story(call=f"c{n}", first=100 * n + 1, at=1.79e9 + n))
    append_events(conn, call_story(call="c9", first=901)[:6])
    for _ in range(5):
        claimed = claim_next(conn, "w", 1.8e9)
        assert claimed is not None
        file = {"path": "x.webm", "peaks_path": "x.peaks", "codec": "opus", "sha256": "00"}
        assert finished(conn, claimed.id, "w", **file, seconds=60.0, channels=2, size=1)
    return [f"c{n}" for n in range(5)]


def test_candidates_are_finished_calls_with_a_ready_recording_that_fit(conn: Connection, calls: list[str]) -> None:
    assert candidates(conn) == calls
    assert candidates(conn, since=1.79e9 + 1, until=1.79e9 + 3) == ["c1", "c2"]
    assert candidates(conn, agents=["agent2"], direction="inbound") == calls
    assert candidates(conn, agents=["agent1"]) == candidates(conn, direction="outbound") == []


def test_a_draw_keeps_what_is_needed_to_draw_again(conn: Connection, calls: list[str]) -> None:
    draw = save_draw(conn, **DRAW, candidates=calls, drawn=["c4", "c0", "c2"], reviewers=["reviewer1", "reviewer2"])
    assert get_draw(conn, draw.id) == draw
    assert list_draws(conn) == [draw]
    assert (draw.candidates, draw.candidate_sha256) == (calls, candidate_sha256(calls))
    assert draw.candidate_sha256 != candidate_sha256(reversed(calls))
    assert [(i.call, i.reviewer, i.state) for i in list_items(conn, draw=draw.id)] == [
        ("c4", "reviewer1", "waiting"),
        ("c0", "reviewer2", "waiting"),
        ("c2", "reviewer1", "waiting"),
    ]
    assert candidates(conn) == ["c1", "c3"]
    assert candidates(conn, again=True) == calls
    assert get_draw(conn, "nothing") is None


@pytest.mark.parametrize(
    "wrong",
    [{"drawn": ["c9"]}, {"drawn": ["c0", "c0"]}, {"reviewers": []}, {"candidates": ["c0", "c0"]}],
)
def test_a_draw_that_does_not_add_up_is_refused(conn: Connection, calls: list[str], wrong: dict[str, Any]) -> None:
    with pytest.raises(AuditError) as caught:
        save_draw(conn, **{**DRAW, "candidates": calls, "drawn": ["c0"], "reviewers": ["reviewer1"], **wrong})
    assert caught.value.code == "bad_draw"
    assert list_draws(conn) == []


def test_listening_is_kept_and_turns_the_reviewers_item_to_heard(conn: Connection, calls: list[str]) -> None:
    save_draw(conn, **DRAW, candidates=calls, drawn=["c1"], reviewers=["reviewer1"])
    (item,) = list_items(conn, reviewer="reviewer1", state="waiting")
    note_listening(conn, "c1", "supervisor1", 0, 5, item.id, at=10.0)
    assert [i.id for i in list_items(conn, state="waiting")] == [item.id]
    note_listening(conn, "c1", "reviewer1", 0, 12.5, item.id, at=11.0)
    note_listening(conn, "c1", "reviewer1", 12.5, 60, item.id, at=12.0)
    heard = get_item(conn, item.id)
    assert heard is not None
    assert (heard.state, heard.heard_at) == ("heard", 11.0)
    assert [(one.user, one.from_seconds, one.to_seconds, one.at) for one in listenings_of(conn, "c1")] == [
        ("supervisor1", 0, 5, 10.0),
        ("reviewer1", 0, 12.5, 11.0),
        ("reviewer1", 12.5, 60, 12.0),
    ]
    for code, arguments in (
        ("bad_listening", ("c1", "reviewer1", 5, 1, item.id)),
        ("bad_listening", ("c1", "reviewer1", -1, 1, item.id)),
        ("bad_listening", ("c1", "reviewer1", float("nan"), 1, item.id)),
        ("not_found", ("c1", "reviewer1", 0, 1, "nothing")),
        ("not_found", ("c2", "reviewer1", 0, 1, item.id)),
    ):
        with pytest.raises(AuditError) as caught:
            note_listening(conn, *arguments)  # type: ignore[arg-type]
        assert caught.value.code == code


def test_a_score_is_saved_by_its_reviewer_and_can_be_corrected(conn: Connection, calls: list[str]) -> None:
    save_draw(conn, **DRAW, candidates=calls, drawn=["c1"], reviewers=["reviewer1"])
    (item,) = list_items(conn, call="c1")
    score_item(conn, item.id, "reviewer1", 90, "语速快", {"attitude": 18}, at=5.0)
    scored = score_item(conn, item.id, "reviewer1", 85.5, "改", {"attitude": 17}, at=6.0)
    assert scored == get_item(conn, item.id)
    assert (scored.state, scored.score, scored.scores, scored.comment) == ("scored", 85.5, {"attitude": 17}, "改")
    assert scored.scored_at == 6.0
    note_listening(conn, "c1", "reviewer1", 0, 1, item.id)
    assert list_items(conn, state="scored")[0].heard_at is not None
    for code, arguments in (
        ("not_found", ("nothing", "reviewer1", 50.0)),
        ("not_yours", (item.id, "reviewer2", 50.0)),
        ("bad_score", (item.id, "reviewer1", 101.0)),
        ("bad_score", (item.id, "reviewer1", float("nan"))),
        ("bad_score", (item.id, "reviewer1", 50.0, "", {"attitude": -1.0})),
        ("bad_comment", (item.id, "reviewer1", 50.0, "x" * 4001)),
    ):
        with pytest.raises(AuditError) as caught:
            score_item(conn, *arguments)  # type: ignore[arg-type]
        assert caught.value.code == code
