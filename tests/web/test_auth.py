"""The door: tokens, and the loopback waiver with everything that must not pass under it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from dealpulse.settings import Secret
from dealpulse.web.access.door import Door
from dealpulse.web.access.identity import LOOPBACK, Scope
from dealpulse.web.access.tokens import ConfiguredTokens
from dealpulse.web.errors import HttpFault

OLD, NEW = "old-token-0123456789", "new-token-0123456789"
GUARDED = Door(configured=ConfiguredTokens([Secret(OLD), Secret(f"app:enqueue:{NEW}")]), trust_loopback=False)
WAIVED = Door(configured=ConfiguredTokens([]), trust_loopback=True)
CLOSED = Door(configured=ConfiguredTokens([]), trust_loopback=False)


def headers(**given: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in given.items()})


async def refusal(door: Door, given: Headers, peer: str | None) -> HttpFault:
    with pytest.raises(HttpFault) as caught:
        await door.admit(given, peer)
    return caught.value


@pytest.mark.parametrize(("token", "name", "scope"), [(OLD, "token-1", Scope.admin), (NEW, "app", Scope.enqueue)])
async def test_every_configured_token_is_admitted_as_what_it_is(token: str, name: str, scope: Scope) -> None:
    who = await GUARDED.admit(headers(authorization=f"Bearer {token}", host="api.example"), "203.0.113.9")
    assert (who.name, who.scope, who.user_id) == (name, scope, None)


async def test_a_token_may_be_configured_by_its_digest() -> None:
    digest = hashlib.sha256(OLD.encode()).hexdigest()
    for entry in (f"sha256:{digest}", f"app:read:sha256:{digest}"):
        door = Door(configured=ConfiguredTokens([Secret(entry)]), trust_loopback=False)
        assert (await door.admit(headers(authorization=f"Bearer {OLD}"), None)).name in ("app", "token-1")
        assert (await refusal(door, headers(authorization=f"Bearer sha256:{digest}"), None)).code == "invalid_token"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_may_be_written_in_any_case(scheme: str) -> None:
    assert (await GUARDED.admit(headers(authorization=f"{scheme} {NEW}"), None)).name == "app"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "missing_token"),
        ("Bearer", "missing_token"),
        ("Bearer  ", "missing_token"),
        (f"Basic {OLD}", "missing_token"),
        (f"Bearer {OLD}x", "invalid_token"),
        (f"Bearer {OLD[:-1]}", "invalid_token"),
        ("Bearer \xff\xfe", "invalid_token"),
    ],
)
async def test_without_a_valid_token_the_answer_is_401(authorization: str, code: str) -> None:
    fault = await refusal(GUARDED, headers(authorization=authorization, host="localhost:3000"), "127.0.0.1")
    assert (fault.status, fault.code) == (401, code)
    assert fault.headers is not None
    assert fault.headers["WWW-Authenticate"].startswith("Bearer")


async def test_with_neither_token_nor_waiver_the_answer_names_the_setting() -> None:
    fault = await refusal(CLOSED, headers(host="localhost:3000"), "127.0.0.1")
    assert fault.status == 401
    assert "API_TOKENS" in fault.message


@pytest.mark.parametrize("host", ["localhost", "localhost:3000", "LOCALHOST:80", "127.0.0.1:3000", "[::1]:3000"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.8.8.8", "::ffff:127.0.0.1"])
async def test_a_local_program_needs_no_token_under_the_waiver(host: str, peer: str) -> None:
    assert await WAIVED.admit(headers(host=host), peer) is LOOPBACK


@pytest.mark.parametrize(
    "extra",
    [
        {"origin": "http://localhost:3000"},
        {"sec_fetch_site": "same-origin", "origin": "http://localhost:3000"},
        {"sec_fetch_site": "none"},
        {"authorization": "Bearer stale"},
    ],
)
async def test_our_own_page_and_a_stale_token_pass_under_the_waiver(extra: dict[str, str]) -> None:
    assert await WAIVED.admit(headers(host="localhost:3000", **extra), "127.0.0.1") is LOOPBACK


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"host": "evil.example"},
        {"host": "localhost.evil.example:3000"},
        {"host": "127.0.0.1.nip.io"},
        {"host": "localhost:3000@evil.example"},
        {"host": "localhost:3000", "origin": "https://evil.example"},
        {"host": "localhost:3000", "origin": "null"},
        {"host": "localhost:3000", "origin": "http://localhost:5173"},
        {"host": "localhost:3000", "sec_fetch_site": "cross-site"},
        {"host": "localhost:3000", "sec_fetch_site": "same-site"},
        {"host": "localhost:3000", "x_forwarded_for": "203.0.113.9"},
        {"host": "localhost:3000", "forwarded": "for=203.0.113.9"},
    ],
)
async def test_pages_rebound_names_and_proxies_do_not_pass_under_the_waiver(given: dict[str, str]) -> None:
    fault = await refusal(WAIVED, headers(**given), "127.0.0.1")
    assert (fault.status, fault.code) == (403, "foreign_request")


@pytest.mark.parametrize("peer", ["203.0.113.9", "192.168.1.4", "::ffff:203.0.113.9", "2001:db8::1", None, "", "x"])
async def test_the_waiver_reaches_no_other_machine(peer: str | None) -> None:
    assert (await refusal(WAIVED, headers(host="localhost:3000"), peer)).status == 401


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([GUARDED, CLOSED, WAIVED]))
async def test_no_other_credential_is_ever_admitted(raw: bytes, door: Door) -> None:
    presented = raw.decode("latin-1")
    if presented.strip().removeprefix("Bearer ").strip() in (OLD, NEW):
        return
    given_headers = Headers(raw=[(b"authorization", raw), (b"host", b"localhost")])
    assert (await refusal(door, given_headers, "203.0.113.9")).status == 401
