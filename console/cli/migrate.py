"""``sansheng migrate``."""

from __future__ import annotations

import argparse
import sys

from console.cli.configuration import add_config_argument, configuration
from console.serve.preflight import CannotStart, prepare_database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    config = configuration(arguments)
    try:
        revision = prepare_database(config)
    except CannotStart as error:
        print(f"sansheng migrate: {error}", file=sys.stderr)
        return 1
    print(f"the database is at schema {revision}")
    return 0
