"""The OpenAPI 3.1 document: an operation an endpoint, in the order of the route tables."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.responses import Response

from dealpulse.web.access.identity import Scope
from dealpulse.web.openapi import docstrings
from dealpulse.web.openapi.schemas import Json, reference_to, schemas_of, wire_types
from dealpulse.web.routing import Endpoint
from dealpulse.web.wire import Fault

_JSON: Final = "application/json"
_ABOUT: Final = """\
Everything DealPulse's workers can be asked for and asked about. The command line and the dashboard do nothing that is
not here.

**Who may ask.** A bearer token has one of the scopes `read`, `enqueue`, `operate` and `admin`; each contains those
before it. A user of the app sends their Supabase access token instead, and sees their own deals only, where an
operation allows that at all.

**Errors** have one shape: `{"success": false, "error": {"code", "message", "details"}}`. Branch on `code`.

**The same request twice.** A POST with an `Idempotency-Key` is carried out once; sent again within 24 hours it gets
the same answer. Also without one, work that waits or runs already is not doubled: `deduplicated` says so.
"""
_FAULTS: Final[Mapping[int, str]] = {
    400: "The request is malformed or contradicts itself.",
    401: "There is no token, or not a valid one.",
    403: "The token's scope does not contain what this takes, or this is not for users of the app.",
    404: "What it names does not exist, or is not the caller's to know of.",
    413: "The body is too large.",
    422: "The Idempotency-Key was used for another request.",
    429: "These are too many requests; `Retry-After` says when to go on.",
    503: "Redis or Supabase does not answer; `Retry-After` says when to ask again.",
}
_PARAMETERS: Final[Mapping[str, str]] = {
    "account": "Such as anthropic.",
    "blocker_id": "The blocker's id.",
    "connection_id": "The connection's id.",
    "date": "YYYY-MM-DD; of a brief also `latest`.",
    "deal_id": "The deal's id.",
    "delivery_id": "The delivery's id.",
    "document_id": "The document's id.",
    "email_id": "The e-mail's id.",
    "finding_id": "The finding's id.",
    "job_id": "The job's id, such as `doc:{document}:summarize`.",
    "kind": "weekly_report or risk_register.",
    "recipient_id": "The recipient's id.",
    "schedule": "The schedule's name, such as `cron:daily_brief`.",
    "schedule_id": "The report schedule's id.",
    "slug": "daily-brief, document, email or source-sync, or the queue's wire name. Of dead letters also `arq:queue`.",
    "source_id": "The source's id.",
    "token_id": "The token's id.",
    "type": "gdrive, gmail, sharepoint or outlook.",
}
_TAGS: Final[Mapping[str, str]] = {"job_lists": "jobs", "enqueueing": "jobs", "serving": "probes"}
"""Modules that are about what another one is about."""
_KEY_PARAMETER: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 visible characters that no other request of this caller has.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(
    version: str, api: Iterable[Endpoint], *, guarded: Iterable[Endpoint] = (), open_to_all: Iterable[Endpoint] = ()
) -> Json:
    """What is below ``/api``, and what is beside it: ``guarded`` by a token, or ``open_to_all``."""
    operations = [
        *(("/api", endpoint, True) for endpoint in api),
        *(("", endpoint, True) for endpoint in guarded),
        *(("", endpoint, False) for endpoint in open_to_all),
    ]
    endpoints = [endpoint for _, endpoint, _ in operations]
    schemas = schemas_of({kind for endpoint in endpoints for kind in _types(endpoint)} | {Fault})
    paths: Json = {}
    for prefix, endpoint, takes_token in operations:
        operation = _operation(endpoint, schemas, guarded=takes_token)
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = operation
    modules = sorted({endpoint.handler.__module__ for endpoint in endpoints}, key=lambda name: name.rpartition(".")[2])
    return {
        "openapi": "3.1.0",
        "info": {"title": "DealPulse", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": _tag(module), "description": docstrings.of_module(module)}
            for module in modules
            if module.endswith(f".{_tag(module)}")
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _fault(status, told) for status, told in _FAULTS.items()},
            "parameters": {"Idempotency-Key": _KEY_PARAMETER},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"A token with a scope: {', '.join(Scope)}.",
                },
                "user": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The Supabase access token of a user of the app, who sees their own deals only.",
                },
            },
        },
    }


def _operation(endpoint: Endpoint, schemas: Json, *, guarded: bool) -> Json:
    summary, more = docstrings.of_handler(inspect.unwrap(endpoint.handler))
    operation: Json = {
        "operationId": endpoint.action,
        "tags": [_tag(endpoint.handler.__module__)],
        "summary": summary,
        **({"description": more} if more else {}),
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas)],
        "responses": _responses(endpoint, guarded=guarded),
        "security": _security(endpoint) if guarded else [],
    }
    if guarded and endpoint.heeds_key:
        operation["parameters"].append({"$ref": "#/components/parameters/Idempotency-Key"})
    if endpoint.takes is not None:
        content = {_JSON: {"schema": reference_to(endpoint.takes)}}
        operation["requestBody"] = {"required": not endpoint.optional, "content": content}
    elif endpoint.uploads:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS.get(name, ""),
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint, schemas: Json) -> list[Json]:
    if endpoint.asks is None:
        return []
    of = schemas[endpoint.asks.__name__]
    parameters = []
    for name, schema in of["properties"].items():
        told = {"description": schema["description"]} if "description" in schema else {}
        bare = {key: value for key, value in schema.items() if key != "description"}
        required = name in of.get("required", ())
        parameters.append({"name": name, "in": "query", "required": required, **told, "schema": bare})
    return parameters


def _responses(endpoint: Endpoint, *, guarded: bool) -> Json:
    answers = wire_types(_returned(endpoint))
    content: Json = {kind: {"schema": {"type": "string"}} for kind in endpoint.also}
    if answers:
        content |= {_JSON: {"schema": reference_to(answers[0])}}
    success = {"description": "Done.", **({"content": content} if content else {})}
    if not guarded:
        return {str(endpoint.status): success}
    faults = {401, 403, 429, 503}
    faults |= {400} if endpoint.takes or endpoint.asks else set()
    faults |= {404} if "{" in endpoint.path or endpoint.about else set()
    faults |= {400, 413} if endpoint.method == "POST" else set()
    faults |= {400, 422} if endpoint.heeds_key else set()
    references = {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(faults)}
    return {str(endpoint.status): success, **references}


def _fault(status: int, told: str) -> Json:
    later = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        "description": told,
        "content": {_JSON: {"schema": reference_to(Fault)}},
        **({"headers": later} if status in (429, 503) else {}),
    }


def _security(endpoint: Endpoint) -> list[Json]:
    theirs: list[Json] = [{"user": []}] if endpoint.about is not None else []
    return [{"token": [endpoint.scope.value]}, *theirs]


def _types(endpoint: Endpoint) -> list[type]:
    given = [kind for kind in (endpoint.takes, endpoint.asks) if kind is not None]
    return [*given, *wire_types(_returned(endpoint))]


def _returned(endpoint: Endpoint) -> Any:
    return typing.get_type_hints(inspect.unwrap(endpoint.handler)).get("return", Response)


def _tag(module: str) -> str:
    name = module.rpartition(".")[2]
    return _TAGS.get(name, name)
