"""A fake Claude API over real HTTP, as strict about requests as the real one.

    with fake_claude() as claude:
        claude.script(rate_limited(7), answer({"title": "Lease"}))
        ...                       # talk to claude.url with the key FAKE_KEY
        claude.requests[0].body   # what was asked

Scripted behaviours are used up in order. After them every request gets ``claude.answerer(body)``: a function of the
request's JSON that returns the answer's JSON; by default the smallest answer its schema allows.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fakes.json_schemas import SchemaRefused, check_schema, smallest_answer
from fakes.serving import serving

FAKE_KEY = "sk-ant-fake-key"

Json = dict[str, Any]
Behaviour = Callable[[Request, "MessageRequest"], Response]
Answerer = Callable[[Json], Json]


def _model(name: str, lifecycle: str, *, window: int, writes: int, retires_at: str | None = None) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-06-01T00:00:00Z",
        "lifecycle": lifecycle,
        "retires_at": retires_at,
        "max_input_tokens": window,
        "max_tokens": writes,
    }


MODELS: Mapping[str, Json] = {
    model["id"]: model
    for model in (
        _model("claude-haiku-5-5", "active", window=1_000_000, writes=128_000),
        _model("claude-sonnet-5-5", "active", window=1_000_000, writes=128_000),
        _model("claude-opus-5-5", "active", window=1_000_000, writes=128_000),
        _model("claude-sonnet-4-5", "deprecated", window=200_000, writes=64_000, retires_at="2026-11-30T00:00:00Z"),
        _model("claude-3-opus", "retired", window=200_000, writes=4_096, retires_at="2026-01-05T00:00:00Z"),
    )
}

_PARAMETERS = {
    "cache_control",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
_CACHE_MINIMUM_TOKENS = 512
_CACHE_BREAKPOINTS = 4


# --- what the site can be told to do ----------------------------------------------------------------------------------


def answer(value: Json) -> Behaviour:
    """Answers with this JSON, whatever the schema says."""
    return text(json.dumps(value))


def text(written: str, *, stop_reason: str = "end_turn") -> Behaviour:
    """The model writes exactly this."""
    return lambda _, asked: _message(asked, written, stop_reason)


def refusal() -> Behaviour:
    return text("", stop_reason="refusal")


def out_of_tokens() -> Behaviour:
    """Stops in the middle of its JSON, at ``max_tokens``."""
    return text('{"titl', stop_reason="max_tokens")


def context_window_exceeded() -> Behaviour:
    return text("", stop_reason="model_context_window_exceeded")


def prompt_too_long() -> Behaviour:
    """Refuses the request, as the API does when the prompt alone is over the window."""
    return status(400, "invalid_request_error", message="prompt is too long: 1000001 tokens > 1000000 maximum")


def rate_limited(retry_after: float | str | None = None, *, error_code: str | None = None) -> Behaviour:
    return status(429, "rate_limit_error", retry_after=retry_after, error_code=error_code)


def overloaded(retry_after: float | str | None = None) -> Behaviour:
    return status(529, "overloaded_error", retry_after=retry_after)


def status(
    code: int,
    kind: str = "api_error",
    *,
    message: str = "scripted",
    retry_after: float | str | None = None,
    error_code: str | None = None,
) -> Behaviour:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return lambda _, asked: _error(code, kind, message, asked.request_id, headers=headers, error_code=error_code)


def reshaped(**changes: object) -> Behaviour:
    """A complete and valid reply but for these members, which are not what the API documents."""

    def behave(_: Request, asked: MessageRequest) -> Response:
        whole: Json = json.loads(bytes(_message(asked, "{}", "end_turn").body))
        return JSONResponse(whole | changes, headers={"request-id": asked.request_id})

    return behave


def garbled() -> Behaviour:
    """A complete response whose body is half a JSON document."""

    def behave(_: Request, asked: MessageRequest) -> Response:
        whole = bytes(_message(asked, "{}", "end_turn").body)
        return Response(whole[: len(whole) // 2], media_type="application/json")

    return behave


def foreign_page() -> Behaviour:
    """What a captive portal or a wrong address says: a fine HTML page."""
    return lambda _, __: Response("<html><body>Welcome</body></html>", media_type="text/html")


def cut_off() -> Behaviour:
    """Breaks the connection in the middle of the body."""

    async def body() -> AsyncIterator[bytes]:
        yield b'{"id": "msg_1", "content": ['
        raise ConnectionAbortedError("scripted")

    return lambda _, __: StreamingResponse(body(), media_type="application/json")


def hang() -> Behaviour:
    """Says nothing until the client gives up."""
    return lambda _, __: _Silence()


class _Silence(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


# --- the site ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageRequest:
    """One request as it arrived, and the token counts the site makes of it."""

    body: Json
    headers: Mapping[str, str]
    request_id: str
    usage: Json


class FakeClaude:
    """The running site. ``url`` is its base URL; ``requests`` are the messages asked for, oldest first."""

    def __init__(self, *, answerer: Answerer | None = None) -> None:
        self.url = ""
        self.requests: list[MessageRequest] = []
        self.answerer: Answerer = answerer or _smallest
        self._script: deque[Behaviour] = deque()
        self._models_script: deque[Behaviour] = deque()
        self._window: tuple[int, Behaviour] | None = None
        self._ids = itertools.count(1)
        self._cached: set[str] = set()

    def forget(self) -> None:
        """As if just started: no script, no requests, an empty prompt cache, the default answerer."""
        self.requests.clear()
        self.answerer = _smallest
        self._script.clear()
        self._models_script.clear()
        self._window = None
        self._cached.clear()

    def script(self, *behaviours: Behaviour) -> None:
        """The next questions get these, one each."""
        self._script.extend(behaviours)

    def narrow(self, window: int, beyond: Behaviour) -> None:
        """Questions of more than ``window`` tokens get ``beyond``, until told otherwise."""
        self._window = (window, beyond)

    def script_models(self, *behaviours: Behaviour) -> None:
        """The next requests about models get these, one each."""
        self._models_script.extend(behaviours)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self._count_tokens, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{model}", self._model),
            ]
        )

    async def _messages(self, request: Request) -> Response:
        request_id = f"req_{next(self._ids):06d}"
        refused = _unauthorised(request, request_id)
        if refused is not None:
            return refused
        body = await request.json()
        try:
            _check(body)
        except (_Wrong, SchemaRefused) as exc:
            return _error(400, "invalid_request_error", str(exc), request_id)
        if body["model"] not in MODELS or MODELS[body["model"]]["lifecycle"] == "retired":
            return _error(404, "not_found_error", f"model: {body['model']}", request_id)
        asked = MessageRequest(body, dict(request.headers), request_id, self._input_usage(body))
        self.requests.append(asked)
        if self._script:
            return self._script.popleft()(request, asked)
        if self._window is not None and sum(map(_tokens, _blocks(body))) > self._window[0]:
            return self._window[1](request, asked)
        return _message(asked, json.dumps(self.answerer(body)), "end_turn")

    async def _count_tokens(self, request: Request) -> Response:
        refused = _unauthorised(request, "req_count")
        if refused is not None:
            return refused
        tokens = sum(_tokens(block) for block in _blocks(await request.json()))
        return JSONResponse({"input_tokens": tokens})

    async def _models(self, request: Request) -> Response:
        listed = list(MODELS.values())
        page = {"data": listed, "has_more": False, "first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
        return _unauthorised(request, "req_models") or self._scripted(request) or JSONResponse(page)

    async def _model(self, request: Request) -> Response:
        refused = _unauthorised(request, "req_model") or self._scripted(request)
        if refused is not None:
            return refused
        found = MODELS.get(request.path_params["model"])
        return JSONResponse(found) if found else _error(404, "not_found_error", "model not found", "req_model")

    def _scripted(self, request: Request) -> Response | None:
        if not self._models_script:
            return None
        return self._models_script.popleft()(request, MessageRequest({}, dict(request.headers), "req_models", {}))

    def _input_usage(self, body: Json) -> Json:
        """Prompt caching: the longest marked prefix seen before is read, what is marked beyond it is written."""
        seen, marked, total = 0, 0, 0
        prefix = hashlib.sha256(json.dumps([body["model"], body.get("output_config")]).encode())
        for block in _blocks(body):
            total += _tokens(block)
            prefix.update(json.dumps({k: v for k, v in block.items() if k != "cache_control"}).encode())
            if "cache_control" in block and total >= _CACHE_MINIMUM_TOKENS:
                marked = total
                seen = total if prefix.hexdigest() in self._cached else seen
                self._cached.add(prefix.hexdigest())
        return {
            "input_tokens": total - marked,
            "cache_creation_input_tokens": marked - seen,
            "cache_read_input_tokens": seen,
        }


@contextmanager
def fake_claude(answerer: Answerer | None = None) -> Iterator[FakeClaude]:
    """A site of its own for as long as the block runs."""
    site = FakeClaude(answerer=answerer)
    with serving(site.app()) as url:
        site.url = url
        yield site


def _smallest(body: Json) -> Json:
    value: Json = smallest_answer(body["output_config"]["format"]["schema"])
    return value


# --- how it judges a request ------------------------------------------------------------------------------------------


class _Wrong(Exception):
    """Why the API answers 400."""


def _unauthorised(request: Request, request_id: str) -> Response | None:
    given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    if given != FAKE_KEY:
        return _error(401, "authentication_error", "invalid x-api-key", request_id)
    if not request.headers.get("anthropic-version"):
        return _error(400, "invalid_request_error", "anthropic-version: header is required", request_id)
    return None


def _check(body: object) -> None:
    if not isinstance(body, dict):
        raise _Wrong("body: must be an object")
    for name in body.keys() - _PARAMETERS:
        raise _Wrong(f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise _Wrong(f"{name}: Field required")
    limit = MODELS.get(body["model"], {}).get("max_tokens", 128_000)
    if not isinstance(body["max_tokens"], int) or not 1 <= body["max_tokens"] <= limit:
        raise _Wrong(f"max_tokens: must be between 1 and {limit}")
    _check_messages(body["messages"])
    blocks = list(_blocks(body))
    for block in blocks:
        _check_block(block)
    if sum("cache_control" in block for block in blocks) > _CACHE_BREAKPOINTS:
        raise _Wrong(f"cache_control: at most {_CACHE_BREAKPOINTS} blocks may be marked")
    _check_output_config(body.get("output_config", {}))


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages:
        raise _Wrong("messages: at least one message is required")
    for message in messages:
        if not isinstance(message, dict) or message.keys() != {"role", "content"}:
            raise _Wrong("messages: each needs role and content, and nothing else")
        if message["role"] not in ("user", "assistant"):
            raise _Wrong("messages: role must be user or assistant")
    if messages[0]["role"] != "user":
        raise _Wrong("messages: the first must be the user's")
    if messages[-1]["role"] != "user":
        raise _Wrong("messages: this model does not support assistant message prefill")


def _check_block(block: Json) -> None:
    if block.keys() - {"type", "text", "cache_control"} or block.get("type") != "text":
        raise _Wrong("content: only plain text blocks")
    if not isinstance(block.get("text"), str) or not block["text"].strip():
        raise _Wrong("content: text blocks must contain non-whitespace text")
    mark = block.get("cache_control", {"type": "ephemeral"})
    if mark.get("type") != "ephemeral" or mark.get("ttl", "5m") not in ("5m", "1h"):
        raise _Wrong("cache_control: unknown type or ttl")


def _check_output_config(config: object) -> None:
    if not isinstance(config, dict) or config.keys() - {"effort", "format"}:
        raise _Wrong("output_config: Extra inputs are not permitted")
    if config.get("effort", "low") not in ("low", "medium", "high", "xhigh", "max"):
        raise _Wrong("output_config.effort: unknown")
    wanted = config.get("format")
    if wanted is not None:
        if not isinstance(wanted, dict) or wanted.keys() != {"type", "schema"} or wanted["type"] != "json_schema":
            raise _Wrong("output_config.format: must be a json_schema with a schema")
        check_schema(wanted["schema"])


def _blocks(body: Json) -> Iterator[Json]:
    """All text blocks in the order the model reads them: system, then messages."""
    yield from _as_blocks(body.get("system", []))
    for message in body["messages"]:
        yield from _as_blocks(message["content"])


def _as_blocks(content: str | Sequence[Json]) -> Sequence[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tokens(block: Json) -> int:
    return -(-len(block["text"]) // 4)


# --- how it answers ---------------------------------------------------------------------------------------------------

_RATE_LIMIT_HEADERS = {
    f"anthropic-ratelimit-{what}-{part}": value
    for what in ("requests", "tokens", "input-tokens", "output-tokens")
    for part, value in (("limit", "1000"), ("remaining", "999"), ("reset", "2026-01-05T09:00:00Z"))
}


def _message(asked: MessageRequest, written: str, stop_reason: str) -> JSONResponse:
    body = {
        "id": asked.request_id.replace("req", "msg"),
        "type": "message",
        "role": "assistant",
        "model": asked.body["model"],
        "content": [
            {"type": "thinking", "thinking": "", "signature": "fake"},
            *([{"type": "text", "text": written}] if written else []),
        ],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {**asked.usage, "output_tokens": -(-len(written) // 4), "service_tier": "standard"},
    }
    return JSONResponse(body, headers={"request-id": asked.request_id, **_RATE_LIMIT_HEADERS})


def _error(
    code: int,
    kind: str,
    message: str,
    request_id: str,
    *,
    headers: Mapping[str, str] | None = None,
    error_code: str | None = None,
) -> JSONResponse:
    error: Json = {"type": kind, "message": message}
    if error_code is not None:
        error["details"] = {"error_code": error_code}
    body = {"type": "error", "error": error, "request_id": request_id}
    return JSONResponse(body, status_code=code, headers={"request-id": request_id, **(headers or {})})
