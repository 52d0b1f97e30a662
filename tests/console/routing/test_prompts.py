"""Prompts: what may be uploaded, how it is kept and levelled, heard, used and removed."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from recordings.ffmpeg import executable
from telephony.media import g711
from telephony.media.wav import parse_wav

Run = Callable[..., None]


def wav(seconds: float, amplitude: float = 0.1, rate: int = 44_100) -> bytes:
    """A sine of 440 Hz."""
    samples = amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return held.getvalue()


def as_browsers_record(sound: bytes) -> bytes:
    """Opus in WebM, without length or index, as MediaRecorder writes it."""
    command = [executable(), "-v", "error", "-i", "pipe:0", "-c:a", "libopus", "-f", "webm", "pipe:1"]
    return subprocess.run(command, input=sound, capture_output=True, check=True, timeout=60).stdout


async def upload(client: httpx.AsyncClient, content: bytes, name: str = "hello", more: str = "") -> httpx.Response:
    return await client.post(f"/api/routing/prompts?name={name}{more}", content=content)


def level(path: Path) -> float:
    """Mean level of a kept prompt in dB of full scale."""
    read = parse_wav(path.read_bytes())
    assert read.law == 8
    pcm = np.frombuffer(g711.decode(read.data, 8), "<i2").astype(float)
    return float(10 * np.log10((pcm**2).mean() / 32768**2))


def test_any_audio_becomes_an_a_law_prompt_of_one_loudness(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin, desk.signed_in("supervisor1") as supervisor:
            kinds = {"loud": wav(2, 0.9), "quiet": wav(2, 0.02), "browser": as_browsers_record(wav(2, 0.3))}
            for name, content in kinds.items():
                answer = await upload(admin, content, name, "&label_zh=你好&text=您好")
                assert answer.status_code == 201, answer.text
                told = answer.json()
                assert (told["source"], told["label_zh"], told["text"], told["used"]) == (
                    "upload",
                    "你好",
                    "您好",
                    False,
                )
                assert abs(told["seconds"] - 2) < 0.15
                assert abs(level(desk.config.data / told["file"]) + 19) < 1.5, name
            listed = (await supervisor.get("/api/routing/prompts")).json()
            by_name = {one["name"]: one for one in listed["prompts"]}
            assert set(kinds) < set(by_name)
            assert (by_name["closed"]["source"], by_name["closed"]["made_by"]) == ("shipped", None)
            assert by_name["menu-main"]["used"]
            for name in ("browser", "closed"):
                heard = await supervisor.get(f"/api/routing/prompts/{name}/audio")
                with wave.open(io.BytesIO(heard.content)) as file:
                    assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
                    assert abs(file.getnframes() / 8000 - by_name[name]["seconds"]) < 0.01

    house(body, phone=False)


def test_what_is_no_usable_sound_is_refused_with_a_reason_and_leaves_nothing(house: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(1))
    playlist = f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
    concat = f"ffconcat version 1.0\nfile '{secret}'\n".encode()
    wrong = {
        b"": "not_audio",
        b"%PDF-1.7 nothing to hear": "not_audio",
        b"\x00" * 5000: "not_audio",
        b"RIFF\xff\xff\xff\xffWAVEfmt ": "not_audio",
        wav(2)[:44]: "not_audio",
        playlist: "not_audio",
        concat: "not_audio",
        wav(2, 0): "silent",
        wav(0.1): "too_short",
        wav(182, rate=8000): "too_long",
    }

    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            for content, code in wrong.items():
                answer = await upload(admin, content)
                assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), content[:40]
            for name in ("", "Big", "a b", "../x", "ringback", "x" * 65, "%00"):
                answer = await upload(admin, wav(1), name)
                assert (answer.status_code, answer.json()["error"]["field"]) == (422, "name"), name
            large = await upload(admin, bytes(10 * 1024 * 1024 + 1))
            assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
            listed = (await admin.get("/api/routing/prompts")).json()["prompts"]
            assert {one["source"] for one in listed} == {"shipped"}
            assert not (desk.config.data / "prompts").exists()

    house(body, phone=False)


def test_a_prompt_in_use_stays_and_one_that_is_not_goes_with_its_file(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            for name, pitch in (("hello", 0.1), ("spare", 0.2)):
                assert (await upload(admin, wav(1 + pitch), name)).status_code == 201
            again = await upload(admin, wav(1), "hello")
            assert (again.status_code, again.json()["error"]["code"]) == (409, "exists")
            routing = (await admin.get("/api/routing")).json()["routing"]
            routing["menus"][0]["greeting"] = "hello"
            saved = await admin.put("/api/routing", json={"routing": routing, "base_version": 0})
            assert saved.status_code == 200, saved.text
            (own,) = saved.json()["routing"]["prompts"]
            assert own["name"] == "hello"
            file = desk.config.data / own["file"]
            refused = await admin.delete("/api/routing/prompts/hello")
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_use")
            # a better recording comes in with the next save
            better = await upload(admin, wav(1.5), "hello", "&replace=true")
            assert better.status_code == 201, better.text
            resaved = await admin.put("/api/routing", json={"routing": routing, "base_version": 1})
            assert resaved.json()["routing"]["prompts"][0]["file"] == better.json()["file"] != own["file"]
            # the version before still has its own
            back = await admin.post("/api/routing/versions/1/restore", json={"base_version": 2})
            assert back.json()["routing"]["prompts"][0]["file"] == own["file"]
            assert file.is_file()
            spare = desk.config.data / next(
                one["file"]
                for one in (await admin.get("/api/routing/prompts")).json()["prompts"]
                if one["name"] == "spare"
            )
            assert spare.is_file()
            assert (await admin.delete("/api/routing/prompts/spare")).status_code == 204
            assert not spare.exists()
            assert (await admin.delete("/api/routing/prompts/spare")).status_code == 404
            assert (await admin.delete("/api/routing/prompts/closed")).status_code == 404
            assert (await admin.get("/api/routing/prompts/spare/audio")).status_code == 404
            assert (await admin.get("/api/routing/prompts/..%2f..%2fsecret/audio")).status_code == 404

    house(body, phone=False)


def test_text_is_read_out_where_the_machine_has_a_voice(house: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("espeak-ng"), "these tests need the Debian package espeak-ng"

    async def body(desk: Any) -> None:
        async with desk.signed_in("admin") as admin:
            for name, text, language in (("night", "您好，现在是夜间。", "zh"), ("hi", "Hello, please hold.", "en")):
                wish = {"name": name, "text": text, "language": language}
                answer = await admin.post("/api/routing/prompts/speak", json=wish)
                assert answer.status_code == 201, answer.text
                assert (answer.json()["source"], answer.json()["text"]) == ("speech", text)
                assert 0.8 < answer.json()["seconds"] < 8
            for wrong in (
                {},
                {"name": "x", "text": ""},
                {"name": "x", "text": "  "},
                {"name": "x", "text": "a" * 1001},
            ):
                assert (await admin.post("/api/routing/prompts/speak", json=wrong)).status_code == 422
            wrong = {"name": "x", "text": "x", "language": "tlh"}
            assert (await admin.post("/api/routing/prompts/speak", json=wrong)).status_code == 422
            monkeypatch.setenv("PATH", "/nowhere")
            silent = await admin.post("/api/routing/prompts/speak", json={"name": "x", "text": "你好"})
            assert (silent.status_code, silent.json()["error"]["code"]) == (501, "no_speech")
            assert (await admin.get("/api/routing/prompts")).json()["speech"] is False

    house(body, phone=False)


def test_only_administrators_make_prompts(house: Run) -> None:
    async def body(desk: Any) -> None:
        async with desk.signed_in("supervisor1") as supervisor, desk.signed_in("agent1") as agent:
            assert (await upload(supervisor, wav(1))).status_code == 403
            assert (await supervisor.delete("/api/routing/prompts/closed")).status_code == 403
            assert (await supervisor.post("/api/routing/prompts/speak", json={})).status_code == 403
            assert (await agent.get("/api/routing/prompts")).status_code == 403

    house(body, phone=False)
