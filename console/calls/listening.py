"""Which calls a user may hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from console.config import ConsoleConfig
from console.identity.user import User
from console.tickets.queues import queues_of
from storage.call_projection import Call
from storage.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Listener:
    """Agents hear the calls that they spoke in, and messages left for whoever comes next in their queues or in what
    they see to; those who oversee hear all (D27, D124). ``queues``: None for all."""

    user: User
    queues: Sequence[str] | None

    @classmethod
    def of(cls, conn: Connection, user: User, config: ConsoleConfig) -> Listener:
        return cls(user, queues_of(conn, user, config))

    def may_hear(self, call: Call, ticket: Ticket | None) -> bool:
        """``ticket``: the one of the message that was left in the call."""
        if self.user.oversees or call.handled_by(self.user.username):
            return True
        if call.voicemail_seconds is None or call.answered_at is not None:
            return False
        if self.queues is None or ticket is None:
            return True
        return ticket.queue in self.queues or ticket.assignee == self.user.username
