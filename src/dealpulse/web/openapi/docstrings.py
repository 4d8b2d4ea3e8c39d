"""What the code says of itself: a class's fields, a handler, a module."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache


def of_fields(kind: type) -> dict[str, str]:
    """The strings that stand below the fields of a class and of those it inherits from, by the fields' names."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        told |= _of_module(base.__module__).get(base.__name__, {})
    return told


def of_handler(handler: Callable[..., object]) -> tuple[str, str]:
    """Its first line, and the rest; empty where it says nothing."""
    first, _, rest = _said_by(handler).partition("\n")
    return first.strip(), rest.strip()


def of_module(name: str) -> str:
    """The first line of a module's docstring."""
    return _said_by(sys.modules[name]).partition("\n")[0]


def as_markdown(text: str) -> str:
    """Double backticks become single ones."""
    return text.replace("``", "`")


def _said_by(what: object) -> str:
    return as_markdown(inspect.getdoc(what) or "")


@cache
def _of_module(name: str) -> Mapping[str, dict[str, str]]:
    if not name.startswith("dealpulse."):
        return {}
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {node.name: dict(_fields(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields(of: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(of.body, of.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field.target.id, as_markdown(" ".join(below.value.value.split()))
