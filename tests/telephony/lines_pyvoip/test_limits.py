"""Bounds on what the reader of messages looks at."""

from __future__ import annotations

from typing import Any


async def test_an_endless_header_is_refused_with_400(open_desk: Any, leg_class: Any) -> None:
    async with open_desk() as (desk, pbx):
        text = leg_class(pbx, "1001", "1").build("INVITE", "").decode()
        pbx.send(text.replace("Max-Forwards: 70", "Max-Forwards: 70\r\nX: " + "<" * 5_000))
        await pbx.status(400)
        assert desk.calls.incoming == []
        await desk.alive(pbx)
