"""The phone keeps time where it may, with its threads, and starts all the same where it may not."""

from __future__ import annotations

import os
import subprocess
import sys

_POLICIES = """
import os, resource, threading
from console.serve.lifeline import keep_time
{before}
may = keep_time()
policies = [os.sched_getscheduler(0)]
thread = threading.Thread(target=lambda: policies.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
expected = os.SCHED_RR if may else os.SCHED_OTHER
assert policies == [expected, expected], (may, policies)
print(may)
"""

#: as a user without rights: no capability counts, no real-time priority allowed
_WITHOUT_RIGHTS = (
    "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0)); os.setgroups([]); os.setresuid(65534, 65534, 65534)"
)


def policies(before: str = "") -> str:
    code = _POLICIES.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_keeps_time_runs_before_what_does_not_and_its_threads_too() -> None:
    assert policies() in ("True", "False")


def test_without_the_right_to_keep_time_nothing_fails() -> None:
    if os.getuid() == 0:
        assert policies(_WITHOUT_RIGHTS) == "False"
    else:
        assert policies("resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))") == "False"
