"""Every table of the catalogue, for the migrations: importing this fills ``metadata``."""

from storage import (
    access_trail,
    audits,
    call_tables,
    callbacks,
    directory,
    dispositions,
    event_log,
    login,
    patients,
    prompts,
    recordings,
    routing,
    rules,
    sessions,
    sponsored_callers,
    tickets,
    users,
)
from storage.metadata import metadata

__all__ = [
    "access_trail",
    "audits",
    "call_tables",
    "callbacks",
    "directory",
    "dispositions",
    "event_log",
    "login",
    "metadata",
    "patients",
    "prompts",
    "recordings",
    "routing",
    "rules",
    "sessions",
    "sponsored_callers",
    "tickets",
    "users",
]
