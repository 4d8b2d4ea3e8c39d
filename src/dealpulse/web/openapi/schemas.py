"""The wire types as JSON Schema, with what their docstrings say, and an example each."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from dealpulse.web.openapi import docstrings
from dealpulse.web.openapi.examples import example_of
from dealpulse.web.wire import Incoming, Outgoing

Json: TypeAlias = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"


def schemas_of(kinds: Iterable[type]) -> Json:
    """The schemas of these types and of all they hold, by name."""
    _, components = msgspec.json.schema_components(list(kinds), schema_hook=_anything, ref_template=_REFERENCE)
    for name, schema in components.items():
        _describe(schema, _WIRE[name])
    return components


def reference_to(kind: type) -> Json:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def wire_types(told: object) -> list[type[Struct]]:
    """The wire types among what a handler returns."""
    parts = typing.get_args(told) or (told,)
    return [part for part in parts if isinstance(part, type) and issubclass(part, Outgoing) and part is not Outgoing]


def _describe(schema: Json, kind: type[Struct]) -> None:
    if "description" in schema:
        schema["description"] = docstrings.as_markdown(schema["description"])
    told = docstrings.of_fields(kind)
    for field in msgspec.structs.fields(kind):
        described = told.get(field.name)
        if described:
            schema["properties"][field.encode_name]["description"] = described
    schema["examples"] = [example_of(kind)]


def _anything(kind: type) -> Json:
    """``object`` stands for any JSON. Raises NotImplementedError for what the wire knows nothing of."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError(kind)


def _all_below(kind: type[Struct]) -> dict[str, type[Struct]]:
    below = {kind.__name__: kind}
    for each in kind.__subclasses__():
        below |= _all_below(each)
    return below


_WIRE: Final = _all_below(Incoming) | _all_below(Outgoing)
