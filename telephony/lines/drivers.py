"""The drivers that the lines of the settings ask for, as one ``LineDriver``."""

from __future__ import annotations

import dataclasses

from telephony.lines.line import Line, LineDriver, LineListener
from telephony.lines.sippy_driver import SippyDriver
from telephony.settings import PhoneSettings


def line_driver(settings: PhoneSettings) -> LineDriver:
    """sippy for its lines (and where there are none); pyVoIP for its one line, on the next port beside sippy."""
    drivers = {line.driver for line in settings.lines}
    if "pyvoip" not in drivers:
        return SippyDriver(settings)
    # its import takes time and brings deprecated modules of Python along: only where it is asked for
    from telephony.lines.pyvoip_driver import PyVoipDriver

    if drivers == {"pyvoip"}:
        return PyVoipDriver(settings)
    beside = dataclasses.replace(settings, sip_port=settings.sip_port + 1 if settings.sip_port else 0)
    return SeveralDrivers(SippyDriver(settings), PyVoipDriver(beside))


class SeveralDrivers:
    """Implements ``LineDriver`` over drivers that each have a socket of their own."""

    def __init__(self, *drivers: LineDriver) -> None:
        self._drivers = drivers

    async def start(self, listener: LineListener) -> list[Line]:
        """All of them or none; raises what the first that fails raises."""
        lines: list[Line] = []
        for started, driver in enumerate(self._drivers):
            try:
                lines += await driver.start(listener)
            except Exception:
                for other in self._drivers[:started]:
                    await other.stop()
                raise
        return lines

    async def stop(self) -> None:
        for driver in self._drivers:
            await driver.stop()
