"""What the supervisor loads before it forks leaves it fit for forking."""

from __future__ import annotations

import json
import subprocess
import sys

_LOOK = """
import gc, json, os, sys
before = set(os.listdir("/proc/self/fd"))
from console.serve.roles import ROLES, load
load()
import asyncio
print(json.dumps({
    "threads": len(os.listdir("/proc/self/task")),
    "opened": len(set(os.listdir("/proc/self/fd")) - before),
    "collected": gc.isenabled(),
    "loaded": [role.module for role in ROLES if role.module in sys.modules],
    "loop": asyncio._get_running_loop() is not None,
}))
"""


def test_what_is_loaded_before_the_fork_begins_no_thread_and_opens_no_file() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert found == {
        "threads": 1,
        "opened": 0,
        "collected": True,
        "loaded": ["console.serve.phone", "console.serve.web", "console.serve.worker"],
        "loop": False,
    }
