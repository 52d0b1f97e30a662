"""One call of the API as a route sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from console.identity.user import User

if TYPE_CHECKING:
    from console.config import ConsoleConfig

P = ParamSpec("P")
T = TypeVar("T")


class PhoneLink(Protocol):
    """The phone process as routes see it."""

    @property
    def connected(self) -> bool: ...

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Ask the phone (docs/architecture.md, the seam). Raises ApiError: 503 ``phone_unavailable`` when it is
        away, 400, 404 or 409 with the phone's own code when it refuses."""


class Desk(Protocol):
    """What the web process offers its routes; lives in ``app.state.desk``."""

    @property
    def config(self) -> ConsoleConfig: ...

    @property
    def phone_for_requests(self) -> PhoneLink: ...

    async def user_of(self, request: Request) -> User | None: ...

    async def in_transaction(self, work: Callable[[Connection], T]) -> T:
        """Run ``work(connection)`` in a worker thread in one transaction."""


class ApiCall:
    """``query`` and ``body`` are the declared structs, already validated; ``path`` holds the path's parameters."""

    __slots__ = ("_desk", "_user", "body", "path", "query", "request")

    def __init__(self, request: Request, desk: Desk, user: User | None, query: Any, body: Any) -> None:
        self.request = request
        self.query = query
        self.body = body
        self.path: dict[str, str] = {name: str(value) for name, value in request.path_params.items()}
        self._desk = desk
        self._user = user

    @property
    def user(self) -> User:
        """Who asks. Only a route declared ``public`` may be called by nobody; there this raises LookupError."""
        if self._user is None:
            raise LookupError("nobody is signed in; the route is public")
        return self._user

    @property
    def signed_in(self) -> User | None:
        return self._user

    @property
    def locale(self) -> str:
        """The user's language; for a public route what the browser prefers."""
        return self._user.locale if self._user else locale_of(self.request)

    @property
    def config(self) -> ConsoleConfig:
        return self._desk.config

    @property
    def desk(self) -> Any:
        """The web process's own objects (``console.app.WebDesk``), for the desks that belong to it."""
        return self._desk

    @property
    def phone(self) -> PhoneLink:
        return self._desk.phone_for_requests

    @property
    def address(self) -> str:
        """Where the caller comes from, for limits and the access trail."""
        return self.request.client.host if self.request.client else ""

    async def run(self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(connection, *args)`` in a worker thread inside one transaction: committed when it returns,
        rolled back when it raises."""
        return await self._desk.in_transaction(lambda connection: fn(connection, *args, **kwargs))


def locale_of(request: Request) -> str:
    """``en`` when the browser names English before Chinese, else ``zh-CN``."""
    for part in request.headers.get("accept-language", "").lower().split(","):
        language = part.strip()[:2]
        if language in ("zh", "en"):
            return "en" if language == "en" else "zh-CN"
    return "zh-CN"
