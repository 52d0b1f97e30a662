"""The packet path in C and the one in Python are one: they do the same, and pass the same tests.

Where the extension was not built (no compiler, no headers) both sides of these comparisons are the one in Python.
"""

from __future__ import annotations

import gc
import json
import os
import re
import select
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from recordings import packet_tap
from telephony.media import packet_path, plain_path

HERE = Path(__file__).parents[3]
TRACES = Path(__file__).with_name("packet_traces.py")

#: tests of what inherits from the packet path, that take little time
OF_BOTH = ("media/test_quality.py", "media/test_pacer.py", "media/test_rtp_sender.py", "media/test_rtp_reader.py")


def run(*words: str, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PACKET_PATH"} | variables
    environment["PYTHONPATH"] = str(HERE)
    done = subprocess.run(
        [sys.executable, *words], cwd=HERE, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("seed", range(1, 4))
def test_both_do_the_same_with_expected_packets_with_rare_ones_and_with_nonsense(seed: int) -> None:
    chosen = json.loads(run(str(TRACES), str(seed)))
    python = json.loads(run(str(TRACES), str(seed), PACKET_PATH="python"))
    assert python.pop("compiled") == [False]
    chosen.pop("compiled")
    assert chosen.keys() == python.keys()
    for part, said in chosen.items():
        assert len(said) > 5
        assert said == python[part], part


def test_the_unit_tests_of_the_packet_path_pass_with_the_one_in_python_as_well() -> None:
    files = [str(HERE / "tests/telephony" / name) for name in OF_BOTH]
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files, PACKET_PATH="python")
    assert " passed" in said


def test_what_runs_is_said_and_a_binary_of_another_source_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PACKET_PATH", raising=False)
    other = types.ModuleType("telephony.media._packet_path")
    other.SOURCE = "of yesterday"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "telephony.media._packet_path", other)
    assert "another source" in str(packet_path._compiled())
    taps = types.ModuleType("recordings._packet_tap")
    taps.SOURCE = "of yesterday"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "recordings._packet_tap", taps)
    assert packet_tap._compiled() is None
    other.SOURCE = packet_path._source()  # type: ignore[attr-defined]
    assert packet_path._compiled() is other
    monkeypatch.setenv("PACKET_PATH", "python")
    assert "PACKET_PATH" in str(packet_path._compiled())


def test_the_two_have_the_same_names_and_no_other_constants() -> None:
    names = [name for name in packet_path.__all__ if name != "NOT_COMPILED"]
    assert all(hasattr(plain_path, name) for name in names)
    source = (Path(plain_path.__file__).with_name("_packet_path_base.h")).read_text()
    defined = dict(re.findall(r"^#define (\w+) (.+)$", source, re.MULTILINE))
    assert defined["SAMPLE"] == f"{plain_path.SAMPLE}LL"
    assert defined["TOLERANCE"] == f"{plain_path.TOLERANCE}LL"
    assert defined["MOST_BEHIND"] == "(320 * SAMPLE)"
    assert plain_path.MOST_BEHIND == 320 * plain_path.SAMPLE
    assert defined["JUDGED"] == str(plain_path.JUDGED)
    assert defined["MOST_SAMPLES"] == str(plain_path.MOST_SAMPLES)
    assert defined["MOST_BYTES"] == str(plain_path.MOST_BYTES)


def test_nothing_is_kept_of_packets_and_cycles_are_collected() -> None:
    epoll = select.epoll()

    def once() -> None:
        said: list[Any] = []
        microphone = packet_path.Microphone(lambda *words: said.append(words))
        microphone.on_frame = lambda frame: said.append((microphone, frame))  # a cycle
        microphone.payload_type = 8
        frame = types.SimpleNamespace(get_payload_as_bytes=lambda: bytes((8, 0)) + bytes(100))
        for _ in range(50):
            microphone.frame(None, frame)
            packet_path.serve(epoll, {}, {}, 10**15, print)
        said.append(microphone)
        assert microphone.received == 50

    for _ in range(20):
        once()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(200):
        once()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500
    epoll.close()
