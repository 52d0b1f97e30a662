"""When a headset counts as there. Rules only: fed with replies and a clock, no sockets."""

from __future__ import annotations

#: seconds between two probes
PROBE_EVERY = 1.0
#: ns without a reply after which the socket is dead
SILENT_AFTER = 3_000_000_000
#: a page whose main thread has not run for so long does not ring (ms); with the waits for the next probe and for the
#: look at its answer it is out of the rotation within 4.5 s
FROZEN_AFTER_MS = 2500.0

SILENT = "silent"
FROZEN = "frozen"
#: the page has no microphone any more; what the agent hears goes on
UNPLUGGED = "unplugged"
#: audio of a call flows on all the same
AUDIO_GOES_ON = frozenset({FROZEN, UNPLUGGED})


class Liveness:
    """One headset's. ``now`` is monotonic ns."""

    def __init__(self, now: int) -> None:
        self._heard = now
        self._page_age_ms = 0.0
        self._microphone = True
        self.probes = 0

    def probe(self) -> int:
        """The number to send with the next probe."""
        self.probes += 1
        return self.probes

    def alive(self, page_age_ms: float, now: int) -> None:
        self._heard = now
        self._page_age_ms = page_age_ms

    def microphone(self, present: bool) -> None:
        """The page says so."""
        self._microphone = present

    def forgive(self, stalled: int) -> None:
        """We ourselves did not run for ``stalled`` ns: what the headset said meanwhile is still unread."""
        self._heard += stalled

    def trouble(self, now: int) -> str:
        """``silent``, ``frozen``, ``unplugged``, or empty when all is well."""
        if now - self._heard >= SILENT_AFTER:
            return SILENT
        if self._page_age_ms > FROZEN_AFTER_MS:
            return FROZEN
        return "" if self._microphone else UNPLUGGED
