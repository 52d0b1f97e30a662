"""``sansheng rebuild``: the call log read anew from its events."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from console.cli.configuration import add_config_argument, configuration

#: calls between two lines that say how far it is
TELL_EVERY = 5000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="do it; without it nothing is written, only told")
    add_config_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """0: done, or told; 1: the database cannot be used."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.call_log_renewal import count_calls, renew
    from storage.database import DatabaseUrlError, open_engine, reading
    from storage.migrate import is_current
    from storage.phone_numbers import NumberingPlan

    config = configuration(arguments)
    plan = NumberingPlan(area_code=config.home_area_code)
    looked_at = changed = 0
    columns: Counter[str] = Counter()
    try:
        engine = open_engine(config.database)
        if not is_current(engine):
            print("sansheng rebuild: run sansheng migrate first", file=sys.stderr)
            return 1
        with reading(engine) as conn:
            calls = count_calls(conn)
        print(f"{calls} calls have events; each is read anew from them, a hundred at a time")
        print("calls without events, recordings, messages, call-backs, users and patients stay as they are")
        for some in renew(engine, plan, write=arguments.write):
            if (looked_at + some.looked_at) // TELL_EVERY > looked_at // TELL_EVERY:
                print(f"{looked_at + some.looked_at} of {calls}", flush=True)
            looked_at += some.looked_at
            changed += some.changed
            columns += some.columns
    except (DatabaseUrlError, SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        print(f"sansheng rebuild: the database cannot be used: {reason}", file=sys.stderr)
        return 1
    print(f"{changed} of {looked_at} {'were brought up to date' if arguments.write else 'would be brought up to date'}")
    for name, number in columns.most_common():
        print(f"  {name}: {number}")
    if changed and not arguments.write:
        print("nothing was written; --write does it, also while the product runs")
    return 0
