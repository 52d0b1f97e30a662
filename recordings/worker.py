"""The worker that turns captures into finished recordings, one at a time, and tells the database."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from recordings.capture_format import CaptureUnreadable
from recordings.finish import Finished, NothingRecorded, RawMissing, discard_raw, finish
from recordings.orphans import sweep
from recordings.talk import TalkWindow, talk_window
from storage import recordings as recording_table
from storage.call_log import get_call
from storage.database import reading, transaction
from storage.event_log import events_of_call
from storage.recordings import Recording

_log = logging.getLogger(__name__)

#: failures that no further attempt can mend, and the code that begins their error
_FINAL: dict[type[Exception], str] = {
    NothingRecorded: NothingRecorded.code,
    CaptureUnreadable: "capture_unreadable",
    RawMissing: "capture_missing",
}


class RecordingWorker:
    """Finishes what is ``captured``, picks up what a killed phone process left behind, tries failures again.

    ``name`` must be another one for each worker that runs at the same time; after a crash the worker of the same name
    takes its unfinished work back at once. ``poll`` and ``sweep_every`` are seconds. ``clock`` gives Unix seconds.
    """

    def __init__(
        self,
        engine: Engine,
        data: Path,
        *,
        name: str = "",
        poll: float = 1.0,
        sweep_every: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._data = data
        self.name = name or f"{socket.gethostname()}/finisher"
        self._poll = poll
        self._sweep_every = sweep_every
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set. Waits for a database that is away; nothing that a recording does ends the worker."""
        taken_back = False
        next_sweep = 0.0
        troubles = 0
        while not stop.is_set():
            try:
                if not taken_back:
                    self.take_back()
                    taken_back = True
                if self._clock() >= next_sweep:
                    sweep(self._engine, self._data, self._clock())
                    next_sweep = self._clock() + self._sweep_every
                worked = self.work_once()
                troubles = 0
            except (SQLAlchemyError, OSError) as error:
                troubles += 1
                _log.error("the recording worker waits: %s", error)
                worked = False
            if not worked:
                stop.wait(min(self._poll * 2 ** min(troubles, 10), 30.0))

    def take_back(self) -> int:
        """Release what a worker of our name had begun when it died; gives how many."""
        table = recording_table.recordings
        mine = select(table.c.id).where(table.c.state == "finishing", table.c.worker == self.name)
        with transaction(self._engine) as conn:
            ids = list(conn.execute(mine).scalars())
            for found in ids:
                recording_table.attempt_failed(conn, found, self.name, "worker_died: begun again", self._clock())
        return len(ids)

    def work_once(self) -> bool:
        """Finish one recording; false when there is none to finish now. Raises SQLAlchemyError."""
        with transaction(self._engine) as conn:
            claimed = recording_table.claim_next(conn, self.name, self._clock())
        if claimed is None:
            return False
        try:
            done = finish(self._data, claimed.raw_path, self._window(claimed.call))
        except SQLAlchemyError:
            raise
        except Exception as error:
            self._failed(claimed, error)
        else:
            self._finished(claimed, done)
        return True

    def _finished(self, claimed: Recording, done: Finished) -> None:
        if not done.complete:
            _log.error("recording of call %s is not complete: gaps %s", claimed.call, list(done.gaps)[:10])
        with transaction(self._engine) as conn:
            ours = recording_table.finished(
                conn,
                claimed.id,
                self.name,
                path=done.path,
                peaks_path=done.peaks_path,
                codec=done.codec,
                seconds=done.seconds,
                channels=done.channels,
                sha256=done.sha256,
                size=done.bytes,
                gaps=[
                    {"leg": gap.leg, "from": gap.start, "seconds": gap.seconds, "reason": gap.reason}
                    for gap in done.gaps
                ],
                now=self._clock(),
            )
        if ours and discard_raw(self._data, claimed.raw_path):
            with transaction(self._engine) as conn:
                recording_table.raw_removed(conn, claimed.id)
        _log.info("recording of call %s is ready: %.1f s, %d bytes", claimed.call, done.seconds, done.bytes)

    def _failed(self, claimed: Recording, error: Exception) -> None:
        code = next((code for kind, code in _FINAL.items() if isinstance(error, kind)), "")
        text = f"{code or type(error).__name__}: {error}"
        _log.error(
            "recording of call %s, attempt %d: %s",
            claimed.call,
            claimed.attempts,
            text,
            exc_info=None if code else error,
        )
        with transaction(self._engine) as conn:
            recording_table.attempt_failed(conn, claimed.id, self.name, text, self._clock(), final=bool(code))

    def _window(self, call: str) -> TalkWindow:
        """What the call log says of the call's audio."""
        with reading(self._engine) as conn:
            row = get_call(conn, call)
            events = events_of_call(conn, call)
        if row is None:
            return TalkWindow()
        return talk_window(row.answered_at, row.ended_at, events)
