"""Symmetric RTP limited to the negotiated peer (RFC 4961; the caution of RFC 7362 §3).

A peer behind a NAT sends from another port than its SDP says. We send to where its packets come from, once the
first valid one came. The host must be the negotiated one, so that nobody else can take a call's audio over.
"""

from __future__ import annotations

Address = tuple[str, int]

#: how long the latched source must be silent before another port of the same host may take over (ns)
RELATCH_SILENCE = 250_000_000


class Latch:
    """Where one leg's packets may come from, and where ours go. No sockets, no clock: ``now`` is monotonic ns."""

    __slots__ = ("_negotiated", "address", "foreign", "last_heard", "latched", "ssrc")

    def __init__(self) -> None:
        self.address: Address | None = None
        self._negotiated: Address | None = None
        self.latched = False
        self.last_heard = 0
        self.ssrc = 0
        #: packets refused because of where they came from
        self.foreign = 0

    def expect(self, host: str, port: int) -> None:
        """A peer was negotiated. The same address again keeps the latch (a re-INVITE that only changes direction)."""
        if self.address is not None and self.latched and self.address[0] == host and self._negotiated == (host, port):
            return
        self._negotiated = (host, port)
        self.address = (host, port)
        self.latched = False

    def accept(self, source: Address, ssrc: int, now: int) -> bool:
        """Whether a valid RTP packet from ``source`` belongs to the peer; latches on the way.

        Another port of the same host takes over when nothing is latched, when the latched source has been silent for
        ``RELATCH_SILENCE``, or at once when it carries the latched SSRC (a NAT that re-bound the same source).
        """
        if self.address is None or source[0] != self.address[0]:
            self.foreign += 1
            return False
        if self.latched and source[1] != self.address[1] and ssrc != self.ssrc and not self.silent(now):
            self.foreign += 1
            return False
        self.address = (source[0], source[1])
        self.latched = True
        self.last_heard = now
        self.ssrc = ssrc
        return True

    def silent(self, now: int) -> bool:
        return now - self.last_heard >= RELATCH_SILENCE
