"""The options that every command shares, and how a wrong configuration is told."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from console.config import ConfigError, ConsoleConfig
from console.config_file import load_config

#: exit code for wrong usage or configuration
WRONG = 2


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the configuration (default: SANSHENG_CONFIG, then sansheng.toml)"
    )


def configuration(arguments: argparse.Namespace) -> ConsoleConfig:
    """The configuration that the arguments ask for; ends the program with 2 and one sentence when it is wrong."""
    try:
        config = load_config(arguments.config)
    except ConfigError as error:
        print(f"sansheng: {error}", file=sys.stderr)
        raise SystemExit(WRONG) from None
    if getattr(arguments, "log_format", None):
        config = replace(config, log=replace(config.log, format=arguments.log_format))
    return config
