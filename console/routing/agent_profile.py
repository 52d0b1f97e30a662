"""What an agent is signed in to the floor with: queues and skills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from storage.routing import Document
from storage.users import find_user


@dataclass(frozen=True, slots=True)
class AgentProfile:
    queues: Sequence[str]
    skills: Mapping[str, int]


def profile_of(conn: Connection, username: str, document: Document) -> AgentProfile:
    """Of the queues that the document has, those set for the agent, all where none is set; an agent whose queues are
    all gone gets all too."""
    every = [str(queue["name"]) for queue in document.get("queues", ()) if _named(queue)]
    user = find_user(conn, username)
    chosen = [name for name in (user.queues if user else ()) if name in every]
    return AgentProfile(chosen or every, dict(user.skills) if user else {})


def _named(queue: Any) -> bool:
    return isinstance(queue, dict) and isinstance(queue.get("name"), str)
