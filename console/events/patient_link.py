"""The link to the phone process as requests of users have it: patient for the moments of a restart."""

from __future__ import annotations

from typing import Any

from console.events.phone_link import PhoneLink

#: seconds; a phone process that was killed is back within them, and a web process that starts has reached it
PATIENCE = 2.0


class PatientLink:
    """A request that comes while the phone or the web process is being started again waits for the two to meet. Once
    they have been apart for ``patience`` seconds requests fail at once."""

    def __init__(self, link: PhoneLink, patience: float = PATIENCE) -> None:
        self._link = link
        self.patience = patience

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raises ApiError (see ``console.http.PhoneLink``)."""
        await self._link.settled(self.patience)
        return await self._link.command(name, **arguments)
