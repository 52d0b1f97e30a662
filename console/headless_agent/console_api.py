"""The console's JSON API as a program uses it: one session, cookies kept."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

#: seconds for one request
TIMEOUT = 15.0


class ConsoleRefused(Exception):
    """The console answered with an error: ``status``, and ``code`` and message where it gave them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message or 'refused'} ({status}{', ' + code if code else ''})")
        self.status = status
        self.code = code


class ConsoleApi:
    """``url`` is the console's address, ``http(s)://host[:port][/path]``. Raises ValueError for anything else.

    Each call raises ConsoleRefused, or OSError when the console cannot be reached.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a console: expected http(s)://host[:port]")
        self._host = parts.hostname
        self._port = parts.port
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._cookies: dict[str, str] = {}

    @property
    def cookie(self) -> str:
        """The value of the ``Cookie`` header."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    @property
    def tls(self) -> ssl.SSLContext | None:
        return self._tls

    def socket_url(self, path: str) -> str:
        scheme = "wss" if self._tls else "ws"
        host = f"[{self._host}]" if ":" in self._host else self._host
        port = f":{self._port}" if self._port else ""
        return f"{scheme}://{host}{port}{self._path}{path}"

    async def get(self, path: str) -> Any:
        return await asyncio.to_thread(self._request, "GET", path, None)

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._request, "POST", path, body or {})

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        return await asyncio.to_thread(self._request, "PUT", path, body)

    async def delete(self, path: str) -> Any:
        return await asyncio.to_thread(self._request, "DELETE", path, None)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        connection: http.client.HTTPConnection
        if self._tls is not None:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=TIMEOUT, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
        headers = {"Accept": "application/json"}
        if self._cookies:
            headers["Cookie"] = self.cookie
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        try:
            connection.request(method, self._path + path, data, headers)
            response = connection.getresponse()
            text = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"the console broke off: {error!r}") from error
        finally:
            connection.close()
        for header in response.headers.get_all("Set-Cookie", []):
            self._keep(header)
        answer = _decoded(text)
        if response.status >= 300:
            said = answer.get("error") if isinstance(answer, dict) else None
            said = said if isinstance(said, dict) else {}
            message = str(said.get("message") or response.reason)
            raise ConsoleRefused(response.status, str(said.get("code", "")), message)
        return answer

    def _keep(self, header: str) -> None:
        try:
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value
        except CookieError:
            return  # a cookie that Python cannot read is none of ours


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
