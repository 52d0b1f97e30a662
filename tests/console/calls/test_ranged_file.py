"""Byte ranges of a file as RFC 9110 §14 has them."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.calls.ranged_file import BLOCK, ranged_file

CONTENT = random.Random(1).randbytes(2 * BLOCK + 1000)
SIZE = len(CONTENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "call.webm"
    path.write_bytes(CONTENT)
    return path


def ask(path: Path, method: str = "GET", **headers: str) -> httpx.Response:
    async def endpoint(request: Request) -> Response:
        head = request.method == "HEAD"
        return await ranged_file(
            path, request.headers, etag="abc", media_type="audio/webm", name="call.webm", head=head
        )

    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app=Starlette(routes=[Route("/audio", endpoint)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
            return await client.request(method, "/audio", headers=named)

    return asyncio.run(go())


def test_without_a_range_the_whole_file_comes(path: Path) -> None:
    answer = ask(path)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "audio/webm"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["etag"] == '"abc"'
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        (f"bytes={BLOCK - 5}-{BLOCK + 5}", BLOCK - 5, BLOCK + 6),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        (f"bytes=10-{SIZE + 999}", 10, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        ("Bytes=5-9", 5, 10),
    ],
)
def test_a_range_gives_just_these_bytes(path: Path, asked: str, start: int, stop: int) -> None:
    answer = ask(path, range=asked)
    assert answer.status_code == 206
    assert answer.content == CONTENT[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0", f"bytes={10**30}-"])
def test_a_range_outside_the_file_is_refused_with_its_size(path: Path, asked: str) -> None:
    answer = ask(path, range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=9-5",
        "bytes=-",
        "bytes=",
        "bytes",
        "lines=1-2",
        "bytes=a-b",
        "bytes=1-2,5-6",
        "bytes=\xb2-",
        "bytes=1-2-3",
        pytest.param(f"bytes={'9' * 5000}-", id="a very long number"),
    ],
)
def test_a_range_that_cannot_be_read_is_ignored(path: Path, asked: str) -> None:
    answer = ask(path, range=asked)
    assert answer.status_code == 200
    assert answer.content == CONTENT


def test_a_range_of_the_same_version_is_given_and_of_another_the_whole(path: Path) -> None:
    assert ask(path, range="bytes=0-9", if_range='"abc"').status_code == 206
    for other in ('"abd"', 'W/"abc"', "Sun, 01 Mar 2026 08:00:00 GMT", ""):
        answer = ask(path, range="bytes=0-9", if_range=other)
        assert (answer.status_code, len(answer.content)) == (200, SIZE)


def test_a_known_version_is_not_sent_again(path: Path) -> None:
    for known in ('"abc"', 'W/"abc"', '"x", "abc"', "*"):
        answer = ask(path, if_none_match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == '"abc"'
    assert ask(path, if_none_match='"other"').status_code == 200


def test_head_tells_all_but_the_bytes(path: Path) -> None:
    whole = ask(path, "HEAD")
    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", str(SIZE))
    part = ask(path, "HEAD", range="bytes=10-19")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"", f"bytes 10-19/{SIZE}")


def test_an_empty_file_is_an_empty_answer(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert ask(path).status_code == 200
    assert ask(path, range="bytes=0-").status_code == 416
