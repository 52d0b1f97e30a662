"""What a process holds of what can run out."""

from __future__ import annotations

import os
from pathlib import Path


def held(pid: int) -> dict[str, int]:
    """Threads, descriptors and, of those, sockets."""
    descriptors = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            descriptors.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            # closed between the look at the list and at it
            continue
    return {
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
        "descriptors": len(descriptors),
        "sockets": sum(name.startswith("socket:") for name in descriptors),
    }


def resident(pid: int) -> float:
    """Resident memory, megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
