"""The worker process: finishes recordings and does what has time, at low priority."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import structlog

from console.config import ConsoleConfig
from console.serve.lifeline import begin, prefer
from recordings.worker import RecordingWorker
from storage.database import open_engine

log = structlog.get_logger("console.serve")

#: seconds between two signs of life, which ``/healthz`` looks at
ALIVE_EVERY = 5.0


def main() -> int:
    """Started by hand."""
    return live(begin("worker"))


def live(config: ConsoleConfig) -> int:
    """Until SIGTERM or SIGINT; gives the exit code."""
    prefer(10)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    alive = threading.Thread(target=_show_life, args=(config.data, stopped), name="alive", daemon=True)
    alive.start()
    return run(config, stopped)


def run(config: ConsoleConfig, stopped: threading.Event) -> int:
    """Until ``stopped`` is set."""
    engine = open_engine(config.database)
    try:
        RecordingWorker(engine, config.data).run(stopped)
    finally:
        engine.dispose()
    return 0


def _show_life(data: Path, stopped: threading.Event) -> None:
    """Touch ``DATA/run/worker.alive`` while we live."""
    mark = data / "run" / "worker.alive"
    while True:
        try:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except OSError as error:
            log.warning("the worker cannot show that it lives", reason=str(error))
        if stopped.wait(ALIVE_EVERY):
            return


if __name__ == "__main__":
    sys.exit(main())
