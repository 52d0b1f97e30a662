"""The web application: every desk's routes, the consoles' socket and the user interface, put together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from console import __version__, health, static_files
from console.admin import rule_routes, sponsored_routes, trail_routes, user_routes
from console.calls import missed_routes
from console.calls import routes as calls
from console.config import ConsoleConfig
from console.desk import WebDesk
from console.directory import routes as directory
from console.events.socket import events_socket
from console.floor import control_routes as floor_control
from console.floor import routes as floor
from console.http import Endpoints
from console.http.api_call import locale_of
from console.http.dispatch import http_error, unexpected
from console.http.openapi import openapi
from console.identity import routes as identity
from console.identity.door import Door
from console.metrics import CONTENT_TYPE
from console.patients import routes as patients
from console.quality import routes as quality
from console.reception import agent_routes, call_routes, colleague_routes
from console.reception import routes as reception
from console.request_metrics import RequestMetrics
from console.routing import chinese_days_routes, prompt_routes
from console.routing import routes as routing
from console.tickets import callback_routes
from console.tickets import routes as tickets

DESKS: tuple[Endpoints, ...] = (
    identity.routes,
    reception.routes,
    agent_routes.routes,
    call_routes.routes,
    colleague_routes.routes,
    # before the routes of one call: "missed" is no call's id
    missed_routes.routes,
    calls.routes,
    patients.routes,
    quality.routes,
    floor.routes,
    floor_control.routes,
    directory.routes,
    tickets.routes,
    callback_routes.routes,
    prompt_routes.routes,
    routing.routes,
    chinese_days_routes.routes,
    rule_routes.routes,
    sponsored_routes.routes,
    user_routes.routes,
    trail_routes.routes,
    health.routes,
)


def build_app(config: ConsoleConfig, user_interface: Path = static_files.FOLDER) -> Starlette:
    """The ASGI application of the web process. ``config`` has its secret set (``console.secret.with_secret``)."""
    desk = WebDesk(config)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await desk.start()
        try:
            yield
        finally:
            await desk.stop()

    routes: list[BaseRoute] = [route for endpoints in DESKS for route in endpoints.routes()]
    routes += [
        Route("/openapi.json", openapi_page, name="openapi"),
        Route("/metrics", metrics_page, name="metrics"),
        WebSocketRoute("/ws/events", events_socket, name="events"),
        Mount("/", static_files.UserInterface(user_interface), name="ui"),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(RequestMetrics, metrics=desk.metrics), Middleware(Door, config=config)],
        exception_handlers={HTTPException: _told, Exception: _failed},
    )
    app.state.desk = desk
    return app


async def openapi_page(request: Request) -> Response:
    page = openapi((one for endpoints in DESKS for one in endpoints.endpoints), "Sansheng", __version__)
    return Response(msgspec.json.encode(page), media_type="application/json")


async def metrics_page(request: Request) -> Response:
    """Prometheus text; what is not counted from events is read now."""
    desk: WebDesk = request.app.state.desk
    metrics = desk.metrics
    metrics.consoles.set(sum(1 for _ in desk.hub.consoles))
    metrics.stored.set(desk.store.stored_count)
    metrics.waiting.set(desk.store.waiting)
    metrics.lag.set(desk.store.lag_seconds())
    with contextlib.suppress(OSError):
        # without a data folder /healthz says so
        metrics.disk_free.set(health.disk_free(desk))
    return Response(metrics.text(), headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(("/api/", "/ws/")):
        return http_error(error, locale_of(request))
    return PlainTextResponse(error.detail, status_code=error.status_code, headers=error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return unexpected(error, request, locale_of(request))
