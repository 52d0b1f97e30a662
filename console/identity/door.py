"""What every request passes: the Origin check on what changes something, and the security headers of every answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.config import ConsoleConfig
from console.http.api_error import ApiError
from console.http.api_error import Message as Sentence

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def same_origin(headers: Headers, scheme: str, origins: tuple[str, ...]) -> bool:
    """Does this come from our own page? No ``Origin`` is a program's request, which carries no stolen cookie."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if origin in origins:
        return True
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return False
    host = _HOST.match(headers.get("host", ""))
    if host is None or not parts.hostname:
        return False
    # a proxy may speak https to the browser and http to us: then only Origin knows the scheme
    ours = int(host.group(2)) if host.group(2) else _DEFAULT_PORTS.get(parts.scheme, 0)
    return parts.hostname.lower() == host.group(1).strip("[]").lower() and port == ours


class Door:
    """ASGI middleware. Refuses with 403 ``wrong_origin``; a socket is refused before it opens."""

    def __init__(self, app: ASGIApp, config: ConsoleConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        guarded = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if guarded and not same_origin(headers, scope["scheme"], self._config.http.origins):
            await self._refuse(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        policy = content_security_policy(self._config, headers.get("host", ""))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message), policy, self._config.https)
            await send(message)

        await self._app(scope, receive, with_headers)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4003, "reason": "wrong origin"})
            return
        error = ApiError(
            403,
            "wrong_origin",
            Sentence("请求来自其他网站，已拒绝", "The request comes from another site and is refused"),
        )
        await error.response()(scope, receive, send)


def content_security_policy(config: ConsoleConfig, host_header: str) -> str:
    """Only our own files, our sockets, and workers made from blobs (the audio worklet)."""
    connect = ["'self'"]
    host = _HOST.match(host_header)
    if host:
        connect += [f"{scheme}://{host.group(1)}:{config.headset_port}" for scheme in ("ws", "wss")]
    if config.headset.url:
        parts = urlsplit(config.headset.url)
        connect.append(f"{parts.scheme}://{parts.netloc}")
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src {' '.join(connect)}",
            "script-src 'self'",
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _secure(headers: MutableHeaders, policy: str, https: bool) -> None:
    headers.setdefault("content-security-policy", policy)
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "DENY"
    headers["referrer-policy"] = "same-origin"
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    headers["permissions-policy"] = "microphone=(self), camera=(), geolocation=()"
    if https:
        headers["strict-transport-security"] = "max-age=31536000"
