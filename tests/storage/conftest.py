"""Databases for the storage tests: a fresh SQLite file and a fresh PostgreSQL database, both migrated."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from storage.database import open_engine
from storage.migrate import upgrade

Event = dict[str, Any]


def _server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    assert on_path, "PostgreSQL's server programs are needed for these tests (Debian package: postgresql)"
    return Path(on_path).parent


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A private cluster on a Unix socket, without TCP; gives the URL's query. Stopped and removed at the end.

    The server refuses to run as root and pytest keeps its own folders closed to other users, so the cluster gets a
    temporary folder of its own.
    """
    programs, folder = _server_programs(), Path(tempfile.mkdtemp(prefix="sansheng-pg-"))
    data, log = folder / "data", folder / "log"
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        postgres = pwd.getpwnam("postgres")
        os.chown(folder, postgres.pw_uid, postgres.pw_gid)
        account = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}

    def run(*command: str) -> None:
        # Output goes to a file: the server would keep a pipe open for as long as it lives.
        with (folder / "output").open("w+") as output:
            done = subprocess.run(
                command,
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                **account,
            )
            output.seek(0)
            assert done.returncode == 0, f"{command[0]}: {output.read()}"

    quick = f"-c fsync=off -c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=60"
    try:
        run(f"{programs}/initdb", "-D", f"{data}", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        run(f"{programs}/pg_ctl", "-D", f"{data}", "-l", f"{log}", "-o", quick, "-w", "-t", "60", "start")
        try:
            yield f"host={folder}&user=postgres"
        finally:
            run(f"{programs}/pg_ctl", "-D", f"{data}", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def migrated_template(postgresql_server: str) -> str:
    """A migrated PostgreSQL database to copy from: a copy takes milliseconds, the migrations do not."""
    name = "template_migrated"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    engine = open_engine(f"postgresql:///{name}?{postgresql_server}")
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture
def empty_postgresql(postgresql_server: str) -> Iterator[Engine]:
    name = f"t{uuid.uuid4().hex}"
    _administer(postgresql_server, f"CREATE DATABASE {name}")
    engine = open_engine(f"postgresql:///{name}?{postgresql_server}")
    yield engine
    engine.dispose()
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql_engine(postgresql_server: str, migrated_template: str) -> Iterator[Engine]:
    name = f"t{uuid.uuid4().hex}"
    _administer(postgresql_server, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    engine = open_engine(f"postgresql:///{name}?{postgresql_server}")
    yield engine
    engine.dispose()
    _administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


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
def shared_postgresql(postgresql_server: str, migrated_template: str) -> Iterator[Engine]:
    _administer(postgresql_server, f"CREATE DATABASE shared TEMPLATE {migrated_template}")
    engine = open_engine(f"postgresql:///shared?{postgresql_server}")
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


def _administer(server: str, statement: str) -> None:
    engine = create_engine(f"postgresql+psycopg:///postgres?{server}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
