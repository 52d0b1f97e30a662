"""The headset's socket in Chromium: probes, breaks, replacement, bad tickets, nonsense, devices."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_a_probe_is_answered_with_the_age_of_the_page(bench: Any) -> None:
    bench.connected()
    answer = bench.probe(7)
    assert answer["type"] == "alive"
    assert 0 <= answer["page_age_ms"] <= 1000
    bench.phone.start_call()
    bench.frames(60)
    stats = bench.probe(8)["stats"]
    assert stats["sent"] >= 50
    assert {"depthMs", "targetMs", "concealedMs", "lost", "addedDelayMs"} <= stats.keys()


def test_a_frozen_page_is_seen_by_its_probes_while_its_call_goes_on(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(10)
    console = bench.phone.console
    before = len(console.frames)
    bench.page.evaluate("() => { setTimeout(() => { const end = performance.now() + 3000;"
                        " while (performance.now() < end); }, 0) }")  # fmt: skip
    for n in range(100, 112):
        bench.phone.send({"type": "probe", "n": n})
        bench.phone.pause(0.2)
    ages = [message["page_age_ms"] for message in console.messages if message.get("n", 0) >= 100]
    assert max(ages) > 1800
    bench.until(lambda: bench.probe(len(console.messages) + 1000)["page_age_ms"] < 700)
    assert len(console.frames) - before > 100


def test_a_broken_socket_is_opened_again_with_a_new_ticket(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(10)
    bench.phone.cut()
    bench.until(lambda: len(bench.phone.consoles) == 2)
    bench.await_state("connected")
    assert bench.phone.console.token == "renewed-1"
    assert bench.states()[-4:] == ["connected", "lost", "connecting", "connected"]
    assert bench.events("callStopped")[0]["reason"] == "lost"
    bench.phone.start_call()
    assert len(bench.frames(10)) == 10


def test_a_refused_token_is_renewed(bench: Any) -> None:
    bench.phone.refuse = lambda token: token in ("old", "renewed-1")
    bench.connected("old")
    assert bench.phone.refused == ["old", "renewed-1"]
    assert bench.phone.console.token == "renewed-2"
    reasons = [state["reason"] for state in bench.events("state") if state["name"] == "lost"]
    assert reasons == ["token", "token"]


def test_an_unreachable_phone_is_tried_again_and_again(bench: Any) -> None:
    bench.do("await bench.connect('ws://127.0.0.1:1/headset', 't')")
    bench.until(lambda: bench.states().count("lost") >= 3)
    waits = [state["retryInMs"] for state in bench.events("state") if state["name"] == "lost"]
    assert waits == sorted(waits) or max(waits) <= 2000
    bench.do("bench.headset.disconnect()")
    assert bench.states()[-1] == "off"


def test_a_connection_that_died_without_a_word_is_given_up(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.probe(1)
    bench.until(lambda: len(bench.phone.consoles) == 2, seconds=15)
    lost = next(state for state in bench.events("state") if state["name"] == "lost")
    assert lost["detail"].startswith("nothing heard for 5")
    bench.await_state("connected")


def test_an_address_that_is_none_is_reported_and_nothing_breaks(bench: Any) -> None:
    bench.do("await bench.connect('not an address', 't')")
    bench.until(lambda: "lost" in bench.states())
    bench.connected()


def test_a_headset_replaced_by_a_newer_console_stays_away(bench: Any) -> None:
    bench.connected()
    bench.phone.send({"type": "replaced"})
    bench.phone.close(4001)
    bench.await_state("replaced")
    bench.page.wait_for_timeout(1500)
    assert len(bench.phone.consoles) == 1
    bench.connected("again")
    assert bench.phone.console.token == "again"


def test_disconnect_closes_the_socket_and_the_microphone(bench: Any) -> None:
    bench.connected()
    console = bench.phone.console
    bench.do("bench.headset.disconnect()")
    bench.until(lambda: console.closed_with == 1000)
    assert bench.do("bench.streams[0].getTracks()[0].readyState") == "ended"
    assert bench.do("bench.headset.state.name") == "off"


def test_nonsense_from_the_phone_is_noted_and_survived(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(5)
    nonsense: list[Any] = [b"", b"\x08\x00\x00", b"\x63" + bytes(167), bytes(5000), "", "{", "[]", "null"]
    nonsense += [
        '{"type":"start"}',
        '{"type":"mute","muted":"x"}',
        '{"type":"of tomorrow"}',
        '{"type":"stop","call":"x"}',
    ]
    for data in nonsense:
        bench.phone.send(data)
    bench.until(lambda: len(bench.events("trouble")) >= 8)
    assert len(bench.frames(20)) == 20
    assert bench.do("bench.headset.state.name") == "connected"
    assert bench.do("bench.headset.call") == "c1"


def test_a_microphone_that_goes_away_in_a_call_is_replaced_by_the_default_one(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(10)
    bench.do("bench.endTracks()")
    bench.until(lambda: bench.events("device"))
    notice = bench.events("device")[-1]
    assert notice["kind"] == "input_lost"
    assert notice["label"] != ""
    bench.until(lambda: any(abs(bench.frames(5)[-1].samples).max() > 0.3 for _ in range(5)))
    assert bench.do("bench.headset.state.name") == "connected"


def test_without_any_microphone_the_socket_is_given_up_until_one_is_plugged_in(bench: Any) -> None:
    bench.connected()
    console = bench.phone.console
    bench.do("bench.unplugMicrophones()")
    bench.await_state("no_device")
    bench.until(lambda: console.closed_with is not None)
    bench.do("bench.plugMicrophone()")
    bench.await_state("connected")
    assert len(bench.phone.consoles) == 2


def test_a_running_call_is_heard_to_its_end_without_a_microphone(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(10)
    console = bench.phone.console
    bench.do("bench.unplugMicrophones()")
    bench.await_state("no_device")
    bench.until(lambda: all(set(f.payload) <= {0xD5, 0x55} for f in bench.frames(10)))
    assert console.closed_with is None
    bench.phone.send({"type": "stop", "call": "c1"})
    bench.until(lambda: console.closed_with is not None)


def test_no_microphone_at_the_start_is_a_state_that_a_plug_ends(bench: Any) -> None:
    bench.do("bench.unplugMicrophones()")
    bench.connect()
    bench.await_state("no_device")
    bench.do("bench.plugMicrophone()")
    bench.await_state("connected")


def test_a_denied_microphone_is_a_state(denied_page: Any, phone: Any) -> None:
    denied_page.evaluate("async (url) => { await window.bench.connect(url, 't') }", phone.url)
    denied_page.wait_for_function("() => window.bench.headset.state.name === 'denied'", timeout=20000)
    assert phone.consoles == []


def test_devices_are_listed_and_chosen(bench: Any) -> None:
    bench.connected()
    devices = bench.do("bench.headset.listDevices()")
    assert devices["canChooseOutput"] is True
    assert len(devices["inputs"]) >= 2
    chosen = devices["inputs"][-1]
    bench.do("await bench.headset.setInputDevice(argument)", chosen["id"])
    assert bench.do("bench.headset.microphone") == chosen["label"]
    if devices["outputs"]:
        bench.do("await bench.headset.setOutputDevice(argument)", devices["outputs"][-1]["id"])
    bench.phone.start_call()
    assert len(bench.frames(20)) == 20
    refused = bench.do("await bench.headset.setOutputDevice('nowhere').then(() => 'taken', (error) => error.name)")
    assert refused == "NotFoundError"
