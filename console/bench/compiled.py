"""Small C programs of the benchmark, compiled on the spot: what is compared with, and loads that Python cannot make."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).parent


class NoCompiler(Exception):
    """There is no C compiler here, or it does not compile; the text says which."""


def compiled(name: str, folder: Path) -> Path:
    """The program of ``<name>.c``, built in ``folder`` once. Raises NoCompiler."""
    program = folder / name
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoCompiler("no C compiler (cc) is installed")
    source = _SOURCES / f"{name}.c"
    done = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(source)], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise NoCompiler(f"{source.name} does not compile: {done.stderr[-500:]}")
    return program
