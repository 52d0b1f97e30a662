"""The command line of ``sansheng demo``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of database, recordings and logins")
    parser.add_argument("--http-port", type=port, default=8080, metavar="PORT", help="the console (default 8080)")
    parser.add_argument("--sip-port", type=port, default=5060, metavar="PORT", help="the trunk (default 5060, UDP)")
    parser.add_argument(
        "--headset-port",
        type=port_or_none,
        default=0,
        metavar="PORT",
        help="headsets (default: the console's plus one)",
    )
    parser.add_argument("--callers", type=count, default=3, metavar="N", help="patients who call; 0: none does")
    parser.add_argument("--call-every", type=seconds, default=60.0, metavar="S", help="a caller's mean rest, seconds")
    parser.add_argument("--patients", type=count, default=1000, metavar="N", help="invented patients in the database")


def port(text: str) -> int:
    """1 to 65535."""
    number = port_or_none(text)
    if not number:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return number


def port_or_none(text: str) -> int:
    """1 to 65535, or 0 for the default."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is 1 to 65535, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a number, 0 or more, not {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """More than 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError(f"wanted seconds, more than 0, not {text!r}")
    return value
