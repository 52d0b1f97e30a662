"""The pipe from the supervisor to each child: the configuration comes through it, and its end is the parent's end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
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
    """The first thing a child does: read its configuration, set up its logs, and stop when its parent is gone.

    Without ``--inherit`` (started by hand) the configuration is read as everywhere. Exits with 2 when it is wrong.
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
    config = config_from_json(stream.readline())
    configure_logging(config.log, process)

    stop_when_input_ends(stream, LAST_SECONDS)
    return config


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
