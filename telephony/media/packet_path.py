"""The steps that every packet takes: those in C where the installation could build them, else those in Python.

The two do the same and pass the same tests (tests/telephony/media/test_packet_path.py); C needs less of the processor
(docs/decisions/0010-capacity.md). A binary that was built of another source than lies beside it is not used, and none
is with ``PACKET_PATH=python`` in the environment.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from telephony.media import plain_path

#: why Python does it; empty where C does
NOT_COMPILED = ""

_NAME = "_packet_path"


def _source() -> str:
    """What the binary says of itself when it was built of the sources beside it (hatch_build.py)."""
    parts = sorted(Path(__file__).parent.glob(f"{_NAME}*.[ch]"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _compiled() -> ModuleType | str:
    """The extension module, or why it is not used."""
    if os.environ.get("PACKET_PATH") == "python":
        return "as PACKET_PATH says"
    try:
        module = importlib.import_module(f"telephony.media.{_NAME}")
        source = _source()
    except (ImportError, OSError) as error:
        return f"not built: {error}"
    return module if source == module.SOURCE else "built of another source; install again"


if TYPE_CHECKING:
    from telephony.media.plain_path import (
        HeadsetToLeg,
        LegToHeadset,
        Microphone,
        Pacing,
        Receiving,
        Reception,
        Sending,
        serve,
        transmitter,
    )
else:
    _path = _compiled()
    if isinstance(_path, str):
        NOT_COMPILED, _path = _path, plain_path
    HeadsetToLeg = _path.HeadsetToLeg
    LegToHeadset = _path.LegToHeadset
    Microphone = _path.Microphone
    Pacing = _path.Pacing
    Receiving = _path.Receiving
    Reception = _path.Reception
    Sending = _path.Sending
    serve = _path.serve
    transmitter = _path.transmitter

__all__ = [
    "NOT_COMPILED",
    "HeadsetToLeg",
    "LegToHeadset",
    "Microphone",
    "Pacing",
    "Receiving",
    "Reception",
    "Sending",
    "serve",
    "transmitter",
]
