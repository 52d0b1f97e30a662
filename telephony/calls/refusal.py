"""A call says no."""

from __future__ import annotations


class CallRefused(Exception):
    """The call cannot do this now. ``code`` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
