"""Where a call goes next: the steps of which entries, menus and queues are made (docs/routing.md)."""

from __future__ import annotations

from typing import Annotated

import msgspec

Priority = Annotated[int, msgspec.Meta(ge=-1000, le=1000)]
NAME = r"^[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?\Z"
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=NAME)]
#: told from nonsense only; whether it can be dialled depends on the line
NUMBER = r"[0-9]"
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NUMBER)]


class _Step(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True
):
    pass


class ToQueue(_Step, frozen=True, kw_only=True, tag="queue"):
    """Wait for an agent; ``priority`` instead of the queue's own."""

    queue: Name
    priority: Priority | None = None


class ToMenu(_Step, frozen=True, kw_only=True, tag="menu"):
    menu: Name


class ToNumber(_Step, frozen=True, kw_only=True, tag="number"):
    """Dial and bridge; ``line`` empty: any that can."""

    number: Number
    line: str = ""


class ToMessage(_Step, frozen=True, kw_only=True, tag="message"):
    """Played, then hung up."""

    prompt: Name


class ToVoicemail(_Step, frozen=True, kw_only=True, tag="voicemail"):
    """The caller speaks a message, which becomes a ticket of ``queue``."""

    queue: Name
    prompt: str = ""


class ToCallback(_Step, frozen=True, kw_only=True, tag="callback"):
    """The caller is called back by an agent of ``queue``; offered first where the caller did not choose it."""

    queue: Name


class HangUp(_Step, frozen=True, kw_only=True, tag="hang_up"):
    pass


Step = ToQueue | ToMenu | ToNumber | ToMessage | ToVoicemail | ToCallback | HangUp


def in_words(step: Step) -> str:
    """A step in words for programs: ``queue:vip``, ``number:0571…``, ``hang_up``."""
    match step:
        case ToQueue(queue=name):
            return f"queue:{name}"
        case ToMenu(menu=name):
            return f"menu:{name}"
        case ToNumber(number=name):
            return f"number:{name}"
        case ToMessage(prompt=name):
            return f"message:{name}"
        case ToVoicemail(queue=name):
            return f"voicemail:{name}"
        case ToCallback(queue=name):
            return f"callback:{name}"
        case HangUp():
            return "hang_up"
