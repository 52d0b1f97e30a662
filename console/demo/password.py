"""The demo users' password: from ``SANSHENG_DEMO_PASSWORD``, else made once and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "SANSHENG_DEMO_PASSWORD"
FILE = "demo-password"

#: letters and digits that are not mistaken for one another when read from a terminal
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def demo_password(data: Path, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The password, and where it comes from in words for the terminal. Raises ``OSError``."""
    environ = os.environ if environ is None else environ
    given = environ.get(VARIABLE, "")
    if given:
        return given, f"as set by {VARIABLE}"
    path = data / FILE
    if path.exists():
        kept = path.read_text().strip()
        if kept:
            return kept, f"kept in {path}"
    made = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(made + "\n")
    return made, f"kept in {path}"
