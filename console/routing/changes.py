"""What changed between two routing documents, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from console.http import Message
from telephony.routing.steps import Step, in_words

_PARTS = {
    "entries": Message("入口", "entry"),
    "menus": Message("语音菜单", "menu"),
    "queues": Message("队列", "queue"),
    "hours": Message("服务时间", "opening hours"),
    "prompts": Message("语音", "prompt"),
}

_CHINESE = {
    "timezone": "时区",
    "priorities": "优先级",
    "line": "线路",
    "dialled": "被叫号码",
    "to": "去向",
    "hours": "服务时间",
    "closed": "非服务时间去向",
    "announce_recording": "录音提示",
    "label": "名称",
    "greeting": "欢迎语",
    "choices": "按键",
    "emergency": "急诊键",
    "emergency_to": "急诊去向",
    "timeout": "等待按键秒数",
    "retries": "重试次数",
    "invalid": "按错提示",
    "gave_up": "未选择去向",
    "strategy": "分配方式",
    "priority": "优先级",
    "skill": "技能",
    "last_agent_first": "优先上次坐席",
    "waiting": "等待音",
    "music": "音乐",
    "announce_position": "播报排队位置",
    "announce_wait": "播报等待时间",
    "announce_every": "播报间隔",
    "max_waiting": "最多等待人数",
    "full": "排满去向",
    "overflow": "溢出",
    "nobody_signed_in": "无人在岗去向",
    "callback_offer_after": "提供回拨的秒数",
    "minimum_staff": "最少在岗人数",
    "weekly": "每周时间",
    "chinese_holidays": "法定节假日",
    "exceptions": "例外日期",
    "file": "录音文件",
    "seconds": "时长",
    "text": "文本",
}

Part = Mapping[str, Any]


def changes(before: Part, after: Part) -> list[Message]:
    """One sentence for each thing that differs; none for the same."""
    said: list[Message] = []
    for what, word in _PARTS.items():
        said += _of_parts(word, _by_key(what, before), _by_key(what, after))
    said += _of_fields(Message("", ""), {"timezone": before.get("timezone")}, {"timezone": after.get("timezone")})
    priorities = Message(_CHINESE["priorities"], "priorities")
    said += _of_fields(priorities, before.get("priorities") or {}, after.get("priorities") or {})
    return said


def _by_key(what: str, document: Part) -> dict[str, Part]:
    return {_key(what, part): part for part in document.get(what) or () if isinstance(part, Mapping)}


def _key(what: str, part: Part) -> str:
    if what == "entries":
        return " ".join(filter(None, (str(part.get("line", "")), str(part.get("dialled", ""))))) or "*"
    return str(part.get("name", ""))


def _of_parts(word: Message, before: Mapping[str, Part], after: Mapping[str, Part]) -> Iterator[Message]:
    for key in before.keys() - after.keys():
        name = _name(before[key], key)
        yield Message(f"删除{word.zh}“{name.zh}”", f"{word.en} {name.en} removed")
    for key, part in after.items():
        name = _name(part, key)
        if key not in before:
            yield Message(f"新增{word.zh}“{name.zh}”", f"{word.en} {name.en} added")
            continue
        yield from _of_fields(Message(f"{word.zh}“{name.zh}”", f"{word.en} {name.en}"), before[key], part)
    if before.keys() == after.keys() and list(before) != list(after):
        yield Message(f"{word.zh}顺序改变", f"the order of {word.en} changed")


def _of_fields(subject: Message, before: Part, after: Part) -> Iterator[Message]:
    for field in dict.fromkeys((*before, *after)):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        chinese = f"{subject.zh} {_CHINESE.get(field, field)}".strip()
        english = f"{subject.en} {field.replace('_', ' ')}".strip()
        said = _value(old), _value(new)
        if None in said:
            yield Message(f"{chinese}已修改", f"{english} changed")
        else:
            yield Message(f"{chinese}：{said[0]} → {said[1]}", f"{english}: {said[0]} → {said[1]}")


def _value(value: Any) -> str | None:
    """A value as it is shown; None for what takes more than a word."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Mapping):
        if set(value) <= {"zh", "en"}:
            return str(value.get("zh") or value.get("en") or "–")
        try:
            return in_words(msgspec.convert(value, Step))
        except msgspec.ValidationError:
            return None
    return None


def _name(part: Part, key: str) -> Message:
    label = part.get("label")
    if not isinstance(label, Mapping):
        return Message(key, key)
    return Message(str(label.get("zh") or key), str(label.get("en") or key))
