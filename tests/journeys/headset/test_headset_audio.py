"""The headset's audio in Chromium: microphone to socket and socket to earphone, measured."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.journey, pytest.mark.by_the_clock]


@pytest.mark.parametrize(("payload_type", "rate"), [(8, 16000), (0, 44100), (8, 48000)])
def test_the_microphone_arrives_as_fifty_g711_frames_a_second(
    bench: Any, strongest: Any, payload_type: int, rate: int, frame_rate: Any, even_window: Any
) -> None:
    bench.connected(rate=rate)
    assert bench.do("bench.headset.rate") == rate
    bench.phone.start_call(payload_type=payload_type)
    first = bench.frames(1)[0]
    assert bench.phone.console.frames[0].marker
    bench.frames(20)
    frames = even_window(lambda: bench.frames(150))
    assert {(len(f.payload), f.payload_type) for f in [first, *frames]} == {(160, payload_type)}
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(frames)} == {1}
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in itertools.pairwise(frames)} == {160}
    assert not any(f.marker for f in frames)
    assert frame_rate(frames) == pytest.approx(50, abs=1)
    samples = np.concatenate([f.samples for f in frames])
    assert strongest(samples) == pytest.approx(1000, abs=2)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)
    levels = bench.events("level")
    assert levels[-1]["mic"] == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    bench.phone.send({"type": "stop", "call": "c1"})
    bench.until(lambda: bench.events("callStopped"))
    assert bench.events("callStopped") == [{"call": "c1", "reason": "stopped"}]


@pytest.mark.parametrize(("payload_type", "rate", "frequency"), [(8, 16000, 600), (0, 16000, 2000), (8, 44100, 600)])
def test_a_tone_of_the_phone_comes_out_of_the_earphone(
    bench: Any, tone: Any, payload_type: int, rate: int, frequency: int
) -> None:
    bench.connected(rate=rate)
    bench.do("bench.startListening()")
    bench.phone.start_call(payload_type=payload_type)
    bench.until(lambda: bench.events("callStarted"))
    sender = threading.Thread(target=bench.phone.play, args=(tone(frequency, 2), payload_type))
    sender.start()
    heard = bench.loudest_heard(sender.is_alive)
    sender.join()
    assert heard["frequency"] == pytest.approx(frequency, abs=rate / 4096)
    assert heard["level"] == pytest.approx(0.4 / np.sqrt(2), rel=0.06)
    stats = bench.until(lambda: next((s for s in bench.events("stats")[::-1] if s["received"] == 100), None))
    assert stats["lost"] == 0
    assert stats["late"] == 0
    ears = [level["ear"] for level in bench.events("level")]
    assert max(ears) == pytest.approx(0.4 / np.sqrt(2), rel=0.1)
    bench.do("bench.headset.setVolume(0)")
    assert bench.do("bench.headset.earphone.gain.value") == 0


def test_nothing_is_sent_without_a_call(bench: Any) -> None:
    bench.connected()
    bench.until(lambda: len(bench.events("level")) > 15)
    assert bench.phone.console.frames == []
    assert bench.events("level")[-1]["mic"] > 0.3


def test_mute_sends_silence_and_keeps_the_frames_coming(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(10)

    def silent(expected: bool) -> bool:
        return all((set(f.payload) == {0xD5}) is expected for f in bench.frames(10))

    bench.do("bench.headset.setMuted(true)")
    bench.until(lambda: silent(True))
    assert bench.do("bench.headset.muted") is True
    bench.do("bench.headset.setMuted(false)")
    bench.until(lambda: silent(False))
    bench.phone.send({"type": "mute", "muted": True})
    bench.until(lambda: silent(True))
    assert [event["muted"] for event in bench.events("muted")] == [True, False, True]
    frames = bench.phone.console.frames
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(frames)} == {1}
    # The next caller meets an open microphone.
    bench.phone.send({"type": "stop", "call": "c1"})
    bench.phone.start_call("c2")
    bench.until(lambda: silent(False))


def test_stalls_of_the_page_do_not_disturb_the_frames(
    bench: Any, frame_rate: Any, late_frames: Any, even_window: Any
) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(50)
    console = bench.phone.console

    def window() -> list[Any]:
        before = len(console.frames)
        bench.do("await bench.stall(150, 10)")
        return console.frames[before:]

    stalled = even_window(window, most_late=2)
    assert frame_rate(stalled) == pytest.approx(50, abs=1.5)
    assert late_frames(stalled) <= 2, "frames waited for the page"
    assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(console.frames)} == {1}


def test_ring_and_test_tone_play_without_trouble(bench: Any) -> None:
    bench.connected()
    bench.do("bench.headset.startRing()")
    assert bench.do("bench.headset.ringing") is True
    bench.do("bench.headset.stopRing()")
    assert bench.do("bench.headset.ringing") is False
    bench.do("bench.startListening()")
    playing = bench.page.evaluate_handle("() => ({ done: window.bench.headset.testTone() })")
    bench.page.wait_for_timeout(600)
    assert bench.do("bench.listen()")["frequency"] == pytest.approx(1000, abs=4)
    playing.evaluate("async (playing) => { await playing.done }")
    assert bench.events("trouble") == []


def test_a_browser_that_refuses_16_khz_is_served_at_its_own_rate(
    bench: Any, strongest: Any, frame_rate: Any, even_window: Any
) -> None:
    bench.page.evaluate(
        """() => {
            const open = AudioContext.prototype.createMediaStreamSource
            AudioContext.prototype.createMediaStreamSource = function (stream) {
                if (this.sampleRate === 16000) throw new DOMException('other rate', 'NotSupportedError')
                return open.call(this, stream)
            }
        }"""
    )
    bench.connected()
    assert bench.do("bench.headset.rate") >= 44100
    bench.phone.start_call()
    bench.frames(20)
    frames = even_window(lambda: bench.frames(150))
    assert frame_rate(frames) == pytest.approx(50, abs=1)
    assert strongest(np.concatenate([f.samples for f in frames])) == pytest.approx(1000, abs=2)


def test_an_earphone_is_chosen_through_an_element_where_the_audio_context_cannot(bench: Any) -> None:
    bench.page.evaluate("() => { delete AudioContext.prototype.setSinkId }")
    bench.connected()
    devices = bench.do("bench.headset.listDevices()")
    assert devices["canChooseOutput"] is True
    bench.do("await bench.headset.setOutputDevice(argument)", devices["outputs"][-1]["id"])
    refused = bench.do("await bench.headset.setOutputDevice('nowhere').then(() => 'taken', (error) => error.name)")
    assert refused == "NotFoundError"
    bench.do("await bench.headset.setOutputDevice('')")
    bench.phone.start_call()
    assert len(bench.frames(20)) == 20


def test_a_suspended_audio_engine_wants_a_gesture_and_keeps_time_over_the_pause(bench: Any) -> None:
    bench.connected()
    bench.phone.start_call()
    bench.frames(20)
    bench.do("await bench.headset.earphone.context.suspend()")
    bench.await_state("needs_gesture")
    bench.page.wait_for_timeout(1500)
    bench.do("await bench.headset.resume()")
    bench.await_state("connected")
    bench.frames(20)
    frames = bench.phone.console.frames
    after = next(i for i, (a, b) in enumerate(itertools.pairwise(frames)) if b.at - a.at > 1) + 1
    last, first = frames[after - 1], frames[after]
    assert first.marker
    assert (first.sequence - last.sequence) & 0xFFFF == 1
    passed = ((first.timestamp - last.timestamp) & 0xFFFFFFFF) / 8000
    assert passed == pytest.approx(first.at - last.at, abs=0.06)
