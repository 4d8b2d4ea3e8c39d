"""How Google writes answers: errors with a reason, and only the fields that were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

Json = dict[str, Any]


def refused(status: int, reason: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """An error as Google writes it."""
    detail = {"domain": "global", "reason": reason, "message": "as told"}
    return JSONResponse({"error": {"code": status, "message": "as told", "errors": [detail]}}, status, headers=headers)


def masked(answer: Json, mask: str | None) -> Response:
    """Only the fields of ``mask`` (guides/fields-parameter); all without one."""
    if mask is None:
        return JSONResponse(answer)
    words = iter(re.findall(r"\w+|[(),]", mask))
    return JSONResponse(_only(answer, _fields(words)))


def _fields(words: Iterator[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    name = ""
    for word in words:
        if word == "(":
            wanted[name] = _fields(words)
        elif word == ")":
            break
        elif word != ",":
            name = word
            wanted[name] = None
    return wanted


def _only(value: Any, wanted: dict[str, Any] | None) -> Any:
    if wanted is None:
        return value
    if isinstance(value, list):
        return [_only(one, wanted) for one in value]
    return {name: _only(value[name], inner) for name, inner in wanted.items() if name in value}
