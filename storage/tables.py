"""Every table of the catalogue, for the migrations: importing this fills ``metadata``."""

from storage import call_log, event_log, login, patients, recordings, rules, sessions, users
from storage.metadata import metadata

__all__ = ["call_log", "event_log", "login", "metadata", "patients", "recordings", "rules", "sessions", "users"]
