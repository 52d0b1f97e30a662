"""CPU seconds of processes, and where they run."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User plus system CPU seconds of a process so far, all its threads. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def waited_for_others(pid: int) -> float:
    """Seconds so far in which the main thread of a process was ready and another process had its processor: what its
    own threads ran is taken off. 0 where the kernel does not say."""
    try:
        ran, waited = (int(word) / 1e9 for word in Path(f"/proc/{pid}/schedstat").read_text().split()[:2])
    except (OSError, ValueError):
        return 0.0
    return waited - max(0.0, cpu_seconds(pid) - ran)


def load() -> float:
    """Processes that ran or wanted to, over the last minute, for each processor."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def pin_process(pid: int, processor: int) -> None:
    """All threads that it has now, and what they begin."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {processor})


def raise_priority() -> bool:
    """As the phone does where it may: on a busy machine it is not the scheduler that is to be measured."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except PermissionError:
        return False
    return True


def allow_descriptors(wanted: int) -> int:
    """Raise the soft limit of open files as far as ``wanted`` where that is allowed; gives what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
