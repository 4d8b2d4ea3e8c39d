"""What tokens, users of the app and operators may do, and what is written down of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealpulse.errors import Unavailable
from dealpulse.local.stack import Stack
from dealpulse.models import ApiToken, Deal, Document
from dealpulse.queue import QueueClient
from dealpulse.settings import Secret, Settings
from dealpulse.store import Store
from dealpulse.web.access.identity import Scope
from dealpulse.web.access.rates import Rates
from dealpulse.web.access.tokens import FRESH_SECONDS, TRUSTED_SECONDS, IssuedTokens, digest_of, new_token
from dealpulse.web.access.users import NotOurs, UserTokens
from dealpulse.web.api import ENDPOINTS
from dealpulse.web.app import build_app
from web.conftest import Serve

ADMIN = "admin-token-0123456789"
ANNA = str(uuid.UUID(int=7))


@pytest.fixture
def guarded(clean_stack: Stack) -> dict[str, str]:
    """A deployment with a door: an admin's token, and the stack's own users."""
    return {
        **clean_stack.environment(),
        "API_TOKENS": f"root:admin:{ADMIN}",
        "SUPABASE_JWT_SECRET": clean_stack.jwt_secret,
    }


@pytest.fixture
async def api(guarded: dict[str, str], serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(build_app(Settings.load(environ=guarded))) as client:
        yield client


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def user_token(stack: Stack, **claims: Any) -> str:
    told = {
        "sub": ANNA,
        "aud": "authenticated",
        "role": "authenticated",
        "exp": datetime.now(UTC) + timedelta(hours=1),
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None}, stack.jwt_secret, algorithm="HS256"
    )


async def made(api: httpx.AsyncClient, scope: Scope) -> str:
    answer = await api.post("/api/tokens", json={"name": scope.value, "scope": scope.value}, headers=bearing(ADMIN))
    assert answer.status_code == 201
    return str(answer.json()["token"])


# --- scopes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_token_reaches_what_its_scope_contains_and_nothing_else(api: httpx.AsyncClient, scope: Scope) -> None:
    headers = bearing(await made(api, scope))
    for endpoint in ENDPOINTS:
        path = "/api" + endpoint.path.replace("{", "").replace("}", "")
        # Streamed: one of them never ends.
        async with api.stream(endpoint.method, path, headers=headers) as answer:
            told = await answer.aread() if answer.status_code == 403 else b""
        refused = b'"insufficient_scope"' in told
        assert refused is not scope.contains(endpoint.scope), (endpoint.method, endpoint.path, told)


async def test_a_token_is_kept_as_a_digest_and_listed_without_it(api: httpx.AsyncClient, store: Store) -> None:
    token = await made(api, Scope.read)
    listed = await api.get("/api/tokens", headers=bearing(ADMIN))
    assert [one["name"] for one in listed.json()["tokens"]] == ["read"]
    assert token not in listed.text
    assert digest_of(token.encode()) not in listed.text
    used = await store.tokens.used(digest_of(token.encode()))
    assert used is not None
    assert used.scope == "read"


async def test_a_revoked_or_expired_token_is_none(api: httpx.AsyncClient, store: Store) -> None:
    token = await made(api, Scope.read)
    (kept,) = await store.tokens.all()
    assert (await api.delete(f"/api/tokens/{kept.id}", headers=bearing(ADMIN))).status_code == 200
    assert (await api.get("/api/deals", headers=bearing(token))).status_code == 401
    past = datetime.now(UTC) - timedelta(seconds=1)
    await store.tokens.add(name="old", scope="admin", digest=digest_of(b"dp_old"), expires_at=past)
    assert (await api.get("/api/deals", headers=bearing("dp_old"))).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": " "},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"name": "x", "scope": "god"},
        {"name": "x", "expiresAt": "2020-01-01T00:00:00Z"},
        {"name": "x", "expiresAt": "2050-01-01T00:00:00"},
    ],
)
async def test_a_token_that_makes_no_sense_is_not_made(
    api: httpx.AsyncClient, store: Store, body: dict[str, str]
) -> None:
    assert (await api.post("/api/tokens", json=body, headers=bearing(ADMIN))).status_code == 400
    assert await store.tokens.all() == []


class Register:
    """A register that may be away."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked = 0
        self.away = False

    async def used(self, digest: str) -> ApiToken | None:
        self.asked += 1
        if self.away:
            raise Unavailable("away", dependency="supabase")
        name = self.kept.get(digest)
        now = datetime.now(UTC)
        return None if name is None else ApiToken(id="1", name=name, scope="read", created_at=now)


async def test_the_register_is_asked_once_in_a_while_and_a_known_token_outlives_its_absence() -> None:
    now, register, token = 0.0, Register(), new_token().encode()
    register.kept[digest_of(token)] = "app"
    tokens = IssuedTokens(register, clock=lambda: now)
    for _ in range(3):
        assert (await tokens.identity(token)) is not None
    assert register.asked == 1
    register.away, now = True, FRESH_SECONDS + 1
    assert (await tokens.identity(token)) is not None
    now = TRUSTED_SECONDS + 1
    with pytest.raises(Unavailable):
        await tokens.identity(token)
    with pytest.raises(Unavailable):
        await tokens.identity(new_token().encode())


async def test_what_is_no_token_of_ours_asks_nobody() -> None:
    register = Register()
    assert await IssuedTokens(register).identity(b"eyJhbGciOiJIUzI1NiJ9.e30.x") is None
    assert register.asked == 0


# --- users of the app -------------------------------------------------------------------------------------------------


async def test_a_user_sees_their_own_deals_and_no_other(
    api: httpx.AsyncClient, clean_stack: Stack, store: Store, deal: Deal, document: Document
) -> None:
    theirs = await store.deals.create("Theirs")
    await store.deals.add_member(theirs.id, ANNA, "member")
    headers = bearing(user_token(clean_stack))
    assert [one["name"] for one in (await api.get("/api/deals", headers=headers)).json()["deals"]] == ["Theirs"]
    assert (await api.get(f"/api/deals/{theirs.id}", headers=headers)).status_code == 200
    assert (await api.get(f"/api/deals/{theirs.id.upper()}/documents", headers=headers)).status_code == 200
    for path in (f"deals/{deal.id}", f"deals/{deal.id}/documents", f"documents/{document.id}", f"deals/{uuid.uuid4()}"):
        assert (await api.get(f"/api/{path}", headers=headers)).status_code == 404, path


async def test_a_user_asks_for_work_on_their_own_deals_only(
    api: httpx.AsyncClient, clean_stack: Stack, store: Store, deal: Deal, queue: QueueClient
) -> None:
    theirs = await store.deals.create("Theirs")
    await store.deals.add_member(theirs.id, ANNA, "member")
    headers = bearing(user_token(clean_stack))
    assert (await api.post("/api/queue/daily-brief", json={"dealId": deal.id}, headers=headers)).status_code == 404
    assert sum(one.waiting for one in (await queue.stats()).values()) == 0
    asked = await api.post("/api/queue/daily-brief", json={"dealId": theirs.id}, headers=headers)
    assert asked.status_code == 200
    job_id = asked.json()["jobId"]
    assert (await api.get(f"/api/jobs/{job_id}", headers=headers)).status_code == 200
    other = await api.post("/api/queue/daily-brief", json={"dealId": deal.id}, headers=bearing(ADMIN))
    assert (await api.get(f"/api/jobs/{other.json()['jobId']}", headers=headers)).status_code == 404


async def test_what_is_about_no_deal_is_closed_to_users(api: httpx.AsyncClient, clean_stack: Stack) -> None:
    headers = bearing(user_token(clean_stack))
    for endpoint in ENDPOINTS:
        if endpoint.about is None:
            path = "/api" + endpoint.path.replace("{", "").replace("}", "")
            answer = await api.request(endpoint.method, path, headers=headers)
            assert answer.status_code == 403, (endpoint.method, endpoint.path)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": datetime.now(UTC) - timedelta(minutes=1)},
        {"aud": "anon"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"role": "anon"},
        {"role": "service_role"},
    ],
)
async def test_a_token_of_no_signed_in_user_is_refused(
    api: httpx.AsyncClient, clean_stack: Stack, claims: dict[str, Any]
) -> None:
    answer = await api.get("/api/deals", headers=bearing(user_token(clean_stack, **claims)))
    assert answer.status_code == 401


async def test_a_token_signed_otherwise_is_refused(api: httpx.AsyncClient, clean_stack: Stack) -> None:
    claims = jwt.decode(user_token(clean_stack), options={"verify_signature": False})
    forged = (jwt.encode(claims, "another secret, long enough to sign with", "HS256"), jwt.encode(claims, "", "none"))
    for token in (*forged, clean_stack.service_role_key, clean_stack.anon_key):
        assert (await api.get("/api/deals", headers=bearing(token))).status_code == 401


class KeySite:
    """Where a project publishes its keys."""

    def __init__(self) -> None:
        self.private: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.asked = 0
        self.broken = False

    def new_key(self, name: str) -> None:
        self.private[name] = ec.generate_private_key(ec.SECP256R1())

    def token(self, name: str) -> str:
        expires = datetime.now(UTC) + timedelta(hours=1)
        claims = {"sub": ANNA, "aud": "authenticated", "role": "authenticated", "exp": expires}
        return jwt.encode(claims, self.private[name], "ES256", headers={"kid": name})

    async def answer(self, _: Request) -> Response:
        self.asked += 1
        if self.broken:
            return JSONResponse({}, status_code=500)
        keys = [
            {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "alg": "ES256", "use": "sig"}
            for name, key in self.private.items()
        ]
        return JSONResponse({"keys": keys})


async def test_published_keys_verify_are_rotated_and_outlive_an_outage(serve: Serve) -> None:
    site, now = KeySite(), 0.0
    site.new_key("one")
    async with serve(Starlette(routes=[Route("/jwks.json", site.answer)])) as http:
        users = UserTokens(secret=None, keys_url="/jwks.json", http=http, clock=lambda: now)
        for _ in range(3):
            assert (await users.identity(site.token("one"))).user_id == ANNA
        assert site.asked == 1
        site.new_key("two")
        now = 11.0
        assert (await users.identity(site.token("two"))).user_id == ANNA
        stranger = KeySite()
        stranger.new_key("three")
        for _ in range(3):
            with pytest.raises(NotOurs):
                await users.identity(stranger.token("three"))
        assert site.asked == 2
        site.broken, now = True, 1000.0
        assert (await users.identity(site.token("two"))).user_id == ANNA


async def test_without_keys_ever_fetched_users_are_asked_to_come_again(serve: Serve) -> None:
    site = KeySite()
    site.new_key("one")
    site.broken = True
    async with serve(Starlette(routes=[Route("/jwks.json", site.answer)])) as http:
        with pytest.raises(Unavailable):
            await UserTokens(secret=None, keys_url="/jwks.json", http=http).identity(site.token("one"))


async def test_a_shared_secret_verifies_no_token_where_none_is_set(serve: Serve) -> None:
    site = KeySite()
    async with serve(Starlette(routes=[Route("/jwks.json", site.answer)])) as http:
        token = jwt.encode({"sub": ANNA}, "a guess of the secret, long enough", "HS256")
        with pytest.raises(NotOurs):
            await UserTokens(secret=None, keys_url="/jwks.json", http=http).identity(token)
        with pytest.raises(NotOurs):
            await UserTokens(secret=Secret("s" * 40), keys_url="/jwks.json", http=http).identity(token)


# --- rates, origins, the audit log ------------------------------------------------------------------------------------


def test_a_caller_has_a_burst_and_then_a_rate() -> None:
    now = 0.0
    rates = Rates(60, clock=lambda: now)
    assert [rates.take("a") for _ in range(10)] == [0.0] * 10
    assert rates.take("a") == pytest.approx(1.0)
    assert rates.take("b") == 0.0
    now = 1.0
    assert rates.take("a") == 0.0
    assert rates.take("a") == pytest.approx(1.0)
    assert [Rates(0).take("a") for _ in range(1000)] == [0.0] * 1000


async def test_one_request_too_many_is_told_when_to_come_again(guarded: dict[str, str], serve: Serve) -> None:
    async with serve(build_app(Settings.load(environ={**guarded, "API_RATE_PER_MINUTE": "6"}))) as api:
        first = await api.get("/api/deals", headers=bearing(ADMIN))
        second = await api.get("/api/deals", headers=bearing(ADMIN))
    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]["code"]) == (429, "too_many_requests")
    assert 1 <= int(second.headers["retry-after"]) <= 10


async def test_pages_of_other_origins_are_answered_only_where_they_are_named(
    guarded: dict[str, str], serve: Serve, api: httpx.AsyncClient
) -> None:
    asked = {"origin": "https://app.example.com", "access-control-request-method": "GET"}
    assert "access-control-allow-origin" not in (await api.options("/api/deals", headers=asked)).headers
    open_to = {**guarded, "API_CORS_ORIGINS": "https://app.example.com"}
    async with serve(build_app(Settings.load(environ=open_to))) as opened:
        allowed = await opened.options("/api/deals", headers=asked)
        refused = await opened.options("/api/deals", headers={**asked, "origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in refused.headers


async def test_what_an_operator_did_is_written_down_whether_it_worked_or_not(
    api: httpx.AsyncClient, deal: Deal
) -> None:
    headers = {**bearing(ADMIN), "x-request-id": "trace-9"}
    await api.post("/api/queue/document/pause", headers=headers)
    await api.post("/api/jobs/nothing/cancel", headers=headers)
    await api.post("/api/queue/daily-brief", json={"dealId": deal.id}, headers=headers)
    entries = (await api.get("/api/audit", headers=bearing(ADMIN))).json()["entries"]
    told = [(one["actor"], one["action"], one["target"], one["outcome"], one["requestId"]) for one in entries]
    assert told == [
        ("root", "jobs.cancel", {"job_id": "nothing"}, "job_not_found", "trace-9"),
        ("root", "queues.pause", {"slug": "document"}, "done", "trace-9"),
    ]
    assert all(one["peer"] == "127.0.0.1" and one["at"] for one in entries)


async def test_the_job_knows_who_asked_for_it(
    api: httpx.AsyncClient, deal: Deal, queue: QueueClient, jobs_in_redis: Callable[[], Awaitable[int]]
) -> None:
    token = await made(api, Scope.enqueue)
    asked = await api.post("/api/queue/daily-brief", json={"dealId": deal.id}, headers=bearing(token))
    found = await queue.job(asked.json()["jobId"])
    assert found is not None
    assert found.caller == "enqueue"


async def test_many_at_once_are_let_in(api: httpx.AsyncClient) -> None:
    token = await made(api, Scope.read)
    answers = await asyncio.gather(*(api.get("/api/deals", headers=bearing(token)) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
