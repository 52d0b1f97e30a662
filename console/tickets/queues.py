"""Whose queues a user looks after: agents those that they sign in to, others all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from console.config import ConsoleConfig
from console.identity.user import User
from console.routing import documents
from console.routing.agent_profile import profile_of


def queues_of(conn: Connection, user: User, config: ConsoleConfig) -> Sequence[str] | None:
    """None: all there ever were."""
    if user.oversees:
        return None
    return profile_of(conn, user.username, documents.newest(conn, config)[1]).queues
