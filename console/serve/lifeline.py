"""The pipe from the supervisor to each child: the configuration comes through it, and its end is the parent's end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from console.config import ConfigError, ConsoleConfig
from console.config_file import config_from_json, load_config
from console.logs import configure_logging
from console.secret import with_secret

#: tells a child that its configuration comes through standard input
INHERIT = "--inherit"
#: seconds that a child may take to stop after its parent is gone
LAST_SECONDS = 8.0


def begin(process: str) -> ConsoleConfig:
    """Read the configuration, set up the logs, and stop when the parent is gone.

    A spare waits here until it is needed, and exits with 0 when it never was. Without ``--inherit`` (started by hand)
    the configuration is read as everywhere. Exits with 2 when it is wrong.
    """
    if INHERIT not in sys.argv[1:]:
        try:
            config = with_secret(load_config())
        except ConfigError as error:
            print(f"sansheng: {error}", file=sys.stderr)
            sys.exit(2)
        configure_logging(config.log, process)
        return config
    # children of ours must neither read from the pipe nor keep it
    pipe = os.dup(0)
    os.set_inheritable(pipe, False)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    stream = os.fdopen(pipe, "rb")
    told = stream.readline()
    if not told:
        sys.exit(0)
    config = config_from_json(told)
    configure_logging(config.log, process)
    _name(process)

    stop_when_input_ends(stream, LAST_SECONDS)
    return config


def _name(process: str) -> None:
    """What ``ps`` and ``top`` call this process from now on; a spare is nobody yet."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(f"sansheng-{process}"[:15])


def stop_when_input_ends(stream: BinaryIO, last_seconds: float | None = None) -> None:
    """SIGTERM to ourselves once ``stream`` is closed at its other end; after ``last_seconds`` the hard way."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while stream.read(65536):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        if last_seconds is not None:
            time.sleep(last_seconds)
            os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def prefer(nice: int) -> None:
    """Raise (negative) or lower this process's priority where that is allowed."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


def keep_time() -> bool:
    """Run whenever there is something to do, before everything that keeps no time (SCHED_RR, sched(7)); for audio.

    Threads that are begun later have it, too: one that held the interpreter's lock and were made to wait would make
    the audio wait. False where that is not allowed (CAP_SYS_NICE, RLIMIT_RTPRIO); the kernel leaves the others their
    share of a processor that is kept busy (sched_rt_runtime_us).
    """
    return _run_by_turns(1)


def keep_time_first() -> bool:
    """This thread goes before those that ``keep_time`` as well and were begun already: one that writes to a disk has
    the processor only while this one waits for something. Call it in the thread of the loop, once they run."""
    return _run_by_turns(2)


def _run_by_turns(priority: int) -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except OSError:
        return False
    return True
