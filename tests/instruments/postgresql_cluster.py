"""A private PostgreSQL cluster on a Unix socket, without TCP."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text


class Cluster:
    """Made and started at once; ``stop`` and ``start`` as often as a test likes; ``remove`` at the end.

    The server refuses to run as root and pytest keeps its own folders closed to other users, so the cluster gets a
    temporary folder of its own.
    """

    def __init__(self) -> None:
        self._programs = _server_programs()
        self._folder = Path(tempfile.mkdtemp(prefix="sansheng-pg-"))
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self._folder, postgres.pw_uid, postgres.pw_gid)
            self._account = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        #: the query of a database's URL
        self.query = f"host={self._folder}&user=postgres"
        try:
            self._run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def start(self) -> None:
        quick = f"-c fsync=off -c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=60"
        self._run("pg_ctl", "-l", f"{self._folder / 'log'}", "-o", quick, "-w", "-t", "60", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self._folder)

    def create_database(self, template: str = "", name: str = "") -> str:
        """The URL of a new database."""
        name = name or f"t{uuid.uuid4().hex}"
        self._administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql:///{name}?{self.query}"

    def drop_database(self, url: str) -> None:
        name = url.partition(":///")[2].partition("?")[0]
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = create_engine(f"postgresql+psycopg:///postgres?{self.query}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *options: str) -> None:
        # output goes to a file: the server would keep a pipe open for as long as it lives
        with (self._folder / "output").open("w+") as output:
            done = subprocess.run(
                [f"{self._programs}/{program}", "-D", f"{self._folder / 'data'}", *options],
                check=False,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                cwd=self._folder,
                env={**os.environ, "LC_ALL": "C"},
                **self._account,
            )
            output.seek(0)
            assert done.returncode == 0, f"{program}: {output.read()}"


def _server_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    assert on_path, "PostgreSQL's server programs are needed for these tests (Debian package: postgresql)"
    return Path(on_path).parent
