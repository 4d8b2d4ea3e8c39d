"""What holds for every request: error shape, request ids, headers, limits, and who is let in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dealpulse.errors import Permanent, RateLimited, Transient
from dealpulse.settings import Settings
from dealpulse.web.api import ENDPOINTS
from dealpulse.web.app import build_app
from dealpulse.web.errors import HANDLERS
from dealpulse.web.middleware import BodyLimit, RequestFrame

Serve = Callable[[ASGIApp], AbstractAsyncContextManager[httpx.AsyncClient]]


def assert_fault(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    body = answer.json()
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["code"] == code
    assert "Traceback" not in answer.text


# --- through the whole API --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/api/deals/", "/api/queue/stats/", "/api/../etc"])
async def test_an_unknown_path_is_told_in_the_error_shape(api: httpx.AsyncClient, path: str) -> None:
    assert_fault(await api.get(path), 404, "unknown_path")


async def test_a_wrong_method_is_told_the_right_ones(api: httpx.AsyncClient) -> None:
    answer = await api.put("/api/deals", json={})
    assert_fault(answer, 405, "method_not_allowed")
    assert answer.json()["error"]["details"]["allowed"] == ["GET", "HEAD", "POST"]
    assert_fault(await api.get("/api/queue/trigger-daily-briefs"), 405, "method_not_allowed")


async def test_head_answers_as_get_without_a_body(api: httpx.AsyncClient) -> None:
    answer = await api.head("/api/deals")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_malformed_json_is_told_whatever_the_content_type(api: httpx.AsyncClient) -> None:
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = await api.post("/api/deals", content=b"{", headers={"content-type": content_type})
        assert_fault(answer, 400, "malformed_json")


async def test_a_body_over_the_limit_is_413_announced_or_not(
    api: httpx.AsyncClient, jobs_in_redis: Callable[[], Awaitable[int]]
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 1000

    for path in ("/api/queue/daily-brief", "/api/webhooks/gdrive"):
        assert_fault(await api.post(path, content=b" " * 30_000), 413, "body_too_large")
        assert_fault(await api.post(path, content=chunks()), 413, "body_too_large")
    assert_fault(await api.post("/api/queue/trigger-daily-briefs", content=b" " * 30_000), 413, "body_too_large")
    assert await jobs_in_redis() == 0


async def test_every_answer_carries_a_request_id_and_guarding_headers(api: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/api/queue/stats", "/api/nothing"):
        headers = (await api.get(path)).headers
        assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given_id", "kept"), [("app-42.a_b", True), ("a b", False), ("x" * 65, False), ('"><script>', False), ("", False)]
)
async def test_a_plain_request_id_is_kept_and_any_other_replaced(
    api: httpx.AsyncClient, given_id: str, kept: bool
) -> None:
    answer = await api.get("/healthz", headers={"x-request-id": given_id})
    assert (answer.headers["x-request-id"] == given_id) is kept


async def test_the_probes_and_the_index_are_open_and_say_what_runs(api: httpx.AsyncClient, settings: Settings) -> None:
    assert (await api.get("/healthz")).json() == {"status": "ok", "version": settings.version}
    ready = await api.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "checks": {"redis": "ok", "supabase": "ok"}},
    )
    assert (await api.get("/")).json()["links"]["stats"] == "/api/queue/stats"


@pytest.mark.parametrize(
    ("given_headers", "status"),
    [
        ({}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example"}, 403),
        ({"x-forwarded-for": "203.0.113.9"}, 401),
    ],
)
async def test_the_loopback_waiver_covers_programs_and_not_pages(
    api: httpx.AsyncClient, given_headers: dict[str, str], status: int
) -> None:
    answer = await api.post("/api/queue/trigger-daily-briefs", headers=given_headers)
    assert answer.status_code == status


async def test_without_a_token_nothing_below_api_is_answered(clean_environment: dict[str, str], serve: Serve) -> None:
    tokens = ("first-token-0123456789", "second-token-0123456789")
    settings = Settings.load(environ={**clean_environment, "API_TOKENS": ",".join(tokens)})
    async with serve(build_app(settings)) as client:
        for endpoint in ENDPOINTS:
            path = "/api" + re.sub(r"\{\w+\}", "x", endpoint.path)
            assert_fault(await client.request(endpoint.method, path), 401, "missing_token")
        assert_fault(await client.get("/api/nothing"), 401, "missing_token")
        assert (await client.get("/healthz")).status_code == 200
        for token in tokens:
            answer = await client.get("/api/queue/stats", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200


async def test_with_no_token_configured_the_setting_is_named(clean_environment: dict[str, str], serve: Serve) -> None:
    async with serve(build_app(Settings.load(environ=clean_environment))) as client:
        answer = await client.get("/api/queue/stats")
        assert_fault(answer, 401, "no_token_configured")
        assert "API_TOKENS" in answer.json()["error"]["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["dealId", "documentId", "emailId", "operation", "sourceType", "syncType", "date", "changes", "name", "type"]
BODIES = st.binary(max_size=80) | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5).map(
    lambda value: json.dumps(value).encode()
)
POSTS = sorted("/api" + re.sub(r"\{\w+\}", "x", endpoint.path) for endpoint in ENDPOINTS if endpoint.takes is not None)


@hypothesis_settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(POSTS), body=BODIES)
async def test_no_body_whatsoever_breaks_the_api_or_enqueues(
    api: httpx.AsyncClient, jobs_in_redis: Callable[[], Awaitable[int]], path: str, body: bytes
) -> None:
    answer = await api.post(path, content=body)
    assert answer.status_code in (200, 201, 400, 404)
    assert answer.is_success or answer.json()["success"] is False
    assert await jobs_in_redis() == 0


# --- the middlewares alone --------------------------------------------------------------------------------------------


async def _secret_fault(_: Request) -> Response:
    raise RuntimeError("password=hunter2")


async def _busy(_: Request) -> Response:
    raise RateLimited("Too many at once.", bucket="x", retry_after=41.2)


async def _away(_: Request) -> Response:
    raise Transient("Not now.")


async def _broken(_: Request) -> Response:
    raise Permanent("The database has no table deals; run dealpulse migrate.", code="missing_table")


async def _too_large(_: Request) -> Response:
    raise Permanent("The file is larger than the storage bucket allows.", code="too_large")


async def _echo(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


@pytest.fixture
async def bare(serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    routes = [
        Route("/secret", _secret_fault),
        Route("/busy", _busy),
        Route("/away", _away),
        Route("/broken", _broken),
        Route("/too-large", _too_large),
        Route("/echo", _echo, methods=["POST"], middleware=[Middleware(BodyLimit, limit=1000)]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(RequestFrame)], exception_handlers=HANDLERS)
    async with serve(app) as client:
        yield client


async def test_what_nobody_foresaw_tells_the_caller_only_the_request_id(bare: httpx.AsyncClient) -> None:
    answer = await bare.get("/secret", headers={"x-request-id": "abc-1"})
    assert_fault(answer, 500, "internal_error")
    assert answer.json()["error"]["details"] == {"requestId": "abc-1"}
    assert "hunter2" not in answer.text
    assert answer.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize(("path", "code", "seconds"), [("/busy", "rate_limited", 42), ("/away", "transient", 5)])
async def test_what_passes_is_503_and_says_when_to_come_again(
    bare: httpx.AsyncClient, path: str, code: str, seconds: int
) -> None:
    answer = await bare.get(path)
    assert_fault(answer, 503, code)
    assert answer.headers["retry-after"] == str(seconds)
    assert answer.json()["error"]["details"] == {"retryAfter": seconds}


async def test_a_file_the_bucket_refuses_as_too_large_is_413(bare: httpx.AsyncClient) -> None:
    assert_fault(await bare.get("/too-large"), 413, "too_large")


async def test_what_does_not_pass_is_500_with_its_code(bare: httpx.AsyncClient) -> None:
    assert_fault(await bare.get("/broken"), 500, "missing_table")


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
async def test_a_body_up_to_the_limit_is_read_whole(bare: httpx.AsyncClient, size: int) -> None:
    assert (await bare.post("/echo", content=b"x" * size)).json() == size


async def test_a_caller_who_hangs_up_halfway_leaves_the_server_answering(bare: httpx.AsyncClient) -> None:
    _, writer = await asyncio.open_connection("localhost", bare.base_url.port)
    writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await bare.post("/echo", content=b"x")).json() == 1
