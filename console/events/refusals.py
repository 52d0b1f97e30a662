"""What the phone process refuses, in the languages of the screens: its own sentences are English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.http import ApiError, Message
from telephony.seam.client import CommandError

_NOT_FOUND = frozenset({"no_such_call", "no_such_line"})
_BAD_REQUEST = frozenset({"bad_arguments", "bad_command", "bad_digits", "bad_number", "bad_routing", "foreign_address"})

CHINESE = {
    "no_such_call": "该通话已结束",
    "no_headset": "未连接耳麦，请插好耳麦并允许使用麦克风",
    "agent_busy": "您正在通话中",
    "target_busy": "对方坐席正在通话或话后处理",
    "target_away": "对方坐席不在线，或未连接耳麦",
    "nobody_free": "该队列此刻没有空闲坐席，请稍后再试，或直接转入队列",
    "signed_out": "请先登录话务台",
    "no_line": "没有可用于外呼的线路",
    "not_yours": "该通话不属于您",
    "wrong_state": "当前状态下无法执行此操作",
    "not_able": "这条线路不支持此操作",
    "full": "已有五方在通话，不能再加入",
    "minimum_staff": "在岗人数已到下限，请等有人接替后再离岗",
    "bad_number": "该号码无法拨打",
    "foreign_address": "不允许呼叫该域名的 SIP 地址；如需放行，请管理员在配置 sip.uri_domains 中添加",
    "bad_arguments": "电话系统不接受此参数",
    "bad_digits": "按键只能是 0-9、*、# 和 A-D",
    "no_dtmf": "对方线路不支持发送按键",
    "bad_routing": "路由设置有误：{said}",
    "bad_command": "电话系统不支持此操作",
}

#: of ``wrong_state``, by ``telephony.calls.refusal.Reason``
REASONS = {
    "consulting": "您正在咨询另一方，请先完成转接、合并通话或取消咨询",
    "consults_nobody": "现在没有咨询对象",
    "not_answered_yet": "对方还没有接听，请等接通，或取消咨询",
    "swap_instead": "咨询中不能保持，请用“切换”在来电人与咨询方之间转换",
    "not_talking": "通话还没有接通，接通后才能这样做",
    "not_alone": "只有您和来电人两方时才能直接转接；多方通话请改用“离开”",
    "hang_up_instead": "通话中没有其他人了，请直接挂断",
    "number_in_call": "该号码已在这通电话中",
    "party_gone": "该方已不在这通电话中",
    "in_call_already": "您已在这通电话中",
    "agent_alone": "改为旁听后坐席将独自留在通话中，请直接离开",
    "rings_no_longer": "该来电已不在您这里振铃",
    "rings_at_telephone": "该来电正在您的电话机上振铃，请在电话机上接听",
    "not_waiting": "该来电已不在等待",
    "callback_taken": "已有坐席在处理这次回拨",
}


def by_its_name(queue: str) -> Message:
    return Message(queue, queue)


def refused(error: CommandError, queue: Callable[[str], Message] = by_its_name) -> ApiError:
    """404, 400 or 409 by the phone's code; 502 when the phone failed inside. ``queue`` gives what people call one."""
    if error.code == "internal":
        return ApiError(502, "phone_failed", Message("电话系统内部错误", "The telephone system failed inside"))
    status = 404 if error.code in _NOT_FOUND else 400 if error.code in _BAD_REQUEST else 409
    reason = str(error.facts.get("reason", ""))
    short = error.facts.get("short") or ()
    if short:
        return ApiError(status, error.code, _short(short, queue))
    chinese = REASONS.get(reason) or CHINESE.get(error.code, "").format(said=error)
    return ApiError(status, error.code, Message(chinese or str(error), str(error)), reason=reason)


def _short(queues: list[dict[str, Any]], label: Callable[[str], Message]) -> Message:
    """The guard on breaks (D106): each queue that would be short, and by how many."""
    zh, en = [], []
    for one in queues:
        left, needed, name = int(one["left"]), int(one["needed"]), label(str(one["queue"]))
        zh.append(f"“{name.zh}”队列至少留 {needed} 人，您离岗后只剩 {left} 人，缺 {needed - left} 人")
        en.append(f"“{name.en}” must keep {needed}, {left} would stay: {needed - left} short")
    chinese, english = "；".join(zh), "; ".join(en)
    return Message(f"{chinese}。请等有人接替后再离岗。", f"{english}. Wait until somebody takes over.")
