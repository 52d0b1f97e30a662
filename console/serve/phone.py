"""The phone process: SIP, media, headsets, routing. It knows nothing of patients and touches no database."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

import structlog
import uvloop

from console import __version__
from console.config import ConsoleConfig
from console.serve.lifeline import begin, keep_time, keep_time_first, prefer
from recordings.capture import CaptureRecorder
from telephony.lines.drivers import line_driver
from telephony.media.gathering_loop import GatheringLoop
from telephony.media.packet_path import NOT_COMPILED
from telephony.phone import Phone

log = structlog.get_logger("console.serve")

#: exit code for what trying again cannot mend
UNUSABLE = 2
#: the SIP stack has a thread of its own: neither side may keep the other waiting for 5 ms, Python's default
SWITCH_INTERVAL = 0.0005


def main() -> int:
    """Started by hand."""
    return live(begin("phone"))


def live(config: ConsoleConfig) -> int:
    """Until SIGTERM or SIGINT; gives the exit code."""
    prefer(-10)
    keep_time()
    sys.setswitchinterval(SWITCH_INTERVAL)
    # picows says every connection and its end; the headset server says what matters of it
    logging.getLogger("picows").setLevel(logging.WARNING)
    return uvloop.run(run(config), loop_factory=GatheringLoop)


async def run(config: ConsoleConfig) -> int:
    """Until SIGTERM or SIGINT."""
    settings = config.phone()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    recorder = CaptureRecorder(config.data, loop) if config.record else None
    if recorder is not None:
        recorder.start()
    phone = Phone(settings, line_driver(settings), recorder, __version__)
    try:
        await phone.start()
    except (OSError, ValueError) as error:
        log.error("the phone cannot start", reason=str(error))
        return UNUSABLE if isinstance(error, ValueError) else 1
    # the threads that write run already, and step back
    keep_time_first()
    # what lives from now on lives long: no collection has to look at it again
    gc.collect()
    gc.freeze()
    packets = f"Python ({NOT_COMPILED})" if NOT_COMPILED else "C"
    where = f"{settings.sip_host}:{settings.sip_port}"
    log.info("the phone listens", sip=where, lines=len(settings.lines), packets=packets)
    await stopped.wait()
    log.info("the phone stops")
    await phone.stop()
    if recorder is not None:
        await asyncio.to_thread(recorder.stop, 3.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
