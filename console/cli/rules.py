"""``sansheng rules``: the department's rules (D128)."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from console.cli.configuration import add_config_argument, configuration
from console.cli.user import BY
from console.config import ConsoleConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="every rule in force")
    change = actions.add_parser("set", help="put a new version of a rule in force")
    change.add_argument("name")
    change.add_argument("value", type=float)
    change.add_argument("--note", default="", help="why")
    for one in (show, change):
        add_config_argument(one)


def run(arguments: argparse.Namespace) -> int:
    """0: done; 1: refused."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage import access_trail, rules
    from storage.database import DatabaseUrlError, open_engine, transaction

    config = configuration(arguments)
    try:
        with transaction(open_engine(config.database)) as conn:
            if arguments.action == "set":
                before = rules.current(conn).get(arguments.name)
                rule = rules.set_rule(conn, arguments.name, arguments.value, BY, arguments.note)
                detail = {"from": before.value if before else None, "to": rule.value, "version": rule.version}
                access_trail.record(conn, BY, "rule.change", "rule", rule.name, detail, arguments.note)
                print(f"{rule.name} = {rule.value:g} {rule.unit} (version {rule.version})")
            in_force = rules.current(conn)
            if arguments.action == "show":
                for name, rule in sorted(in_force.items()):
                    print(f"{name:<22} {rule.value:>8g} {rule.unit:<9} version {rule.version:<3} {rule.note}")
                return 0
    except rules.RuleError as error:
        print(f"sansheng rules: {error}", file=sys.stderr)
        return 1
    except (SQLAlchemyError, DatabaseUrlError) as error:
        reason = str(getattr(error, "orig", None) or error)
        print(f"sansheng rules: the database cannot be used: {reason} (was it migrated?)", file=sys.stderr)
        return 1
    values = {
        name: {"value": rule.value, "unit": rule.unit, "version": rule.version} for name, rule in in_force.items()
    }
    asyncio.run(_tell_phone(config, values))
    return 0


async def _tell_phone(config: ConsoleConfig, values: dict[str, dict[str, Any]]) -> None:
    """A phone that runs takes the rules at once; one that does not gets them when it starts."""
    from telephony.seam.client import CommandError, SeamClient, SeamClosed

    try:
        client = await SeamClient.connect(config.phone().seam_path)
    except SeamClosed:
        print("no phone process runs here now; it gets the rules when it starts")
        return
    try:
        await client.command("rules.set", rules=values)
        print("the running phone process has taken the rules")
    except (CommandError, SeamClosed, TimeoutError) as error:
        print(f"sansheng rules: the phone process did not take the rules: {error}", file=sys.stderr)
    finally:
        await client.close()
