"""Content and secrets do not reach a log line, and every value becomes one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import ExcInfo

from dealpulse.errors import Unreadable
from dealpulse.logs.rendering import DescribeException, redact, render_json
from dealpulse.models import Page, PageKind
from dealpulse.settings import Secret

from .program import run

CANARY = "xXcanaryXx"


def line(**fields: object) -> dict[str, object]:
    """The line these fields become, read back."""
    event = redact(None, "info", {"event": "e", **fields})
    assert not isinstance(event, (str, bytes, bytearray, tuple))
    rendered = render_json(None, "info", event)
    assert len(rendered.splitlines()) == 1
    read: dict[str, object] = json.loads(rendered)
    return read


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "redis_password",
        "token",
        "accessToken",
        "refresh_token",
        "key",
        "api_key",
        "apiKey",
        "service_role_key",
        "Authorization",
        "x-api-key",
        "set-cookie",
        "client_secret",
        "credentials",
        "dsn",
    ],
)
def test_a_field_named_like_a_secret_is_hidden_at_any_depth(name: str) -> None:
    assert line(**{name: CANARY})[name] == "***"
    assert CANARY not in str(line(request={"headers": [{name: CANARY}, {name: [CANARY]}, {name: {"a": CANARY}}]}))


@pytest.mark.parametrize("name", ["storage_key", "thread_key", "keys_found", "event", "job_id", "document_id"])
def test_other_fields_are_not(name: str) -> None:
    assert line(**{name: "plain"})[name] == "plain"


def test_counts_of_tokens_are_numbers_not_secrets() -> None:
    assert line(input_tokens=120, cached_tokens=None) == {"event": "e", "input_tokens": 120, "cached_tokens": None}


def test_a_password_in_a_url_is_hidden_wherever_it_stands() -> None:
    text = f"connecting to rediss://worker:{CANARY}@cache:6380/0 and postgres://u:{CANARY}@db/x"
    assert line(event=text)["event"] == "connecting to rediss://***@cache:6380/0 and postgres://***@db/x"
    assert line(url="https://example.com/a@b")["url"] == "https://example.com/a@b"


def test_a_domain_value_shows_its_type_alone() -> None:
    page = Page(number=1, kind=PageKind.page, text=CANARY, char_start=0, char_end=10)
    assert line(page=page, pages=[page]) == {
        "event": "e",
        "page": "<dealpulse.models.Page>",
        "pages": ["<dealpulse.models.Page>"],
    }


@dataclasses.dataclass
class Held:
    text: str


class Color(Enum):
    red = "red"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Secret(CANARY), "***"),
        (Held(CANARY), f"<{__name__}.Held>"),
        (ValueError(CANARY), "<ValueError>"),
        (CANARY.encode(), "<10 bytes>"),
        (Path("/tmp/x"), "/tmp/x"),
        (Decimal("1.50"), "1.50"),
        (timedelta(seconds=90), 90.0),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
        (Color.red, "red"),
        ({3}, [3]),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (2**70, 2**70),
        ("\ud800", "\ud800"),
        (float("nan"), None),
    ],
)
def test_a_value_of_any_type_has_its_form(value: object, written: object) -> None:
    assert line(value=value)["value"] == written


def test_our_own_errors_show_code_and_message() -> None:
    shown = line(error=Unreadable("The file is cut off.", code="truncated"))["error"]
    assert shown == {"type": "dealpulse.errors.Unreadable", "code": "truncated", "message": "The file is cut off."}


def test_very_long_text_is_cut() -> None:
    assert len(str(line(text="x" * 100_000)["text"])) < 10_000


def test_a_value_that_contains_itself_is_still_one_line() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "..." in str(line(value=endless)["value"])


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1), json_like))
def test_whatever_the_fields_are_they_become_one_json_object_on_one_line(fields: dict[str, object]) -> None:
    assert "event" in line(**fields)


# --- exceptions -----------------------------------------------------------------------------------------------------


def raised(action: Callable[[], object]) -> ExcInfo:
    try:
        action()
    except Exception as error:
        return (type(error), error, error.__traceback__)
    raise AssertionError("nothing was raised")


def chained() -> None:
    try:
        int(CANARY)
    except ValueError as error:
        raise Unreadable("The file is cut off.", code="truncated") from error


def test_an_exception_is_told_as_a_chain_without_foreign_messages() -> None:
    ours, theirs = DescribeException(foreign_messages=False)(raised(chained))
    assert (ours["type"], ours["code"], ours["message"]) == (
        "dealpulse.errors.Unreadable",
        "truncated",
        "The file is cut off.",
    )
    assert theirs["type"] == "ValueError"
    assert "message" not in theirs
    assert str(theirs["frames"]).endswith("in chained']")
    assert CANARY not in str([ours, theirs])


def test_foreign_messages_are_told_when_debugging() -> None:
    _, theirs = DescribeException(foreign_messages=True)(raised(chained))
    assert CANARY in str(theirs["message"])


def test_each_exception_of_a_group_is_told() -> None:
    def fail() -> None:
        raise ExceptionGroup("several", [ValueError(CANARY), Unreadable("Empty.", code="empty_file")])

    (group,) = DescribeException(foreign_messages=False)(raised(fail))
    assert "Unreadable" in str(group["exceptions"])
    assert CANARY not in str(group)


def test_a_deep_recursion_keeps_its_innermost_frames() -> None:
    def fall() -> None:
        fall()

    (error,) = DescribeException(foreign_messages=False)(raised(fall))
    frames = error["frames"]
    assert isinstance(frames, list)
    assert len(frames) <= 30


def test_exceptions_that_caused_each_other_are_told_once() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert len(DescribeException(foreign_messages=False)((ValueError, first, None))) == 2


def test_a_library_that_logs_what_its_exception_says_is_cut_short() -> None:
    output = run(f"""
        library = logging.getLogger("library")
        try:
            try:
                int("{CANARY}")
            except ValueError as error:
                raise RuntimeError("wrapped {CANARY}") from error
        except RuntimeError as error:
            library.error("failed: %s", error)
            library.error("failed: %r", error)
            library.error("failed: %(error)s", {{"error": error}})
            library.error(error)
            library.exception(f"failed: {{error}}")
            library.error(f"failed: {{error.__cause__}}")
            library.error("failed %s" % error)
            log.exception("job_failed")
            log.error("job_failed", error=error)
        log.info("unharmed")
    """)
    assert len(output.lines) == 10
    assert CANARY not in output.text
    assert "RuntimeError" in output.text


def test_the_operating_systems_own_words_are_told() -> None:
    output = run(f"""
        import errno, socket
        library = logging.getLogger("library")
        for error in (OSError(errno.EADDRINUSE, "{CANARY}"), FileNotFoundError(errno.ENOENT, "x", "/{CANARY}")):
            try:
                raise error
            except OSError as caught:
                library.error(caught)
                log.exception("failed")
        library.error(socket.gaierror(1, "{CANARY}"))
    """)
    in_use, chain, missing, _, foreign = output.lines
    assert in_use["event"] == "OSError: Address already in use"
    assert missing["event"] == "FileNotFoundError: No such file or directory"
    assert foreign["event"] == "socket.gaierror"
    assert "Address already in use" in str(chain["exception"])
    assert CANARY not in output.text


def test_it_is_not_cut_short_when_debugging() -> None:
    output = run(
        f"""
        configure(debug=True)
        try:
            raise RuntimeError("{CANARY}")
        except RuntimeError as error:
            logging.getLogger("library").exception("failed: %s", error)
        """,
        configured=False,
    )
    (told,) = output.lines
    assert told["event"] == f"failed: {CANARY}"
    assert CANARY in str(told["exception"])
