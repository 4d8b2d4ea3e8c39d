"""The subset of JSON Schema that Claude's structured output takes, and the smallest answer to one.

Shapes are plain JSON: a schema is a ``dict`` as it came over the wire.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

MAX_OPTIONAL_PROPERTIES = 24
MAX_UNIONS = 16

_KEYWORDS = {
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "minItems",
    "properties",
    "required",
    "title",
    "type",
}
_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_EXAMPLES = {
    "date-time": "2026-01-05T09:00:00Z",
    "time": "09:00:00Z",
    "date": "2026-01-05",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class SchemaRefused(Exception):
    """The schema uses what structured output does not support; the message says where."""


def check_schema(schema: object) -> None:
    """Raises ``SchemaRefused`` where the Claude API would answer 400."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise SchemaRefused("schema: must be an object schema")
    _Inspection(schema).run()


class _Inspection:
    """One walk over a schema: supported keywords only, closed objects, no recursion, within the complexity limits."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._optional = 0
        self._unions = 0

    def run(self) -> None:
        self._visit(self._root, "schema", refs=())
        for name, definition in self._root.get("$defs", {}).items():
            self._visit(definition, f"$defs.{name}", refs=(f"#/$defs/{name}",))
        if self._optional > MAX_OPTIONAL_PROPERTIES:
            raise SchemaRefused(f"schema: {self._optional} optional parameters, limit {MAX_OPTIONAL_PROPERTIES}")
        if self._unions > MAX_UNIONS:
            raise SchemaRefused(f"schema: {self._unions} parameters with union types, limit {MAX_UNIONS}")

    def _visit(self, schema: object, where: str, *, refs: tuple[str, ...]) -> None:
        if not isinstance(schema, dict):
            raise SchemaRefused(f"{where}: not a schema")
        unknown = schema.keys() - _KEYWORDS
        if unknown:
            raise SchemaRefused(f"{where}: unsupported keywords {sorted(unknown)}")
        if "$ref" in schema:
            self._follow(schema["$ref"], where, refs)
            return
        kind = schema.get("type")
        if kind is None and not schema.keys() & {"enum", "const", "anyOf", "allOf"}:
            raise SchemaRefused(f"{where}: no type")
        self._check_value(schema, where)
        if kind == "object":
            self._visit_object(schema, where, refs)
        if kind == "array":
            self._visit(schema.get("items"), f"{where}.items", refs=refs)
        self._unions += "anyOf" in schema or isinstance(kind, list)
        for key in ("anyOf", "allOf"):
            for index, variant in enumerate(schema.get(key, ())):
                self._visit(variant, f"{where}.{key}[{index}]", refs=refs)

    def _follow(self, ref: str, where: str, refs: tuple[str, ...]) -> None:
        if ref in refs:
            raise SchemaRefused(f"{where}: recursive schemas are not supported")
        # Only recursion matters here; what the definition holds is counted once, in run().
        counted = (self._optional, self._unions)
        self._visit(_resolved(self._root, {"$ref": ref}), ref, refs=(*refs, ref))
        self._optional, self._unions = counted

    def _check_value(self, schema: Schema, where: str) -> None:
        kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "null")]
        if not set(kinds) <= _TYPES:
            raise SchemaRefused(f"{where}: unknown type")
        if "format" in schema and schema["format"] not in _FORMATS:
            raise SchemaRefused(f"{where}: unsupported format {schema['format']}")
        if schema.get("minItems", 0) not in (0, 1):
            raise SchemaRefused(f"{where}: minItems must be 0 or 1")

    def _visit_object(self, schema: Schema, where: str, refs: tuple[str, ...]) -> None:
        if schema.get("additionalProperties") is not False:
            raise SchemaRefused(f"{where}: additionalProperties must be false")
        properties = schema.get("properties", {})
        required = set(schema.get("required", ()))
        if not required <= properties.keys():
            raise SchemaRefused(f"{where}: required names unknown properties")
        self._optional += len(properties.keys() - required)
        for name, part in properties.items():
            self._visit(part, f"{where}.{name}", refs=refs)


def smallest_answer(schema: Schema) -> Any:
    """A small valid instance: only what is required, no list longer than it must be, null where null will do."""
    return _smallest(schema, schema)


def _smallest(schema: Schema, root: Schema) -> Any:
    schema = _resolved(root, schema)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        variants = [_resolved(root, variant) for variant in schema["anyOf"]]
        return _smallest(next((v for v in variants if v.get("type") == "null"), variants[0]), root)
    if "allOf" in schema:
        return _smallest(schema["allOf"][0], root)
    return _smallest_of_type(schema, root)


def _smallest_of_type(schema: Schema, root: Schema) -> Any:
    kind = schema["type"]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _smallest(properties[name], root) for name in schema.get("required", ())}
    if kind == "array":
        return [_smallest(schema["items"], root)] if schema.get("minItems") else []
    if kind == "string":
        return _EXAMPLES.get(schema.get("format", ""), "text")
    # 1 lies within all the usual bounds: scores up to 1, page numbers from 1.
    return {"integer": 1, "number": 1.0, "boolean": False, "null": None}[kind]


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name not in root.get("$defs", {}):
            raise SchemaRefused(f"{schema['$ref']}: no such definition")
        schema = root["$defs"][name]
    return schema
