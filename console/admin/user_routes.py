"""Who may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from console.http import ApiCall, ApiError, Endpoints, Message
from storage import access_trail, sessions, users
from storage.phone_numbers import normalise

if TYPE_CHECKING:
    from console.desk import WebDesk

routes = Endpoints("users")

ADMIN = ("admin",)
Role = Literal["agent", "reviewer", "supervisor", "admin"]
Locale = Literal["zh-CN", "en"]


Skills = Annotated[dict[str, Annotated[int, msgspec.Meta(ge=1, le=9)]], msgspec.Meta(max_length=50)]
Queues = Annotated[list[str], msgspec.Meta(max_length=50)]
Mobile = Annotated[str, msgspec.Meta(max_length=40)]


class UserView(msgspec.Struct):
    """``skills``: levels 1 to 9 by name; ``queues``: those the agent signs in to, empty for all; ``mobile`` (home
    shift, D103) is masked."""

    username: str
    display_name: str
    role: str
    locale: str
    active: bool
    skills: dict[str, int]
    queues: list[str]
    mobile: str


class UserList(msgspec.Struct):
    users: list[UserView]


class NewUser(msgspec.Struct):
    username: str
    password: str
    role: Role
    display_name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    locale: Locale = "zh-CN"


class UserChange(msgspec.Struct):
    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    role: Role | None = None
    active: bool | None = None
    skills: Skills | None = None
    queues: Queues | None = None
    #: empty: none any more
    mobile: Mobile | None = None


class NewPassword(msgspec.Struct):
    password: str


@routes.get("/api/users", returns=UserList, roles=ADMIN)
async def list_users(call: ApiCall) -> UserList:
    """Everybody who may sign in, or might."""
    desk: WebDesk = call.desk

    def read(conn: Connection) -> list[users.User]:
        return users.list_users(conn)

    return UserList(users=[_user(one) for one in await desk.read(read)])


@routes.post("/api/users", body=NewUser, returns=UserView, roles=ADMIN, status=201)
async def add_user(call: ApiCall) -> UserView:
    """Add a user. 409 exists; 422 with the field for a name, role or password that cannot be."""
    wish: NewUser = call.body
    by = call.user.username

    def work(conn: Connection) -> users.User:
        user = users.create_user(conn, wish.username, wish.password, wish.role, wish.display_name, wish.locale)
        access_trail.record(conn, by, "user.add", "user", user.username, {"role": user.role})
        return user

    return _user(await _changed(call, work))


@routes.patch("/api/users/{username}", body=UserChange, returns=UserView, roles=ADMIN)
async def change_user(call: ApiCall) -> UserView:
    """Change name, role, skills, queues, mobile, or whether the user may sign in. Ends the user's sessions when role or
    that changes."""
    desk: WebDesk = call.desk
    change: UserChange = call.body
    username, by = call.path["username"], call.user.username
    if username == by and (change.active is False or (change.role is not None and change.role != "admin")):
        raise ApiError(
            409, "own_account", Message("不能停用或降级自己的账号", "You cannot disable or demote your own account")
        )

    def work(conn: Connection) -> users.User:
        user = users.update_user(
            conn,
            username,
            display_name=change.display_name,
            role=change.role,
            active=change.active,
            skills=change.skills,
            queues=change.queues,
            mobile=change.mobile,
        )
        if change.role is not None or change.active is not None:
            sessions.close_sessions_of(conn, username)
        detail = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not None}
        if "mobile" in detail:
            detail["mobile"] = masked_mobile(user)
        access_trail.record(conn, by, "user.change", "user", username, detail)
        return user

    user = await _changed(call, work)
    await _let_go(desk, username, change.role is not None or change.active is not None)
    await desk.presence.renew(username)
    return _user(user)


@routes.post("/api/users/{username}/password", body=NewPassword, roles=ADMIN)
async def reset_password(call: ApiCall) -> None:
    """Set a new password; ends the user's sessions."""
    desk: WebDesk = call.desk
    username, by = call.path["username"], call.user.username

    def work(conn: Connection) -> users.User:
        user = users.update_user(conn, username, password=call.body.password)
        sessions.close_sessions_of(conn, username)
        access_trail.record(conn, by, "user.password", "user", username)
        return user

    await _changed(call, work)
    await _let_go(desk, username, True)


async def _changed(call: ApiCall, work: Any) -> users.User:
    try:
        user: users.User = await call.run(work)
        return user
    except users.UserError as error:
        status = {"not_found": 404, "exists": 409}.get(error.code, 422)
        field = error.code.removeprefix("bad_") if status == 422 else "username" if status == 409 else ""
        raise ApiError(
            status, error.code, Message(_CHINESE.get(error.code, str(error)), str(error)), field=field
        ) from error


_CHINESE = {
    "not_found": "没有此用户",
    "exists": "该用户名已存在",
    "bad_username": "用户名只能由 1 至 64 个小写字母、数字和 . _ - 组成",
    "bad_password": f"密码长度须为 {users.MIN_PASSWORD} 至 {users.MAX_PASSWORD} 个字符",
    "bad_role": "没有此角色",
    "bad_skills": "技能须有名称，等级为 1 至 9",
    "bad_queues": "队列名称须为 1 至 64 个字符",
    "bad_mobile": "无法识别为电话号码",
}


async def _let_go(desk: WebDesk, username: str, sessions_ended: bool) -> None:
    desk.sessions.forget_user(username)
    if sessions_ended:
        desk.hub.sign_out_user(username)
        await desk.presence.signed_out(username)


def masked_mobile(user: users.User) -> str:
    return normalise(user.mobile).masked if user.mobile else ""


def _user(user: users.User) -> UserView:
    return UserView(
        user.username,
        user.display_name,
        user.role,
        user.locale,
        user.active,
        dict(user.skills),
        list(user.queues),
        masked_mobile(user),
    )
