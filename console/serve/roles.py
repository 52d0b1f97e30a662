"""The three processes of the product, and all that they run, loaded once."""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass

from console.config import ConsoleConfig
from storage import name_readings
from storage.places import places


@dataclass(frozen=True, slots=True)
class Role:
    """A process to keep running; ``first_pause`` and ``longest_pause``: seconds before it is started again."""

    name: str
    first_pause: float
    longest_pause: float

    @property
    def module(self) -> str:
        """Has ``live(config) -> exit code``, which runs until SIGTERM."""
        return f"console.serve.{self.name}"

    def live(self, config: ConsoleConfig) -> int:
        code: int = importlib.import_module(self.module).live(config)
        return code


ROLES = (Role("phone", 0.02, 1.0), Role("web", 0.05, 5.0), Role("worker", 1.0, 30.0))


def load() -> None:
    """Import what the processes run, so that those that are forked from us have it; no thread or loop begins here.

    What was loaded stays: no collection looks at it, which would take time and make the forked ones copy its pages.
    """
    gc.disable()
    for role in ROLES:
        importlib.import_module(role.module)
    places()
    name_readings.load()
    gc.freeze()
    gc.enable()
