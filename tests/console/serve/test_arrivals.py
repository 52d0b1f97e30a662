"""Signals and the end of the standard input, as the supervisor meets them; in a process of its own."""

from __future__ import annotations

import subprocess
import sys

_BEGIN = """
import os, signal, sys
from console.serve.arrivals import Arrivals
"""


def run(code: str, given: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code], input=given, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_signals_arrive_one_by_one_in_their_order_and_none_is_lost() -> None:
    code = """
arrivals = Arrivals()
os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGCHLD)
os.kill(os.getpid(), signal.SIGTERM)
print([arrivals.wait(30) for _ in range(3)] == [signal.SIGHUP, signal.SIGCHLD, signal.SIGTERM], arrivals.wait(0))
"""
    assert run(code) == "True None"


def test_the_end_of_the_input_counts_as_a_request_to_stop_and_what_is_written_there_does_not() -> None:
    code = """
reading, writing = os.pipe()
arrivals = Arrivals(reading)
os.write(writing, b"something")
print(arrivals.wait(30), end=" ")
os.close(writing)
print(arrivals.wait(30) == signal.SIGTERM, arrivals.wait(0))
"""
    assert run(code) == "None True None"


def test_a_signal_to_a_forked_child_does_what_it_does_to_any_process_and_the_parent_does_not_hear_of_it() -> None:
    code = """
arrivals = Arrivals()
arrivals.hold()
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGTERM)
    arrivals.forget()
    arrivals.let_go()
    os._exit(0)
arrivals.let_go()
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status) == -signal.SIGTERM, arrivals.wait(30) == signal.SIGCHLD, arrivals.wait(0))
"""
    assert run(code) == "True True None"
