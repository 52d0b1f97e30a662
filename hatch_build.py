"""Builds the parts of the packet path that are in C, where a C compiler and Python's headers are; else it says so.

Without them the product runs the same steps in Python (telephony/media/packet_path.py). ``PACKET_PATH=python`` in the
environment leaves them out.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("telephony/media/_packet_path.c", "recordings/_packet_tap.c")
FLAGS = ("-O2", "-fPIC", "-shared", "-fwrapv", "-ffp-contract=off", "-DNDEBUG", "-Wall")


class PacketPathBuild(BuildHookInterface[Any]):
    """A wheel gets the binaries with their sources, which the product compares them with; an editable installation
    gets them beside the sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("PACKET_PATH") == "python":
            return
        folder = Path(tempfile.mkdtemp(prefix="packet-path-"))
        for source in SOURCES:
            path = Path(self.root, source)
            name = path.stem + sysconfig.get_config_var("EXT_SUFFIX")
            failed = build(path, folder / name)
            if failed:
                self.app.display_warning(f"{source} stays in Python: {failed}")
                return
        for source in SOURCES:
            path = Path(self.root, source)
            name = path.stem + sysconfig.get_config_var("EXT_SUFFIX")
            if version == "editable":
                # in one step: a process may be running the one that is there
                beside = path.with_name(f".{name}")
                beside.write_bytes((folder / name).read_bytes())
                beside.replace(path.with_name(name))
            else:
                build_data["force_include"][str(folder / name)] = str(Path(source).with_name(name))
                build_data["pure_python"] = False
                build_data["infer_tag"] = True


def build(source: Path, target: Path) -> str:
    """Compile ``source``; gives why it did not work, or nothing."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    # the file and what it includes, as the product looks at them
    parts = sorted(source.parent.glob(f"{source.stem}*.[ch]"))
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    include = sysconfig.get_paths()["include"]
    command = [*compiler, *FLAGS, f'-DSOURCE="{digest}"', f"-I{include}", str(source), "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:] or f"{compiler[0]} failed"
