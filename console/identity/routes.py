"""Signing in and out, and what a user sets for themselves."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import structlog
from sqlalchemy import Connection
from starlette.responses import Response

from console.http import ApiCall, ApiError, Endpoints, Message
from console.identity.session_cache import COOKIE, user_view
from console.identity.user import User
from storage import access_trail, sessions, users
from storage.phone_numbers import normalise

if TYPE_CHECKING:
    from console.desk import WebDesk

log = structlog.get_logger("console.identity")

routes = Endpoints("identity")


class Credentials(msgspec.Struct):
    username: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class SessionView(msgspec.Struct):
    user: User


class SessionState(msgspec.Struct):
    user: User | None


class OwnChange(msgspec.Struct):
    """What is left out stays. ``mobile``: where calls ring in a home shift (D103); empty: none any more."""

    locale: Literal["zh-CN", "en"] | None = None
    mobile: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class OwnSettings(msgspec.Struct):
    """``mobile`` is masked; ``queues`` empty: all. Queues and skills are set by administrators."""

    locale: str
    mobile: str
    queues: list[str]
    skills: dict[str, int]


@routes.post("/api/session", body=Credentials, returns=SessionView, public=True)
async def sign_in(call: ApiCall) -> Response:
    """Sign in; sets the session cookie. 401 wrong_password (slower each time), 423 locked, 429 too_many_logins."""
    desk: WebDesk = call.desk
    credentials: Credentials = call.body
    result = await desk.logins.try_password(credentials.username, credentials.password, call.address)
    if result.outcome == "locked":
        seconds = max(1, math.ceil(result.locked_until - time.time()))
        log.warning("login refused, the name is locked", user=credentials.username, address=call.address)
        raise ApiError(
            423,
            "locked",
            Message(
                f"密码错误次数过多，该账号已锁定，请 {seconds} 秒后再试",
                f"Too many wrong passwords: the account is locked for another {seconds} s",
            ),
            headers={"retry-after": str(seconds)},
        )
    if result.user is None:
        log.warning("wrong password", user=credentials.username, address=call.address)
        await asyncio.sleep(result.delay_seconds)
        raise ApiError(401, "wrong_password", Message("用户名或密码错误", "The user name or the password is wrong"))
    user = user_view(result.user)
    hours = call.config.session.hours
    token = await call.run(_open, user.username, call.address, hours * 3600)
    log.info("signed in", user=user.username, address=call.address)
    response = Response(msgspec.json.encode(SessionView(user=user)), media_type="application/json")
    response.headers["cache-control"] = "no-store"
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(hours * 3600),
        httponly=True,
        samesite="strict",
        secure=call.request.url.scheme == "https",
        path="/",
    )
    return response


def _open(conn: Connection, username: str, address: str, seconds: float) -> str:
    token = sessions.open_session(conn, username, address, seconds)
    access_trail.record(conn, username, "login", "user", username, {"address": address})
    return token


@routes.get("/api/session", returns=SessionState, public=True)
async def who_am_i(call: ApiCall) -> SessionState:
    """The user of this session; null when nobody is signed in. 503 while that cannot be said."""
    desk: WebDesk = call.desk
    return SessionState(user=await desk.user_of(call.request))


@routes.delete("/api/session", public=True)
async def sign_out(call: ApiCall) -> Response:
    """Sign out: the session ends, its console is let go, its agent leaves the floor."""
    desk: WebDesk = call.desk
    token = call.request.cookies.get(COOKIE, "")
    user = call.signed_in
    if token and user:
        await call.run(_close, token, user.username)
        desk.sessions.forget(token)
        desk.hub.sign_out(token)
        await desk.presence.signed_out(user.username)
        log.info("signed out", user=user.username)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _close(conn: Connection, token: str, username: str) -> None:
    if sessions.close_session(conn, token):
        access_trail.record(conn, username, "logout", "user", username)


@routes.get("/api/me", returns=OwnSettings)
async def my_settings(call: ApiCall) -> OwnSettings:
    """What is set for the user who asks."""
    desk: WebDesk = call.desk
    user = await desk.read(lambda conn: users.find_user(conn, call.user.username))
    if user is None:
        raise ApiError(401, "signed_out", Message("请先登录", "Please sign in"))
    mobile = normalise(user.mobile).masked if user.mobile else ""
    return OwnSettings(user.locale, mobile, list(user.queues), dict(user.skills))


@routes.patch("/api/me", body=OwnChange, returns=SessionView)
async def change_me(call: ApiCall) -> SessionView:
    """Choose the language of the screens, or the mobile of one's home shift. 422 bad_mobile."""
    desk: WebDesk = call.desk
    username, change = call.user.username, call.body

    def work(conn: Connection) -> users.User:
        return users.update_user(conn, username, locale=change.locale, mobile=change.mobile)

    try:
        changed = await call.run(work)
    except users.UserError as error:
        raise ApiError(
            422, error.code, Message("无法识别为电话号码", str(error)), field=error.code.removeprefix("bad_")
        ) from error
    desk.sessions.forget_user(username)
    return SessionView(user=user_view(changed))
