"""The secret that signs headset tokens: configured, or made once and kept in the data folder."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace

from console.config import ConfigError, ConsoleConfig


def with_secret(config: ConsoleConfig) -> ConsoleConfig:
    """``config`` with its secret set: as configured, else from ``DATA/secret`` (made with mode 0600 when missing).

    Raises ConfigError when the file can neither be read nor made, or holds less than 16 characters.
    """
    if config.secret:
        return config
    path = config.data / "secret"
    try:
        config.data.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = path.read_text().strip()
        else:
            secret = secrets.token_urlsafe(32)
            with os.fdopen(descriptor, "w") as file:
                file.write(secret + "\n")
                file.flush()
                os.fsync(file.fileno())
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"secret: cannot use {path}: {problem}") from None
    if len(secret) < 16:
        raise ConfigError(f"secret: {path} is too short; remove it and a new one is made")
    return replace(config, secret=secret)
