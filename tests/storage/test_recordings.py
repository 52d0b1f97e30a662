from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from storage.database import transaction
from storage.event_log import append_events
from storage.recordings import (
    CLAIM_SECONDS,
    MOST_ATTEMPTS,
    attempt_failed,
    claim_next,
    finished,
    get_recording,
    of_call,
    of_calls,
    raw_removed,
)

Story = Callable[..., list[dict[str, Any]]]
NOW = 1_790_001_000.0
FILE = {"path": "recordings/x.webm", "peaks_path": "recordings/x.peaks", "codec": "opus", "sha256": "ab" * 32}


def capture(conn: Connection, story: Story, call: str = "c", first: int = 1) -> str:
    append_events(conn, story(call=call, first=first))
    return of_call(conn, call)[0].id


def test_a_recording_follows_its_events(conn: Connection, call_story: Story) -> None:
    story = call_story(call="c")
    append_events(conn, story[:-1])
    (capturing,) = of_call(conn, "c")
    assert (capturing.state, capturing.raw_path, capturing.started_at) == (
        "capturing",
        "recordings/raw/c.cap",
        1.79e9 + 17,
    )
    trouble = {"type": "recording.failed", "reason": "disk full", "lost_seconds": 2.5, "call": "c", "node": "phone1"}
    append_events(conn, [{**trouble, "sequence": 90, "at": 1.79e9 + 20}])
    append_events(conn, story)
    (captured,) = of_call(conn, "c")
    assert (captured.id, captured.state, captured.raw_bytes) == (capturing.id, "captured", 960000)
    assert (captured.error, captured.lost_seconds, captured.captured_at) == ("disk full", 2.5, 1.79e9 + 77.1)
    assert of_calls(conn, ["c", "d"]) == {"c": [captured]}


def test_a_closing_that_comes_before_its_start_still_gives_one_captured_recording(
    conn: Connection, call_story: Story
) -> None:
    append_events(conn, call_story(call="c")[-1:])
    append_events(conn, call_story(call="c")[:-1])
    assert [recording.state for recording in of_call(conn, "c")] == ["captured"]


def test_a_recording_that_never_began_is_shown_as_failed(conn: Connection, call_story: Story) -> None:
    trouble = {
        "type": "recording.failed",
        "reason": "disk full",
        "call": "c",
        "node": "phone1",
        "sequence": 1,
        "at": 5.0,
    }
    append_events(conn, [trouble])
    assert [(one.state, one.error, one.raw_path) for one in of_call(conn, "c")] == [("failed", "disk full", "")]
    assert claim_next(conn, "w1", NOW) is None


def test_a_worker_claims_finishes_and_the_file_is_known(conn: Connection, call_story: Story) -> None:
    recording = capture(conn, call_story)
    claimed = claim_next(conn, "w1", NOW)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.worker, claimed.attempts) == (recording, "finishing", "w1", 1)
    assert claim_next(conn, "w2", NOW) is None
    gaps = [{"leg": 0, "from": 3.0, "seconds": 0.4}]
    done = {"seconds": 60.1, "channels": 2, "size": 180_000, "gaps": gaps, "now": NOW + 5}
    assert not finished(conn, recording, "w2", **FILE, **done)  # type: ignore[arg-type]
    assert finished(conn, recording, "w1", **FILE, **done)  # type: ignore[arg-type]
    assert not finished(conn, recording, "w1", **FILE, **done)  # type: ignore[arg-type]
    raw_removed(conn, recording)
    ready = get_recording(conn, recording)
    assert ready is not None
    assert (ready.state, ready.path, ready.seconds, ready.channels, ready.bytes) == (
        *("ready", "recordings/x.webm", 60.1, 2, 180_000),
    )
    assert (ready.gaps, ready.sha256, ready.ready_at, ready.raw_bytes) == (gaps, "ab" * 32, NOW + 5, 0)
    append_events(conn, [{**event, "sequence": event["sequence"] + 500} for event in call_story(call="c")])
    assert get_recording(conn, recording) == ready


def test_a_failed_attempt_is_repeated_later_and_given_up_in_the_end(conn: Connection, call_story: Story) -> None:
    recording, now, waits = capture(conn, call_story), NOW, []
    for _ in range(MOST_ATTEMPTS):
        claimed = claim_next(conn, "w1", now)
        assert claimed is not None
        assert attempt_failed(conn, recording, "w1", "ffmpeg: no such codec", now)
        assert not attempt_failed(conn, recording, "w1", "twice", now)
        after = get_recording(conn, recording)
        assert after is not None
        waits.append(after.retry_at - now)
        assert claim_next(conn, "w1", after.retry_at - 1) is None
        now = after.retry_at
    assert (after.state, after.error) == ("failed", "ffmpeg: no such codec")
    assert waits == sorted(waits)
    assert claim_next(conn, "w1", now + 10_000) is None
    assert not attempt_failed(conn, "nobody", "w1", "x")


def test_what_a_dead_worker_held_is_taken_over(conn: Connection, call_story: Story) -> None:
    recording = capture(conn, call_story)
    assert claim_next(conn, "w1", NOW) is not None
    assert claim_next(conn, "w2", NOW + CLAIM_SECONDS - 1) is None
    taken = claim_next(conn, "w2", NOW + CLAIM_SECONDS)
    assert taken is not None
    assert (taken.id, taken.worker, taken.attempts) == (recording, "w2", 2)
    assert not attempt_failed(conn, recording, "w1", "late")


def test_no_two_workers_get_the_same_recording(engine: Engine, call_story: Story) -> None:
    with transaction(engine) as conn:
        for n in range(24):
            capture(conn, call_story, f"c{n}", 100 * n + 1)
    claims: list[str] = []

    def work(worker: str) -> None:
        while True:
            with transaction(engine) as conn:
                claimed = claim_next(conn, worker, NOW)
                if claimed is None:
                    return
                claims.append(claimed.id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    with transaction(engine) as conn:
        while (late := claim_next(conn, "last", NOW)) is not None:
            claims.append(late.id)
    assert len(claims) == len(set(claims)) == 24


def test_postgresql_workers_do_not_wait_for_each_other(postgresql_engine: Engine, call_story: Story) -> None:
    with transaction(postgresql_engine) as conn:
        first, second = (capture(conn, call_story, f"c{n}", 100 * n + 1) for n in range(2))
    with transaction(postgresql_engine) as one, transaction(postgresql_engine) as other:
        claims = [claim_next(one, "w1", NOW), claim_next(other, "w2", NOW)]
    assert {claim.id for claim in claims if claim is not None} == {first, second}
