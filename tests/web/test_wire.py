"""Parsing at the edge: whatever arrives, the answer is a value or an ``Invalid`` that says where."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dealpulse.errors import Invalid
from dealpulse.web.codec import parse
from dealpulse.web.wire import DailyBriefRequest, DocumentRequest, DriveChanges, Incoming

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def refusal(body: bytes, kind: type[Incoming]) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(body, kind)
    return caught.value


def code_of(body: bytes, kind: type[Incoming]) -> str | None:
    """How ``body`` is refused; None when it parses."""
    try:
        value = parse(body, kind)
    except Invalid as error:
        return error.code
    return None if isinstance(value, kind) else "wrong type"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b"{'dealId': 1}",
        b'{"dealId": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"documentId": "d", "dealId": "a"} x',
        b"\x00",
    ],
)
def test_malformed_json_is_told_as_such(body: bytes) -> None:
    assert refusal(body, DocumentRequest).code == "malformed_json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"documentId": 5, "dealId": "x"}, "documentId"),
        ({"documentId": "x"}, "dealId"),
        ({"documentId": "x", "dealId": "y", "operaton": "classify"}, "operaton"),
        ({"documentId": "x", "dealId": "y", "operation": None}, "operation"),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, object], field: str) -> None:
    error = refusal(json.dumps(body).encode(), DocumentRequest)
    assert error.code == "invalid_body"
    assert error.details["field"] == field


@pytest.mark.parametrize("date", ["2026-02-30", "yesterday", "2026-1-1", ""])
def test_a_date_that_is_none_is_named(date: str) -> None:
    error = refusal(json.dumps({"dealId": "x", "date": date}).encode(), DailyBriefRequest)
    assert error.details["field"] == "date"


def test_the_operation_is_summarize_unless_said_otherwise() -> None:
    assert parse(b'{"documentId": "d", "dealId": "x"}', DocumentRequest).operation == "summarize"


def test_a_notice_may_tell_more_than_we_ask() -> None:
    assert len(parse(b'{"changes": [{"dealId": "x"}, 7], "kind": "drive#changes"}', DriveChanges).changes) == 2


def test_deep_nesting_is_refused() -> None:
    deep = b'{"changes": ' + b"[" * 200_000
    assert refusal(deep, DriveChanges).code in ("malformed_json", "invalid_body")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.sampled_from([DocumentRequest, DailyBriefRequest, DriveChanges]))
def test_any_bytes_give_a_value_or_a_refusal(body: bytes, kind: type[Incoming]) -> None:
    assert code_of(body, kind) in (None, "malformed_json", "invalid_body")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["documentId", "dealId", "operation", "x"]), ANYTHING))
def test_any_json_object_gives_a_value_or_a_named_field(body: dict[str, object]) -> None:
    text = json.dumps(body).encode()
    if code_of(text, DocumentRequest) == "invalid_body":
        assert refusal(text, DocumentRequest).details["field"] in ("documentId", "dealId", "operation", "x")
