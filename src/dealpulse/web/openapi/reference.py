"""The API's reference for people: one page made from the document, without script or anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from dealpulse.web.openapi.schemas import Json

_STYLE: Final = (resources.files(__package__) / "templates" / "reference.css").read_text(encoding="utf-8").strip()
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's content security policy: its own style and nothing else."""

_templates = Environment(
    loader=PackageLoader("dealpulse.web.openapi", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class _Operation:
    method: str
    path: str
    told: Json

    @property
    def scope(self) -> str:
        """Of the token it takes; empty where it takes none."""
        return str(self.told["security"][0]["token"][0]) if self.told["security"] else ""

    @property
    def for_users(self) -> bool:
        return any("user" in way for way in self.told["security"])

    @property
    def body(self) -> str:
        """The name of its body's schema; empty where it has none of ours."""
        content = self.told.get("requestBody", {}).get("content", {})
        return _name_in(content.get("application/json", {}).get("schema", {}))

    @property
    def takes_file(self) -> bool:
        return "application/octet-stream" in self.told.get("requestBody", {}).get("content", {})

    @property
    def status(self) -> str:
        return str(next(iter(self.told["responses"])))

    @property
    def answer(self) -> str:
        content = self.told["responses"][self.status].get("content", {})
        return _name_in(content.get("application/json", {}).get("schema", {}))

    @property
    def other_forms(self) -> list[str]:
        content: Mapping[str, object] = self.told["responses"][self.status].get("content", {})
        return [kind for kind in content if kind != "application/json"]

    @property
    def faults(self) -> list[str]:
        return list(self.told["responses"])[1:]

    @property
    def heeds_key(self) -> bool:
        return any("$ref" in each for each in self.told["parameters"])

    @property
    def parameters(self) -> list[Json]:
        return [each for each in self.told["parameters"] if "$ref" not in each]


def page(document: Json) -> str:
    """The whole document as HTML."""
    by_tag: dict[str, list[_Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            by_tag[told["tags"][0]].append(_Operation(method.upper(), path, told))
    return _templates.get_template("reference.html").render(
        style=_STYLE,
        info=document["info"],
        tags=document["tags"],
        operations=by_tag,
        schemas=document["components"]["schemas"],
        faults={status: told["description"] for status, told in document["components"]["responses"].items()},
        prose=_prose,
        type_of=_type_of,
        as_json=lambda value: json.dumps(value, indent=2),
    )


def _name_in(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _prose(text: str) -> Markup:
    """Paragraphs, **bold** and `code`."""
    return Markup("").join(_paragraph(part) for part in text.split("\n\n"))


def _paragraph(text: str) -> Markup:
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup("<p>{}</p>").format(Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)))  # noqa: S704  # escaped above


def _type_of(schema: Json) -> Markup:
    """A type in a word or two, with links to those that have a name."""
    return Markup(" or ").join(_words(schema))


def _words(schema: Json) -> Iterator[Markup]:
    if "anyOf" in schema:
        for each in schema["anyOf"]:
            yield from _words(each)
    elif name := _name_in(schema):
        yield Markup('<a href="#{0}">{0}</a>').format(name)
    elif schema.get("type") == "array":
        yield Markup("list of {}").format(_type_of(schema.get("items", {})))
    elif "enum" in schema:
        yield Markup(", ").join(str(one) for one in schema["enum"])
    elif isinstance(schema.get("additionalProperties"), dict):
        yield Markup("object of {}").format(_type_of(schema["additionalProperties"]))
    else:
        yield escape(schema.get("format") or schema.get("type") or "any")
