"""Audio in one direction only is told at once where it is heard too late: in the agent's bar and on the floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tone_caller import ToneCaller, tone_caller

__all__ = ["tone_caller"]

pytestmark = pytest.mark.journey

ZHANG_SAN = "13805711001"


def test_a_silent_telephone_and_a_silent_headset_are_named_to_agent_and_supervisor_until_they_are_heard_again(
    screen: Callable[..., Any], tone_caller: Callable[..., ToneCaller], product: Any
) -> None:
    agent, supervisor = screen(), screen()
    supervisor.sign_in("supervisor1")
    agent.become_ready("agent1")
    phone = tone_caller(product.sip, ZHANG_SAN, 1240.0)
    phone.sends = False
    phone.dial("96301")
    agent.see("pop-card", "张三")
    call = agent.call_id()
    agent.find("call-answer").click()
    agent.stage("talking")
    agent.see("one-way", "听不到来电人")
    supervisor.see("tile-one-way", "来电人无声")
    agent.picture("80-one-way-caller")
    supervisor.picture("80-one-way-floor")
    # a console that comes in the middle of it is told too
    supervisor.page.reload()
    supervisor.see("tile-one-way", "来电人无声")
    phone.sends = True
    agent.gone("one-way")
    supervisor.gone("tile-one-way")

    agent.page.evaluate("window.earphone.context.suspend()")
    agent.see("one-way", "对方听不到您")
    supervisor.see("tile-one-way", "坐席一")
    agent.picture("81-one-way-headset")
    agent.page.evaluate("window.earphone.context.resume()")
    agent.gone("one-way")

    # on hold nothing comes of the caller, and nothing is wrong
    agent.press("F9")
    agent.see("call-status", "保持")
    agent.page.wait_for_timeout(8500)
    agent.gone("one-way")
    agent.press("F9")
    agent.stage("talking")
    phone.hang_up()
    agent.finish("1")
    told = [event for event in agent.api(f"/api/calls/{call}/events") if event["type"] == "media.one_way"]
    assert [(event["party"], event["silent"]) for event in told] == [(0, True), (0, False), (1, True), (1, False)]
