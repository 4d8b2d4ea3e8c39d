"""JSON in and out: bytes become wire values, wire values become responses."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dealpulse.errors import Invalid
from dealpulse.web.wire import Incoming

Body = TypeVar("Body", bound=Incoming)

_PLACE: Final = re.compile(r"at `\$\.?([^`]+)`")
_NAME: Final = re.compile(r"(?:required|unknown) field `([^`]+)`")


class JsonResponse(Response):
    """A wire value as JSON; dates as ISO 8601."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


async def body_of(request: Request[Any], kind: type[Body]) -> Body:
    """The request's JSON body as ``kind``, whatever its content type says.

    Raises:
        Invalid: ``malformed_json``, or ``invalid_body`` with the field's name in the details.
    """
    return parse(await request.body(), kind)


def query_of(request: Request[Any], kind: type[Body]) -> Body:
    """The request's query parameters as ``kind``; words become numbers, times and lists where it wants them.

    Raises:
        Invalid: ``invalid_query``, with the parameter's name in the details.
    """
    given: dict[str, object] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        given[name] = values[-1] if len(values) == 1 else values
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        details = {"problem": str(error), **({"field": found[1]} if (found := _PLACE.search(str(error))) else {})}
        raise Invalid("A query parameter is not as it should be.", code="invalid_query", details=details) from error


def parse(data: bytes | msgspec.Raw, kind: type[Body]) -> Body:
    """JSON as ``kind``. Raises as :func:`body_of`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid_body(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if not bytes(data).strip():
            raise Invalid("The body is empty; it should be a JSON object.", code="malformed_json") from error
        raise Invalid("The body is not well-formed JSON.", code="malformed_json") from error


def _invalid_body(problem: str) -> Invalid:
    """The library's sentence for the caller; the place and the name in it together are the field's path."""
    path = ".".join(found[1] for found in (_PLACE.search(problem), _NAME.search(problem)) if found)
    if not path:
        return Invalid("The body is not as it should be.", code="invalid_body", details={"problem": problem})
    details = {"problem": problem, "field": path}
    return Invalid(f"The field {path} is not as it should be.", code="invalid_body", details=details)
