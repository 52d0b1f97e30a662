"""What is looked at before anything starts: is the data folder ours, are the ports free, is the schema there?"""

from __future__ import annotations

import fcntl
import os
import socket
from typing import IO

from console.config import ConsoleConfig


class CannotStart(Exception):
    """One sentence that says what is in the way."""


def lock_data(config: ConsoleConfig) -> IO[str]:
    """Make the data folder if need be and take it for this instance; keep the file open as long as it is ours.

    Raises CannotStart.
    """
    run = config.data / "run"
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = open(run / "lock", "a+", encoding="ascii")  # noqa: SIM115
    except OSError as error:
        raise CannotStart(f"data: the folder {config.data} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        by = f" (process {owner})" if owner else ""
        raise CannotStart(
            f"data: the folder {config.data} is in use by another sansheng{by}; stop it or set another SANSHENG_DATA"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_ports(config: ConsoleConfig) -> None:
    """Raises CannotStart for the first port that is taken or cannot be bound."""
    for key, host, port, kind in (
        ("http.port", config.http.host, config.http.port, socket.SOCK_STREAM),
        ("headset.port", config.headset_host, config.headset_port, socket.SOCK_STREAM),
        ("sip.port", config.sip.host, config.sip.port, socket.SOCK_DGRAM),
    ):
        _check_port(key, host, port, kind)


def _check_port(key: str, host: str, port: int, kind: socket.SocketKind) -> None:
    protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
    variable = f"SANSHENG_{key.replace('.', '_').upper()}"
    try:
        found = socket.getaddrinfo(host or None, port, type=kind, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"{key.replace('port', 'host')}: {host!r} is no address of this machine: {error}") from None
    family, _, _, _, address = found[0]
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # connections that are closing do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise CannotStart(
                f"{key}: {protocol} port {port} needs rights that we do not have; set {variable}"
            ) from None
        except OSError as error:
            raise CannotStart(
                f"{key}: {protocol} {host}:{port} is taken or cannot be used ({error.strerror}); "
                f"stop what uses it or set {variable}"
            ) from None


def nobody_may_sign_in(config: ConsoleConfig) -> bool:
    """Is there no active user yet? For a schema that is up to date."""
    from storage.database import open_engine, reading
    from storage.users import list_users

    engine = open_engine(config.database)
    try:
        with reading(engine) as conn:
            return not any(user.active for user in list_users(conn))
    finally:
        engine.dispose()


def prepare_database(config: ConsoleConfig) -> str:
    """Bring the schema up to date; gives the revision. Raises CannotStart."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.database import DatabaseUrlError, open_engine
    from storage.migrate import UnknownSchema, upgrade

    try:
        engine = open_engine(config.database)
    except (DatabaseUrlError, OSError) as error:
        raise CannotStart(f"database_url: {error}") from None
    try:
        return upgrade(engine)
    except UnknownSchema as error:
        raise CannotStart(f"database_url: the database cannot be used: {error}") from None
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise CannotStart(f"database_url: the database cannot be used: {reason}") from error
    finally:
        engine.dispose()
