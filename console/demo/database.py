"""The demo's database: newest schema, invented patients, users, departments, menu."""

from __future__ import annotations

from dataclasses import dataclass

from console.config import ConsoleConfig
from console.demo.routing import load_demo_routing
from storage.database import open_engine, transaction
from storage.demo_data import demo_callers, load_demo, load_demo_users
from storage.demo_directory import load_demo_directory
from storage.migrate import upgrade
from storage.users import User


@dataclass(frozen=True, slots=True)
class Loaded:
    """``added``: patients that were not there before."""

    users: list[User]
    added: int


def prepare_database(config: ConsoleConfig, password: str, patients: int) -> Loaded:
    """Safe to run again. Raises ``storage.users.UserError`` for a password that is too short or too long."""
    engine = open_engine(config.database)
    try:
        upgrade(engine)
        with transaction(engine) as conn:
            users = load_demo_users(conn, password)
            load_demo_directory(conn)
            load_demo_routing(conn, config)
        with transaction(engine) as conn:
            added = load_demo(conn, patients)
        return Loaded(users, added)
    finally:
        engine.dispose()


def caller_numbers() -> list[str]:
    """Numbers that the simulated patients call from: of one, of several and of no patient; empty: withheld."""
    return [caller.number for caller in demo_callers()]
