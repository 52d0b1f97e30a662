"""From a request to a route's answer: who asks, is the input right, run, encode; errors told as JSON."""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from console.http.api_call import ApiCall, locale_of
from console.http.api_error import ApiError, Message
from console.http.decode import decode_body, decode_query, list_fields

if TYPE_CHECKING:
    from console.http.endpoints import Endpoint
    from console.identity.user import User

log = structlog.get_logger("console.http")

_encoder = msgspec.json.Encoder()
_decoder_of = functools.cache(msgspec.json.Decoder)
_several_of = functools.cache(list_fields)


async def answer(endpoint: Endpoint, request: Request) -> Response:
    """Run one declared route. Never raises: what goes wrong is answered."""
    locale = locale_of(request)
    try:
        desk = request.app.state.desk
        user = await _user_of(desk, endpoint, request)
        if user is not None:
            locale = user.locale
        if not endpoint.public:
            if user is None:
                raise ApiError(401, "signed_out", Message("请先登录", "Please sign in"))
            if user.role not in endpoint.roles:
                raise ApiError(403, "not_allowed", Message("您的角色无权进行此操作", "Your role may not do this"))
        query = (
            decode_query(request.query_params, endpoint.query, _several_of(endpoint.query)) if endpoint.query else None
        )
        body = await decode_body(request, _decoder_of(endpoint.body)) if endpoint.body else None
        result = await endpoint.handler(ApiCall(request, desk, user, query, body))
        return encode(endpoint, result)
    except ApiError as error:
        return error.response(locale)
    except HTTPException as error:
        return http_error(error, locale)
    except ClientDisconnect:
        return Response(status_code=499)
    except OperationalError as error:
        return database_away(error, request, locale)
    except Exception as error:
        return unexpected(error, request, locale)


async def _user_of(desk: Any, endpoint: Endpoint, request: Request) -> User | None:
    """Who asks. What everybody may read is told without a database too: ``/healthz`` says then that it is away."""
    try:
        found: User | None = await desk.user_of(request)
    except OperationalError as error:
        if not endpoint.public or request.method not in ("GET", "HEAD"):
            raise
        log.warning("asked by a user who cannot be looked up", path=request.url.path, reason=str(error.orig))
        return None
    return found


def encode(endpoint: Endpoint, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    if endpoint.returns is None:
        return Response(status_code=endpoint.status)
    return Response(
        _encoder.encode(result),
        status_code=endpoint.status,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


def database_away(error: OperationalError, request: Request, locale: str) -> Response:
    """503: the database cannot be reached or is locked for too long; the same request may work in a moment."""
    log.error("database unavailable", method=request.method, path=request.url.path, reason=str(error.orig))
    return ApiError(
        503,
        "database_unavailable",
        Message("数据库暂时无法使用，请稍后再试", "The database cannot be reached just now; try again in a moment"),
        headers={"retry-after": "2"},
    ).response(locale)


def unexpected(error: Exception, request: Request, locale: str) -> Response:
    """500 with an id that leads to the logged traceback; nothing of the error itself is told."""
    incident = uuid.uuid4().hex[:12]
    log.error("request failed", incident=incident, method=request.method, path=request.url.path, exc_info=error)
    return ApiError(
        500,
        "internal_error",
        Message(f"系统内部错误，编号 {incident}", f"Something went wrong inside; incident {incident}"),
    ).response(locale)


_KNOWN_STATUS = {
    404: ("not_found", Message("没有这个地址", "There is nothing at this address")),
    405: ("method_not_allowed", Message("此地址不支持该方法", "This address does not take that method")),
}


def http_error(error: HTTPException, locale: str) -> Response:
    """Starlette's own refusals in the API's form."""
    code, message = _KNOWN_STATUS.get(
        error.status_code, (f"http_{error.status_code}", Message(error.detail, error.detail))
    )
    return ApiError(error.status_code, code, message, headers=error.headers).response(locale)
