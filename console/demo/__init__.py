"""The demonstration: the whole product on invented patients, who call by themselves. ``sansheng demo`` runs it."""

from __future__ import annotations

import argparse

from console.demo.arguments import add_arguments

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """The ``demo`` command; gives the exit code."""
    # here, so that the patients' process, which is of this package too, does not load the database's
    from console.demo.house import run as run_house

    return run_house(args)
