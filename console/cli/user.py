"""``sansheng user``: who may sign in."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Callable
from typing import TypeVar

from console.cli.configuration import add_config_argument, configuration

PASSWORD = "SANSHENG_PASSWORD"
#: who the access trail names for what is done on the command line
BY = "command-line"

T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help=f"add a user; the password comes from {PASSWORD}, --generate or a prompt")
    add.add_argument("username")
    add.add_argument("--role", required=True, choices=("agent", "reviewer", "supervisor", "admin"))
    add.add_argument("--name", default="", help="the name that colleagues see")
    add.add_argument("--locale", default="zh-CN", choices=("zh-CN", "en"))
    password = actions.add_parser("password", help="set a new password; ends the user's sessions")
    password.add_argument("username")
    for one in (add, password):
        one.add_argument("--generate", action="store_true", help="make a password and print it")
    listing = actions.add_parser("list", help="list all users")
    disable = actions.add_parser("disable", help="let a user sign in no more; ends their sessions")
    disable.add_argument("username")
    enable = actions.add_parser("enable", help="let a disabled user sign in again")
    enable.add_argument("username")
    for one in (add, password, listing, disable, enable):
        add_config_argument(one)


def run(arguments: argparse.Namespace) -> int:
    """0: done; 1: refused."""
    from sqlalchemy import Connection
    from sqlalchemy.exc import SQLAlchemyError

    from storage import access_trail, sessions, users
    from storage.database import DatabaseUrlError, open_engine, transaction

    config = configuration(arguments)

    def listing(conn: Connection) -> None:
        for user in users.list_users(conn):
            state = "" if user.active else "  disabled"
            print(f"{user.username:<20} {user.role:<11} {user.display_name}{state}")

    def add(conn: Connection, password: str) -> None:
        user = users.create_user(conn, arguments.username, password, arguments.role, arguments.name, arguments.locale)
        access_trail.record(conn, BY, "user.add", "user", user.username, {"role": user.role})

    def new_password(conn: Connection, password: str) -> None:
        users.update_user(conn, arguments.username, password=password)
        sessions.close_sessions_of(conn, arguments.username)
        access_trail.record(conn, BY, "user.password", "user", arguments.username)

    def activate(conn: Connection, active: bool) -> None:
        users.update_user(conn, arguments.username, active=active)
        if not active:
            sessions.close_sessions_of(conn, arguments.username)
        access_trail.record(conn, BY, "user.change", "user", arguments.username, {"active": active})

    try:
        engine = open_engine(config.database)
        work = _work(arguments, listing, add, new_password, activate)
        with transaction(engine) as connection:
            work(connection)
    except users.UserError as error:
        print(f"sansheng user: {error}", file=sys.stderr)
        return 1
    except (SQLAlchemyError, DatabaseUrlError) as error:
        reason = str(getattr(error, "orig", None) or error)
        print(f"sansheng user: the database cannot be used: {reason} (was it migrated?)", file=sys.stderr)
        return 1
    return 0


def _work(
    arguments: argparse.Namespace,
    listing: Callable[[T], None],
    add: Callable[[T, str], None],
    new_password: Callable[[T, str], None],
    activate: Callable[[T, bool], None],
) -> Callable[[T], None]:
    if arguments.action == "list":
        return listing
    if arguments.action in ("disable", "enable"):
        return lambda conn: activate(conn, arguments.action == "enable")
    password = _password(arguments)
    change = add if arguments.action == "add" else new_password

    def work(conn: T) -> None:
        change(conn, password)
        if arguments.generate:
            print(f"password of {arguments.username}: {password}")

    return work


def _password(arguments: argparse.Namespace) -> str:
    if arguments.generate:
        return secrets.token_urlsafe(12)
    given = os.environ.get(PASSWORD, "")
    if given:
        return given
    first = getpass.getpass(f"Password of {arguments.username}: ")
    if getpass.getpass("Once more: ") != first:
        raise SystemExit("sansheng user: the two are not the same")
    return first
