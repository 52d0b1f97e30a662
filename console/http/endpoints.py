"""Declaring routes: path, who may call, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.http.api_call import ApiCall
from console.http.dispatch import answer
from console.identity.user import ROLES

Handler = Callable[[ApiCall], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One declared route.

    ``returns`` is the type of the JSON answer, ``None`` for 204 without a body, or ``starlette.responses.Response``
    for a route that answers by itself with the media type ``produces``.
    """

    method: str
    path: str
    handler: Handler
    desk: str
    query: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None
    returns: Any
    roles: tuple[str, ...]
    public: bool
    status: int
    produces: str

    def route(self) -> Route:
        async def endpoint(request: Request) -> Response:
            return await answer(self, request)

        return Route(self.path, endpoint, methods=[self.method], name=f"{self.desk}.{self.handler.__name__}")


class Endpoints:
    """The routes of one desk. ``desk`` becomes the tag in the OpenAPI page."""

    def __init__(self, desk: str) -> None:
        self.desk = desk
        self.endpoints: list[Endpoint] = []

    def routes(self) -> list[Route]:
        return [endpoint.route() for endpoint in self.endpoints]

    def get(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        return self.endpoint("GET", path, **declaration)

    def post(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        return self.endpoint("POST", path, **declaration)

    def put(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        return self.endpoint("PUT", path, **declaration)

    def patch(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        return self.endpoint("PATCH", path, **declaration)

    def delete(self, path: str, **declaration: Any) -> Callable[[Handler], Handler]:
        return self.endpoint("DELETE", path, **declaration)

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        query: type[msgspec.Struct] | None = None,
        body: type[msgspec.Struct] | None = None,
        returns: Any = None,
        roles: tuple[str, ...] = ROLES,
        public: bool = False,
        status: int = 0,
        produces: str = "application/json",
    ) -> Callable[[Handler], Handler]:
        """Declare a route. ``roles`` are those that may call it (default: every signed-in user); ``public``: nobody
        needs to be signed in. ``status`` is that of success (default 200, 204 when nothing is returned).

        Raises ValueError for a role that does not exist.
        """
        unknown = set(roles) - set(ROLES)
        if unknown:
            raise ValueError(f"{method} {path}: no such role: {', '.join(sorted(unknown))}")

        def declare(handler: Handler) -> Handler:
            self.endpoints.append(
                Endpoint(
                    method=method,
                    path=path,
                    handler=handler,
                    desk=self.desk,
                    query=query,
                    body=body,
                    returns=returns,
                    roles=roles,
                    public=public,
                    status=status or (204 if returns is None else 200),
                    produces=produces,
                )
            )
            return handler

        return declare
