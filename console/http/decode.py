"""Query strings and bodies to validated structs; every refusal names the field."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request

from console.http.api_error import ApiError, Message

#: bytes; larger request bodies are refused with 413
BODY_LIMIT = 1024 * 1024

S = TypeVar("S", bound=msgspec.Struct)

_MISSING = re.compile(r"missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_AT = re.compile(r" - at `\$\.?([^`]*)`$")


def field_of(problem: str) -> str:
    """The field that a msgspec message is about (``limit``, ``scores[2].points``), empty when it names none."""
    at = _AT.search(problem)
    path = at.group(1) if at else ""
    named = _MISSING.search(problem) or _UNKNOWN.search(problem)
    if named:
        return f"{path}.{named.group(1)}" if path else named.group(1)
    return path


def invalid(problem: str) -> ApiError:
    """422 for a msgspec validation message, with the field named."""
    field = field_of(problem)
    sentence = _AT.sub("", problem)
    if field:
        return ApiError(
            422,
            "invalid_input",
            Message(f"字段 {field} 有误：{sentence}", f"{field} is wrong: {sentence}"),
            field=field,
        )
    return ApiError(422, "invalid_input", Message(f"输入有误：{sentence}", f"The input is wrong: {sentence}"))


def list_fields(struct: type[msgspec.Struct]) -> frozenset[str]:
    """Names of the fields that take several values (``?id=1&id=2``)."""
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    sequences = (msgspec.inspect.ListType, msgspec.inspect.VarTupleType, msgspec.inspect.SetType)
    return frozenset(
        field.encode_name
        for field in info.fields
        if isinstance(field.type, sequences)
        or (
            isinstance(field.type, msgspec.inspect.UnionType)
            and any(isinstance(t, sequences) for t in field.type.types)
        )
    )


def decode_query(params: QueryParams, struct: type[S], several: frozenset[str]) -> S:
    """The query string as ``struct``. A parameter left empty counts as not given; unknown ones are ignored."""
    given: dict[str, Any] = {}
    for name, value in params.multi_items():
        if value == "":
            continue
        if name in several:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return msgspec.convert(given, struct, strict=False)
    except msgspec.ValidationError as problem:
        raise invalid(str(problem)) from None


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """The whole body; raises ApiError 413 as soon as more than ``limit`` bytes are announced or have come."""
    too_large = ApiError(
        413,
        "body_too_large",
        Message(f"请求内容超过 {limit} 字节", f"The request body is larger than {limit} bytes"),
        headers={"connection": "close"},
    )
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


async def decode_body(request: Request, decoder: msgspec.json.Decoder[S]) -> S:
    """The JSON body as the decoder's struct; no body counts as ``{}``."""
    raw = await read_body(request)
    if not raw:
        raw = b"{}"
    elif request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError(
            415, "not_json", Message("请求内容须为 application/json", "The request body must be application/json")
        )
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as problem:
        raise invalid(str(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ApiError(
            400, "malformed_json", Message(f"JSON 格式错误：{problem}", f"The body is not valid JSON: {problem}")
        ) from None
