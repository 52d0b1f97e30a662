"""The web process's link to the phone process: commands with their refusals told as API errors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import structlog

from console.http import ApiError, Message
from telephony.seam.client import CommandError, SeamClient, SeamClosed

log = structlog.get_logger("console.events")

_NOT_FOUND = frozenset({"no_such_call", "no_such_line"})
_BAD_REQUEST = frozenset({"bad_arguments", "bad_command", "bad_digits", "bad_number", "bad_routing"})

_CHINESE = {
    "no_such_call": "该通话已结束",
    "no_headset": "未连接耳麦，请插好耳麦并允许使用麦克风",
    "agent_busy": "您正在通话中",
    "target_busy": "对方坐席正在通话或话后处理",
    "target_away": "对方坐席不在线，或未连接耳麦",
    "signed_out": "请先登录话务台",
    "no_line": "没有可用于外呼的线路",
    "not_yours": "该通话不属于您",
    "wrong_state": "当前状态下无法执行此操作",
    "not_able": "这条线路不支持此操作",
    "full": "已有五方在通话，不能再加入",
    "minimum_staff": "在岗人数已到下限（{detail}），请等有人接替后再离岗",
    "bad_number": "该号码无法拨打",
    "bad_arguments": "电话系统不接受此参数",
    "bad_digits": "按键只能是 0-9、*、# 和 A-D",
    "no_dtmf": "对方线路不支持发送按键",
    "bad_routing": "路由设置有误：{said}",
    "bad_command": "电话系统不支持此操作",
}


def phone_unavailable() -> ApiError:
    return ApiError(
        503,
        "phone_unavailable",
        Message("电话系统暂时不可用，正在恢复", "The telephone system is away for a moment; it is coming back"),
        headers={"retry-after": "2"},
    )


def refused(error: CommandError) -> ApiError:
    """404, 400 or 409 by the phone's code; 502 when the phone failed inside."""
    if error.code == "internal":
        return ApiError(502, "phone_failed", Message("电话系统内部错误", "The telephone system failed inside"))
    status = 404 if error.code in _NOT_FOUND else 400 if error.code in _BAD_REQUEST else 409
    # the queues that the guard on breaks names stand between the sentences
    _, _, detail = str(error).partition(": ")
    chinese = _CHINESE.get(error.code, "").format(detail=detail.partition(". ")[0], said=error)
    return ApiError(status, error.code, Message(chinese or str(error), str(error)))


class PhoneLink:
    """``client`` is the seam's connection while there is one; the intake tells what becomes of it.

    A new connection is ``settled`` once the phone process has been told how things stand: rules, routing, who is here.
    """

    def __init__(self) -> None:
        self.client: SeamClient | None = None
        self._settled = asyncio.Event()
        self._unsettled_since = time.monotonic()

    @property
    def connected(self) -> bool:
        return self.client is not None

    def reached(self, client: SeamClient) -> None:
        self.client = client

    def has_settled(self) -> None:
        self._settled.set()

    def lost(self) -> None:
        self.client = None
        self._settled.clear()
        self._unsettled_since = time.monotonic()

    async def settled(self, within: float) -> None:
        """Wait until the connection has settled, until ``within`` seconds after the last one broke (or after the
        start) at most: while the phone process is away for longer, nobody waits."""
        left = self._unsettled_since + within - time.monotonic()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), left)

    async def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Raises ApiError (see ``console.http.PhoneLink``)."""
        client = self.client
        if client is None:
            raise phone_unavailable()
        try:
            result = await client.command(name, **arguments)
        except CommandError as error:
            raise refused(error) from error
        except (SeamClosed, TimeoutError, OSError) as error:
            log.warning("the phone process did not answer", command=name, reason=str(error) or type(error).__name__)
            raise phone_unavailable() from error
        return result if isinstance(result, dict) else {}
