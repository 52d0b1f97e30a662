"""The command line. Each command's code is loaded only when it is the one that is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from console import __version__

#: name, what it does, and the module with ``add_arguments(parser)`` and ``run(arguments) -> exit code``
COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("start the product: phone, web and worker processes", "console.cli.serve"),
    "demo": ("start it with invented patients who call by themselves", "console.demo"),
    "agent": ("be an agent without a browser, for tests and measurements", "console.headless_agent"),
    "migrate": ("bring the database to the newest schema", "console.cli.migrate"),
    "rebuild": ("read the call log anew from its events, after an upgrade", "console.cli.rebuild"),
    "user": ("add, list and change users", "console.cli.user"),
    "rules": ("show and set the department's rules", "console.cli.rules"),
    "config": ("check the configuration", "console.cli.config"),
    "bench": ("measure, and print percentiles", "console.bench.run"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``sansheng`` command; gives the exit code (2: wrong usage or configuration)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser = argparse.ArgumentParser(prog="sansheng", description="三声 Sansheng: the telephone desk of a hospital")
    parser.add_argument("--version", action="version", version=f"sansheng {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (about, module) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        if name == chosen:
            importlib.import_module(module).add_arguments(command)
    parsed = parser.parse_args(words)
    code: int = importlib.import_module(COMMANDS[parsed.command][1]).run(parsed)
    return code
