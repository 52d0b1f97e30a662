"""What each process does at its beginning: its configuration, logs and name, its place on the processor, its end with
the parent's."""

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
from console.config_file import load_config
from console.logs import configure_logging
from console.secret import with_secret

#: seconds that a child may take to stop after its parent is gone
LAST_SECONDS = 8.0


def begin(process: str) -> ConsoleConfig:
    """For a process that is started by hand: the configuration read as everywhere, and the logs. Exits with 2 when it
    is wrong."""
    try:
        config = with_secret(load_config())
    except ConfigError as error:
        print(f"sansheng: {error}", file=sys.stderr)
        sys.exit(2)
    configure_logging(config.log, process)
    return config


def stop_when_input_ends(stream: BinaryIO) -> None:
    """SIGTERM to ourselves once ``stream`` is closed at its other end; ``LAST_SECONDS`` later the hard way."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while stream.read(65536):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def call_ourselves(process: str) -> None:
    """What ``ps`` and ``top`` show of this process from now on: ``sansheng-phone``, and ``sansheng phone`` in place of
    the command line."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(f"sansheng-{process}"[:15])
    with contextlib.suppress(OSError, ValueError):
        # arg_start and arg_end (proc(5)): where the kernel reads the command line, which Python has its copy of
        start, end = map(int, Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[45:47])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(f"sansheng {process}".encode()[: end - start - 1].ljust(end - start, b"\0"))


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
