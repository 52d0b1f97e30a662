"""Databases for the storage tests: a fresh SQLite file and a fresh PostgreSQL database, both migrated."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cheap_passwords import cheap_passwords, costly_passwords
from postgresql_cluster import Cluster
from sqlalchemy import Connection, Engine

from storage.database import open_engine
from storage.migrate import upgrade

__all__ = ["cheap_passwords", "costly_passwords"]

Event = dict[str, Any]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def migrated_template(postgresql_server: Cluster) -> str:
    """A migrated PostgreSQL database to copy from: a copy takes milliseconds, the migrations do not."""
    name = "template_migrated"
    engine = open_engine(postgresql_server.create_database(name=name))
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture
def empty_postgresql(postgresql_server: Cluster) -> Iterator[Engine]:
    url = postgresql_server.create_database()
    engine = open_engine(url)
    yield engine
    engine.dispose()
    postgresql_server.drop_database(url)


@pytest.fixture
def postgresql_engine(postgresql_server: Cluster, migrated_template: str) -> Iterator[Engine]:
    url = postgresql_server.create_database(migrated_template)
    engine = open_engine(url)
    yield engine
    engine.dispose()
    postgresql_server.drop_database(url)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_engine(tmp_path: Path, migrated_file: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'sansheng.db')}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared_sqlite(migrated_file: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{shutil.copy(migrated_file, migrated_file.with_name('shared.db'))}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_server: Cluster, migrated_template: str) -> Iterator[Engine]:
    engine = open_engine(postgresql_server.create_database(migrated_template, "shared"))
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A database of the test's own; each test runs on both kinds."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """One writing transaction in an empty migrated database, rolled back at the end; on both kinds of database."""
    shared: Engine = request.getfixturevalue(f"shared_{request.param}")
    with shared.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin() as whole:
        yield connection
        whole.rollback()


@pytest.fixture
def call_story() -> Callable[..., list[Event]]:
    """The events of one whole call: two offers, the second answered on the fourth ring, held, hung up by the caller."""
    return _call_story


def _call_story(
    call: str = "01900000-0000-7000-8000-000000000001",
    node: str = "phone1",
    first: int = 1,
    number: str = "13805711001",
    at: float = 1_790_000_000.0,
) -> list[Event]:
    steps: list[tuple[float, Event]] = [
        (
            0.0,
            {
                "type": "call.started",
                "direction": "inbound",
                "line": "main",
                "number": number,
                "dialled": "057188000000",
            },
        ),
        (0.0, {"type": "call.caller_ring", "ring": 1}),
        (0.0, {"type": "call.queued", "queue": "default", "position": 1}),
        (0.1, {"type": "call.offered", "agent": "agent1", "offer": 1, "number": number, "line": "main"}),
        (0.1, {"type": "call.agent_ring", "agent": "agent1", "ring": 1}),
        (5.0, {"type": "call.caller_ring", "ring": 2}),
        (5.1, {"type": "call.agent_ring", "agent": "agent1", "ring": 2}),
        (10.0, {"type": "call.caller_ring", "ring": 3}),
        (10.1, {"type": "call.agent_ring", "agent": "agent1", "ring": 3}),
        (15.0, {"type": "call.caller_ring", "ring": 4}),
        (15.1, {"type": "call.offer_ended", "agent": "agent1", "offer": 1, "outcome": "no_answer", "rings": 3}),
        (
            15.1,
            {
                **{"type": "call.offered", "agent": "agent2", "offer": 2, "number": number, "line": "main"},
                "caller_rings": 4,
            },
        ),
        (15.1, {"type": "call.agent_ring", "agent": "agent2", "ring": 1}),
        (17.0, {"type": "call.offer_ended", "agent": "agent2", "offer": 2, "outcome": "answered", "rings": 1}),
        (
            17.0,
            {
                **{"type": "call.answered", "agent": "agent2", "codec": "PCMA", "caller_rings": 4, "agent_rings": 1},
                **{"within_three_rings": False, "wait_seconds": 17.0, "rule": "three_rings", "rule_version": 1},
            },
        ),
        (17.0, {"type": "recording.started", "path": f"recordings/raw/{call}.cap"}),
        (30.0, {"type": "call.held", "by": "agent"}),
        (40.0, {"type": "call.resumed", "by": "agent"}),
        (
            77.0,
            {
                **{"type": "call.ended", "by": "caller", "sip_status": 200, "reason": "BYE", "caller_rings": 4},
                **{"agent_rings": 1, "agent": "agent2", "talk_seconds": 60.0},
            },
        ),
        (77.1, {"type": "recording.closed", "path": f"recordings/raw/{call}.cap", "bytes": 960000, "packets": 6000}),
    ]
    return [
        {
            **body,
            "call": call,
            "node": node,
            "sequence": first + index,
            "at": at + offset,
            "monotonic": int(offset * 1e9),
        }
        for index, (offset, body) in enumerate(steps)
    ]
