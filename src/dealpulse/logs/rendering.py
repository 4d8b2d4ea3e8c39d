"""How an event becomes one line of JSON: no content, no secrets, no line breaks, whatever it is given."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import PurePath
from traceback import walk_tb
from types import TracebackType

import orjson
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from dealpulse.errors import DealPulseError
from dealpulse.settings import Secret

HIDDEN = "***"
_LONGEST_TEXT = 8_192
_MOST_FRAMES = 30
_DEEPEST = 6
_ORDER = ("timestamp", "level", "event", "logger", "service")


# --- redaction ------------------------------------------------------------------------------------------------------

_SECRET_WORD = re.compile(
    r"passw(or)?d|passphrase|secret|token|authorization|cookie|credentials?|dsn"
    r"|(api|private|secret|access|service_role|role|signing|encryption)_?key"
)
_URL_USER = re.compile(r"(?<=://)[^/\s@]*@")


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return snake == "key" or _SECRET_WORD.search(snake) is not None


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide values by the name of their field and passwords inside URLs; shorten very long text."""
    for name, value in event.items():
        kind = type(value)
        if kind is int or (kind is str and _is_plain(name, value)):
            continue
        if name != "exc_info":  # DescribeException's
            event[name] = _redacted(name, value, depth=0)
    return event


def _is_plain(name: str, value: str) -> bool:
    """What nearly all fields are, told apart quickly: there is a line for every job."""
    return len(value) <= _LONGEST_TEXT and "://" not in value and not _is_secret(name)


def _redacted(name: str, value: object, *, depth: int) -> object:
    if isinstance(value, (bool, int, float)) or value is None:
        return value  # input_tokens=120 is a count
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)) and depth == _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), inner, depth=depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(name, inner, depth=depth + 1) for inner in value]
    return value


def _plain_text(value: str) -> str:
    text = str(value)
    if "://" in text:
        text = _URL_USER.sub(f"{HIDDEN}@", text)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}... ({len(text)} characters)"


# --- exceptions -----------------------------------------------------------------------------------------------------


class DescribeException:
    """An exception and what led to it, outermost first: type, our code and message, frames as places in the code.

    What other people's exceptions say is left out unless ``foreign_messages``: a parser quotes the text it fails on.
    The operating system's own words are told: they quote nothing.
    """

    def __init__(self, *, foreign_messages: bool) -> None:
        self._foreign_messages = foreign_messages

    def __call__(self, exc_info: ExcInfo) -> list[dict[str, object]]:
        return self._chain(exc_info[1], exc_info[2])

    def _chain(self, error: BaseException | None, traceback: TracebackType | None) -> list[dict[str, object]]:
        chain: list[dict[str, object]] = []
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            chain.append(self._one(error, traceback))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
            traceback = error.__traceback__ if error else None
        return chain

    def _one(self, error: BaseException, traceback: TracebackType | None) -> dict[str, object]:
        described: dict[str, object] = {"type": qualified_name(error)}
        if isinstance(error, DealPulseError):
            described |= {"code": error.code, "message": error.message}
        elif self._foreign_messages:
            described["message"] = str(error)
        elif reason := system_reason(error):
            described["message"] = reason
        described["frames"] = _frames(traceback)
        if isinstance(error, BaseExceptionGroup):
            described["exceptions"] = [self._chain(inner, inner.__traceback__) for inner in error.exceptions]
        return described


def _frames(traceback: TracebackType | None) -> list[str]:
    """The innermost frames as ``file:line in function``, outermost first."""
    places = [f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}" for frame, line in walk_tb(traceback)]
    return places[-_MOST_FRAMES:]


def qualified_name(value: object) -> str:
    """``module.Class`` of a value; without the module for Python's own."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def system_reason(error: BaseException) -> str | None:
    """What the operating system calls it (``Address already in use``), without file name or address."""
    # Others derive from OSError too, with numbers of their own: TLS, name resolution.
    if not isinstance(error, OSError) or type(error).__module__ != "builtins":
        return None
    number = error.errno
    return os.strerror(number) if number is not None and number in errno.errorcode else None


# --- the line -------------------------------------------------------------------------------------------------------

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_UTC_Z
_LINE_BREAKS = str.maketrans({"\u0085": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""JSON allows these unescaped, but some readers break lines at them."""


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """The event as one line, the fixed fields first. Never raises: a line that cannot be written says so."""
    ordered = {name: event.pop(name) for name in _ORDER if name in event}
    ordered.update(event)
    try:
        line = orjson.dumps(ordered, default=_foreign, option=_OPTIONS).decode()
    except (TypeError, ValueError, RecursionError):
        line = _render_odd(ordered)
    return line.translate(_LINE_BREAKS) if not line.isascii() else line


def _render_odd(event: Mapping[str, object]) -> str:
    """The same for what orjson refuses: integers over 64 bits, lone surrogates."""
    try:
        return json.dumps(event, default=_foreign)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({name: str(event[name]) for name in _ORDER if name in event} | {"unwritable": True})


def _foreign(value: object) -> object:
    """What stands for a value that is no JSON. Our own values may hold content: their type is all that is shown."""
    match value:
        case Secret():
            return HIDDEN
        case DealPulseError():
            return {"type": qualified_name(value), "code": value.code, "message": value.message}
        case PurePath() | Decimal():
            return str(value)
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray():
            return f"<{len(value)} bytes>"
        case _:
            return f"<{qualified_name(value)}>"
