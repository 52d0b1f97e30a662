"""pyVoIP's own VoIPPhone, untouched, in a process of its own: a telephone that obeys over a pipe.

Its sound is not judged: pyVoIP 1.6.8 turns PCMA wrongly to and from its own format, and offers PCMU only.
Its sound is not judged: pyVoIP 1.6.8 turns PCMA wrongly to and from its own format, and offers only PCMU itself.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class StockPhone:
    def __init__(self, registrar: int, user: str, port: int, rtp: int) -> None:
        arguments = [str(registrar), user, str(port), str(rtp)]
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.told: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def order(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def wait_for(self, state: str, timeout: float = 20.0) -> None:
        """Until it tells this; what it told before is passed over."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                told = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {state} within {timeout} s; it told {self.told}") from None
            self.told.append(told)
            if told == state:
                return

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.order("quit")
        try:
            self._process.wait(8)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(8)
        self._reader.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


@pytest.fixture
def stock_phone() -> Iterator[Callable[..., StockPhone]]:
    """``stock_phone(registrar_port, user, sip_port, rtp_port)``: registered with the password ``geheim``."""
    phones: list[StockPhone] = []

    def start(*arguments: Any) -> StockPhone:
        phones.append(StockPhone(*arguments))
        return phones[-1]

    yield start
    for phone in phones:
        phone.close()


def _main(registrar: int, user: str, port: int, rtp: int) -> None:
    import os

    from pyVoIP.VoIP import CallState, VoIPPhone

    calls: list[Any] = []

    def tell(text: str) -> None:
        print(text, flush=True)

    def comes_in(call: Any) -> None:
        calls.append(call)
        tell("ringing")
        call.answer()

    phone = VoIPPhone("127.0.0.1", registrar, user, "geheim", myIP="127.0.0.1", callCallback=comes_in, sipPort=port,
                      rtpPortLow=rtp, rtpPortHigh=rtp + 20)  # fmt: skip
    phone.start()
    tell("registered")

    def watch() -> None:
        known: dict[int, Any] = {}
        while True:
            for call in list(calls):
                if known.get(id(call)) is not call.state:
                    known[id(call)] = call.state
                    tell(call.state.name.lower())
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        if order == "call":
            calls.append(phone.call(rest))
        elif order == "hang_up":
            live = [call for call in calls if call.state is CallState.ANSWERED]
            live[-1].hangup()
        elif order == "quit":
            break
    os._exit(0)  # its threads are no daemons, and its own stop waits for them


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
