"""The fake Claude API refuses what the real one refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from fakes.claude import FAKE_KEY, FakeClaude
from fakes.json_schemas import MAX_OPTIONAL_PROPERTIES, SchemaRefused, check_schema, smallest_answer

HEADERS = {"x-api-key": FAKE_KEY, "anthropic-version": "2023-06-01"}
CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
BODY: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Read."}],
    "output_config": {"format": {"type": "json_schema", "schema": CLOSED}},
}


def post(claude: FakeClaude, body: object, headers: dict[str, str] = HEADERS) -> httpx.Response:
    return httpx.post(f"{claude.url}/v1/messages", json=body, headers=headers)


def test_a_correct_request_is_answered_with_rate_limit_and_request_id(claude: FakeClaude) -> None:
    response = post(claude, BODY)
    assert response.status_code == 200
    assert response.headers["request-id"].startswith("req_")
    assert "anthropic-ratelimit-tokens-remaining" in response.headers
    assert response.json()["content"][-1] == {"type": "text", "text": "{}"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"temperature": 0}, "temperature"),
        ({"top_p": 1}, "top_p"),
        ({"output_format": {}}, "output_format"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Sure"}]}, "user"),
        ({"messages": [*BODY["messages"], {"role": "assistant", "content": "{"}]}, "prefill"),
        ({"messages": [{"role": "user", "content": "  "}]}, "non-whitespace"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "schema"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, "additionalProperties"),
    ],
)
def test_a_wrong_request_is_refused_by_name(claude: FakeClaude, change: dict[str, Any], named: str) -> None:
    response = post(claude, {**BODY, **change})
    assert response.status_code == 400
    assert named in response.json()["error"]["message"]
    assert claude.requests == []


def test_a_request_without_the_right_key_or_version_is_refused(claude: FakeClaude) -> None:
    assert post(claude, BODY, {**HEADERS, "x-api-key": "wrong"}).status_code == 401
    assert post(claude, BODY, {"x-api-key": FAKE_KEY}).status_code == 400
    assert post(claude, {**BODY, "model": "claude-3-opus"}).status_code == 404


def test_the_answerer_gets_the_request_and_writes_the_answer(claude: FakeClaude) -> None:
    claude.answerer = lambda body: {"asked": body["messages"][0]["content"]}
    assert post(claude, BODY).json()["content"][-1]["text"] == '{"asked": "Read."}'


def test_tokens_can_be_counted(claude: FakeClaude) -> None:
    body = {"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": "x" * 40}]}
    response = httpx.post(f"{claude.url}/v1/messages/count_tokens", json=body, headers=HEADERS)
    assert response.json() == {"input_tokens": 10}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "integer", "minimum": 1},
        {"type": "string", "maxLength": 3},
        {"type": "string", "format": "text"},
        {"type": "array", "items": {"type": "string"}, "minItems": 2},
        {"type": "object", "properties": {}},
        {},
        {"$ref": "#/$defs/Missing"},
    ],
)
def test_a_schema_beyond_what_structured_output_supports_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(SchemaRefused):
        check_schema({**CLOSED, "properties": {"part": part}, "required": ["part"]})


def test_a_recursive_schema_is_refused() -> None:
    node = {**CLOSED, "properties": {"next": {"$ref": "#/$defs/Node"}}, "required": ["next"]}
    with pytest.raises(SchemaRefused, match="recursive"):
        check_schema({**CLOSED, "properties": {"root": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}})


def test_a_schema_with_too_many_optional_properties_is_refused() -> None:
    properties = {f"p{n}": {"type": "string"} for n in range(MAX_OPTIONAL_PROPERTIES + 1)}
    check_schema({**CLOSED, "properties": properties, "required": ["p0"]})
    with pytest.raises(SchemaRefused, match="optional"):
        check_schema({**CLOSED, "properties": properties})


def test_the_smallest_answer_fits_its_schema() -> None:
    from datetime import date
    from enum import StrEnum

    import anthropic

    class Kind(StrEnum):
        lease = "lease"

    class Part(BaseModel):
        number: int
        kind: Kind

    class Whole(BaseModel):
        title: str
        signed_on: date
        score: float
        binding: bool
        owner: str | None
        first: Part
        parts: list[Part]

    schema = anthropic.transform_schema(Whole)
    check_schema(schema)
    assert Whole.model_validate(smallest_answer(schema)).first == Part(number=1, kind=Kind.lease)
