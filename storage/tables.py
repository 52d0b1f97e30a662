"""Every table of the catalogue, for the migrations: importing this fills ``metadata``."""

from storage import (
    access_trail,
    audits,
    call_log,
    directory,
    dispositions,
    event_log,
    login,
    patients,
    recordings,
    rules,
    sessions,
    users,
)
from storage.metadata import metadata

__all__ = [
    "access_trail",
    "audits",
    "call_log",
    "directory",
    "dispositions",
    "event_log",
    "login",
    "metadata",
    "patients",
    "recordings",
    "rules",
    "sessions",
    "users",
]
