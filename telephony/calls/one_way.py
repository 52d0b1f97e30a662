"""Audio in one direction only: parties from whom nothing comes though somebody should hear them."""

from __future__ import annotations

from collections.abc import Mapping

from telephony.clock import SECOND

#: how often a call is looked at (ns); for how long nothing may come before that is told is a rule (``one_way_after``).
#: A telephone that sends nothing while its owner is silent (RFC 3389) is told of too; its next packet takes that back
LOOK_NS = 2 * SECOND
#: a call that nobody looked at for so long begins anew: it was not talking, or the process stood still
_FORGET_NS = 2 * LOOK_NS


class SilentParties:
    """``silent`` are those of whom it was told."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        #: packets so far, and when there were last more of them
        self._last: dict[int, tuple[int, int]] = {}
        self._looked_at = 0

    def look(self, received: Mapping[int, int], now: int, after: int) -> dict[int, bool]:
        """``received``: packets so far of each party that should be heard. Gives who has fallen silent for ``after`` ns
        (True), or is silent no longer (False)."""
        if now - self._looked_at > _FORGET_NS:
            self._last.clear()
        self._looked_at = now
        changes = {party: False for party in self.silent if party not in received}
        self._last = {party: known for party, known in self._last.items() if party in received}
        for party, packets in received.items():
            known = self._last.get(party)
            if known is None or known[0] != packets:
                self._last[party] = (packets, now)
                if known is not None and party in self.silent:
                    changes[party] = False
            elif now - known[1] >= after and party not in self.silent:
                changes[party] = True
        for party, silent in changes.items():
            (self.silent.add if silent else self.silent.discard)(party)
        return changes
