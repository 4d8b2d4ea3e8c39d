"""What the OpenAPI document promises, held against what the API really answers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no annotations

from dealpulse.web.openapi import serving

DOCUMENT: dict[str, Any] = serving.described("test")
SEEN: set[tuple[str, str, str]] = set()
"""Method, path and status of every answer that was held against it."""


@cache
def validator(schema: str) -> Draft202012Validator:
    """Of a schema by its reference."""
    return Draft202012Validator({"$ref": schema, "components": DOCUMENT["components"]})


async def hold_to_document(answer: httpx.Response) -> None:
    """A client's hook: fails the test where a JSON answer is not what the document says."""
    operation = _operation(answer.request.method, answer.request.url.path)
    if operation is None or not answer.headers.get("content-type", "").startswith("application/json"):
        return
    path, told = operation
    response = told["responses"].get(str(answer.status_code))
    if response is None:
        assert not answer.is_success, f"{path} answers {answer.status_code}, which it does not promise"
        return
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
    if schema is not None:
        await answer.aread()
        validator(schema).validate(answer.json())
        SEEN.add((answer.request.method, path, str(answer.status_code)))


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    for template, pattern in _patterns():
        if pattern.fullmatch(path) and method.lower() in DOCUMENT["paths"][template]:
            return template, DOCUMENT["paths"][template][method.lower()]
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Addresses that say everything before those with a gap."""
    templates = sorted(DOCUMENT["paths"], key=lambda template: template.count("{"))
    return [(template, re.compile(re.sub(r"{\w+}", "[^/]+", template))) for template in templates]
