"""The OpenAPI 3.1 page, made from the declared endpoints."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.responses import Response

from console.http.api_error import ErrorBody
from console.http.endpoints import Endpoint

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"{([^}:]+)(?::[^}]+)?}")


def openapi(endpoints: Iterable[Endpoint], title: str, version: str) -> dict[str, Any]:
    """The whole page as a JSON-able map."""
    declared = list(endpoints)
    kinds: list[Any] = [ErrorBody]
    for endpoint in declared:
        kinds += [kind for kind in (endpoint.query, endpoint.body, _json_type(endpoint)) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    schema_of = iter(schemas)
    error = next(schema_of)
    queries: set[str] = set()
    others: set[str] = set()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in declared:
        parameters = []
        if endpoint.query is not None:
            name = _component(next(schema_of))
            queries.add(name)
            parameters = _query_parameters(components[name])
        body = next(schema_of) if endpoint.body is not None else None
        returns = next(schema_of) if _json_type(endpoint) is not None else None
        others.update(_component(schema) for schema in (body, returns) if schema and "$ref" in schema)
        path = _PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, parameters, body, returns, error)
    for name in queries - others:
        # told as parameters already
        del components[name]
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "sansheng_session"}},
        },
    }


def _json_type(endpoint: Endpoint) -> Any:
    """The type of the JSON answer, None when the route answers with something else or nothing."""
    returns = endpoint.returns
    if returns is None or (isinstance(returns, type) and issubclass(returns, Response)):
        return None
    return returns


def _component(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _operation(
    endpoint: Endpoint,
    query: list[dict[str, Any]],
    body: dict[str, Any] | None,
    returns: dict[str, Any] | None,
    error: dict[str, Any],
) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(endpoint.handler) or endpoint.handler.__name__).partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.desk}_{endpoint.handler.__name__}",
        "tags": [endpoint.desk],
        "summary": summary,
        "security": [] if endpoint.public else [{"session": []}],
        "responses": {str(endpoint.status): _success(endpoint, returns), **_errors(endpoint, error)},
    }
    if not endpoint.public:
        operation["x-roles"] = list(endpoint.roles)
    if description.strip():
        operation["description"] = description.strip()
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ] + query
    if parameters:
        operation["parameters"] = parameters
    if body is not None and endpoint.body is not None:
        required = any(field.required for field in msgspec.structs.fields(endpoint.body))
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": body}}}
    return operation


def _success(endpoint: Endpoint, returns: dict[str, Any] | None) -> dict[str, Any]:
    response: dict[str, Any] = {"description": "Done"}
    if returns is not None:
        response["content"] = {"application/json": {"schema": returns}}
    elif endpoint.returns is not None:
        response["content"] = {endpoint.produces: {}}
    return response


def _errors(endpoint: Endpoint, error: dict[str, Any]) -> dict[str, Any]:
    told = {"default": "Another error"}
    if not endpoint.public:
        told |= {"401": "Nobody is signed in", "403": "The role may not do this"}
    if _PARAMETER.search(endpoint.path):
        told["404"] = "No such thing"
    if endpoint.query is not None or endpoint.body is not None:
        told["422"] = "The input is wrong; the field is named"
    content = {"application/json": {"schema": error}}
    return {status: {"description": text, "content": content} for status, text in told.items()}


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]
