"""An error that the API tells its caller: status, stable code, a sentence, and the field it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from starlette.responses import Response


class Message(NamedTuple):
    """One sentence in both languages of the screens."""

    zh: str
    en: str

    def text(self, locale: str) -> str:
        return self.en if locale == "en" else self.zh


class ErrorDetail(msgspec.Struct, omit_defaults=True):
    """``code`` is stable and for programs; ``message`` is for people; ``field`` names the input that is wrong;
    ``reason`` says more to programs where a code has several (``wrong_state`` of a call: docs/call-control.md)."""

    code: str
    message: str
    field: str = ""
    reason: str = ""


class ErrorBody(msgspec.Struct):
    """The body of every error answer."""

    error: ErrorDetail


class ApiError(Exception):
    """Raised anywhere below a route; answered as ``{"error": {"code", "message", "field"?}}``.

    ``message`` is one sentence for all, or a ``Message`` that is told in the user's language.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str | Message,
        *,
        field: str = "",
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message if isinstance(message, str) else message.en}")
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.reason = reason
        self.headers = dict(headers or {})

    def response(self, locale: str = "zh-CN") -> Response:
        text = self.message if isinstance(self.message, str) else self.message.text(locale)
        body = ErrorBody(error=ErrorDetail(code=self.code, message=text, field=self.field, reason=self.reason))
        return Response(
            msgspec.json.encode(body),
            status_code=self.status,
            headers=self.headers,
            media_type="application/json",
        )
