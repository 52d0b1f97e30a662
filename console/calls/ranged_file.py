"""A file over HTTP with byte ranges (RFC 9110 §13 and §14), streamed from disk."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import BinaryIO

from anyio import to_thread
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

BLOCK = 128 * 1024

_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range lies outside the file."""


async def ranged_file(
    path: Path, request_headers: Mapping[str, str], *, etag: str, media_type: str, name: str, head: bool = False
) -> Response:
    """200, 206, 304 or 416, as the request's headers ask. ``etag`` is strong and comes without quotes.

    Raises OSError when the file cannot be opened.
    """
    file = await to_thread.run_sync(path.open, "rb")
    try:
        size = os.fstat(file.fileno()).st_size
        headers = {
            "accept-ranges": "bytes",
            "etag": f'"{etag}"',
            # patients' voices are not kept in the browser's cache on disk
            "cache-control": "private, no-store",
            "content-disposition": f'inline; filename="{name}"',
            "x-content-type-options": "nosniff",
        }
        if _matches(request_headers.get("if-none-match", ""), etag):
            return _closing(file, Response(status_code=304, headers=headers))
        try:
            wanted = _wanted(request_headers, etag, size)
        except Unsatisfiable:
            headers["content-range"] = f"bytes */{size}"
            return _closing(file, Response(status_code=416, headers=headers))
        start, stop = wanted or (0, size)
        headers["content-length"] = str(stop - start)
        if wanted:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
        status = 206 if wanted else 200
        if head:
            return _closing(file, Response(status_code=status, headers=headers, media_type=media_type))
        return _FileStream(file, start, stop, status, headers, media_type)
    except BaseException:
        file.close()
        raise


def _closing(file: BinaryIO, response: Response) -> Response:
    file.close()
    return response


def _wanted(headers: Mapping[str, str], etag: str, size: int) -> tuple[int, int] | None:
    """Start and stop of the one range asked for; None for the whole file.

    Ranges that cannot be read, several ranges, and a range of another version (If-Range) are answered with the whole
    file, as RFC 9110 §14.2 allows.
    """
    asked = headers.get("range", "")
    found = _RANGE.fullmatch(asked) if len(asked) < 100 else None
    if found is None:
        return None
    if "if-range" in headers and headers["if-range"].strip() != f'"{etag}"':
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        # the last so many bytes
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable
        return size - length, size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(int(last) + 1, size) if last else size


def _matches(condition: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return "*" in tags or f'"{etag}"' in tags


class _FileStream(StreamingResponse):
    """Closes its file even when the client went away before the first byte."""

    def __init__(
        self, file: BinaryIO, start: int, stop: int, status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(_read(file, start, stop), status, headers, media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


async def _read(file: BinaryIO, start: int, stop: int) -> AsyncIterator[bytes]:
    file.seek(start)
    while start < stop:
        block = await to_thread.run_sync(file.read, min(BLOCK, stop - start))
        if not block:
            # the file became shorter than it was announced: the connection is cut, so that the client notices
            return
        start += len(block)
        yield block
