"""What a recording does with each packet: in C where the installation could build it, else in Python.

As ``telephony.media.packet_path``: a binary of another source than lies beside it is not used, and none is with
``PACKET_PATH=python`` in the environment.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recordings import plain_tap

_SOURCE = Path(__file__).with_name("_packet_tap.c")


def _compiled() -> Any:
    """The type of the extension module, or None."""
    if os.environ.get("PACKET_PATH") == "python":
        return None
    try:
        module = importlib.import_module("recordings._packet_tap")
        return module.PacketTap if hashlib.sha256(_SOURCE.read_bytes()).hexdigest() == module.SOURCE else None
    except (ImportError, OSError):
        return None


if TYPE_CHECKING:
    from recordings.plain_tap import PacketTap
else:
    PacketTap = _compiled() or plain_tap.PacketTap

__all__ = ["PacketTap"]
