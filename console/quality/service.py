"""Draw, list, hear, score: what the quality desk does with the database. Each refusal is an ApiError."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from console.calls.call_view import latest
from console.http import ApiError, Message
from console.identity.user import User
from console.quality.audit_view import Verification
from recordings import draw as drawing
from storage import access_trail, audits, recordings
from storage.audits import AuditError, Draw, Item
from storage.users import list_users

#: how far behind the recording's end a player may report to be (seconds)
OVERRUN = 1.0


def make_draw(conn: Connection, user: User, n: int, criteria: dict[str, Any], reviewer: str) -> Draw:
    """Draw ``n`` calls that nobody has drawn before and put them on the list of ``reviewer``; of the user, who is a
    reviewer; or of all reviewers in turn.

    Raises ApiError: 409 no_candidates, 422 no_such_reviewer.
    """
    candidates = audits.candidates(
        conn,
        since=criteria.get("since"),
        until=criteria.get("until"),
        agents=[criteria["agent"]] if criteria.get("agent") else [],
        direction=criteria.get("direction", ""),
    )
    if not candidates:
        raise ApiError(
            409,
            "no_candidates",
            Message("没有符合条件且尚未抽查的录音", "No recorded call fits that has not been drawn before"),
        )
    seed = drawing.new_seed()
    draw = audits.save_draw(
        conn,
        seed=seed,
        n=n,
        method_version=drawing.METHOD_VERSION,
        criteria=criteria,
        candidates=candidates,
        drawn=drawing.draw(candidates, n, seed),
        by=user.username,
        reviewers=_reviewers(conn, user, reviewer),
    )
    detail = {"n": n, "candidates": len(candidates), "candidate_sha256": draw.candidate_sha256}
    access_trail.record(conn, user.username, "draw", "draw", draw.id, detail)
    return draw


def _reviewers(conn: Connection, user: User, wanted: str) -> list[str]:
    known = [one.username for one in list_users(conn, "reviewer") if one.active]
    if wanted:
        if wanted not in known and wanted != user.username:
            raise ApiError(
                422, "no_such_reviewer", Message("没有这位质检员", "There is no such reviewer"), field="reviewer"
            )
        return [wanted]
    return [user.username] if user.role == "reviewer" or not known else known


def open_draw(conn: Connection, draw: str) -> Draw:
    """Raises ApiError 404 no_such_draw."""
    found = audits.get_draw(conn, draw)
    if found is None:
        raise ApiError(404, "no_such_draw", Message("没有这次抽查", "There is no such draw"))
    return found


def verify(draw: Draw) -> Verification:
    """Draw again and compare."""
    problems = drawing.problems(draw)
    repeatable = draw.n >= 0 and bool(draw.seed)
    return Verification(
        verified=not problems,
        problems=problems,
        seed=draw.seed,
        n=draw.n,
        method_version=draw.method_version,
        candidates=draw.candidates,
        candidate_sha256=draw.candidate_sha256,
        recomputed_sha256=drawing.candidate_digest(draw.candidates),
        drawn=draw.drawn,
        recomputed=drawing.draw(draw.candidates, draw.n, draw.seed) if repeatable else [],
    )


_ORDER = {"waiting": 0, "heard": 1, "scored": 2}


def list_items(conn: Connection, user: User, reviewer: str, state: str, draw: str, limit: int) -> list[Item]:
    """A reviewer's own items; those of all (or of ``reviewer``) for supervisors and admins. What waits comes first."""
    whose = user.username if user.role == "reviewer" else reviewer
    items: list[Item] = []
    for one in [state] if state else sorted(_ORDER, key=_ORDER.__getitem__):
        items += audits.list_items(conn, reviewer=whose, state=one, draw=draw, limit=limit - len(items))
        if len(items) >= limit:
            break
    return items


def open_item(conn: Connection, user: User, item: str) -> Item:
    """Raises ApiError: 404 no_such_item, 403 not_yours."""
    found = audits.get_item(conn, item)
    if found is None:
        raise _refusal(AuditError("not_found", ""))
    if user.role == "reviewer" and found.reviewer != user.username:
        raise _refusal(AuditError("not_yours", ""))
    return found


def note_listening(conn: Connection, user: User, item: str, from_second: float, to_second: float) -> Item:
    """Write down what was played. Raises as ``open_item``, and 422 bad_listening outside the recording."""
    found = open_item(conn, user, item)
    recording = latest(recordings.of_call(conn, found.call))
    seconds = recording.seconds if recording else None
    try:
        if seconds is not None and to_second > seconds + OVERRUN:
            raise AuditError("bad_listening", "it ends after the recording")
        audits.note_listening(conn, found.call, user.username, from_second, to_second, item)
    except AuditError as error:
        raise _refusal(error) from None
    return open_item(conn, user, item)


def score(conn: Connection, user: User, item: str, points: float, comment: str) -> Item:
    """Save the score of the item's own reviewer. Raises ApiError: 404, 403 not_yours, 422 bad_score or bad_comment."""
    open_item(conn, user, item)
    try:
        return audits.score_item(conn, item, user.username, points, comment)
    except AuditError as error:
        raise _refusal(error) from None


_REFUSALS = {
    "not_found": (404, "no_such_item", "", Message("没有这个抽查项", "There is no such audit item")),
    "not_yours": (403, "not_yours", "", Message("该项由其他质检员负责", "This item is another reviewer's")),
    "bad_score": (422, "bad_score", "score", Message("分数须为 0 至 100", "A score is 0 to 100")),
    "bad_comment": (422, "bad_comment", "comment", Message("评语过长", "The comment is too long")),
    "bad_listening": (
        422,
        "bad_listening",
        "to_second",
        Message("收听区间须在录音之内", "What was heard must lie within the recording"),
    ),
}


def _refusal(error: AuditError) -> ApiError:
    status, code, field, message = _REFUSALS[error.code]
    return ApiError(status, code, message, field=field)
