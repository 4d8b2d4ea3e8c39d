"""Tokens of connected accounts: sealed at rest, refreshed once for all, replaced at once."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import NeedsConsent, Permanent, Unavailable
from dealpulse.models import Connection, Deal, Provider, SourceState
from dealpulse.queue import create_pool
from dealpulse.queue.locks import Locks
from dealpulse.settings import EncryptionKey, Secret, Settings
from dealpulse.sources.http import open_http
from dealpulse.sources.sealing import Seal
from dealpulse.sources.tokens import Grant, OAuthClient, StoredTokens, sealed
from dealpulse.store import Store
from fakes.google import CLIENT_ID, CLIENT_SECRET, FakeGoogle, fake_google

CONNECTION = "3f1c1f0e-0000-4000-8000-000000000001"


def key(name: str) -> EncryptionKey:
    return EncryptionKey(name, Secret(b64encode(os.urandom(32)).decode()))


OLD, NEW = key("old"), key("new")


@given(st.text())
def test_what_is_sealed_is_opened_by_its_owner_alone_whatever_keys_came_since(text: str) -> None:
    shut = Seal([OLD]).close(text, owner="one")
    assert Seal([NEW, OLD]).open(shut, owner="one") == text
    for seal, owner in ((Seal([OLD]), "other"), (Seal([NEW]), "one"), (Seal([]), "one")):
        with pytest.raises(Permanent):
            seal.open(shut, owner=owner)


def test_what_was_altered_is_not_opened() -> None:
    shut = Seal([OLD]).close("token", owner="one")
    with pytest.raises(Permanent):
        Seal([OLD]).open(shut[:-8] + "AAAAAAA=", owner="one")


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with fake_google() as opened:
        opened.accounts.refresh_tokens.add("refresh")
        yield opened


@pytest.fixture
async def deal(store: Store) -> Deal:
    return await store.deals.create("Kestrel")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http() as opened:
        yield opened


@pytest.fixture
async def locks(settings: Settings) -> AsyncIterator[Locks]:
    pool = await create_pool(settings.redis)
    yield Locks(pool)
    await pool.aclose(close_connection_pool=True)


async def connected(store: Store, deal: Deal, *, expires_at: float = 0) -> None:
    grant = Grant(access_token="stale", refresh_token="refresh", expires_at=expires_at)
    tokens = sealed(grant, seal=Seal([OLD]), owner=CONNECTION)
    await store.connections.add(
        Connection(
            id=CONNECTION, deal_id=deal.id, provider=Provider.google, account="dana@example.com", sealed_tokens=tokens
        )
    )


@pytest.fixture
def tokens(google: FakeGoogle, store: Store, locks: Locks, http: httpx.AsyncClient) -> list[StoredTokens]:
    """Those of ten workers."""
    client = OAuthClient("google", f"{google.url}/token", CLIENT_ID, Secret(CLIENT_SECRET))
    return [
        StoredTokens(CONNECTION, client=client, vault=store.connections, seal=Seal([NEW, OLD]), locks=locks, http=http)
        for _ in range(10)
    ]


async def test_ten_workers_refresh_once_and_all_have_the_new_token(
    tokens: list[StoredTokens], store: Store, deal: Deal, google: FakeGoogle
) -> None:
    google.accounts.rotates = True
    await connected(store, deal)
    answers = await asyncio.gather(*(one.current() for one in tokens for _ in range(3)))
    assert len(set(answers)) == 1
    assert google.faults.requests["POST /token"] == 1
    kept = await store.connections.get(CONNECTION)
    assert kept.sealed_tokens.startswith("v1.new."), "it is sealed with the first key from then on"
    assert "refresh" not in google.accounts.refresh_tokens
    assert await tokens[0].instead_of(answers[0]) != answers[0], "the rotated token was kept"


async def test_a_refresh_without_another_refresh_token_keeps_the_old(
    tokens: list[StoredTokens], store: Store, deal: Deal
) -> None:
    await connected(store, deal)
    first = await tokens[0].current()
    second = await tokens[1].instead_of(first)
    assert len({"stale", first, second}) == 3


async def test_a_refused_grant_needs_consent_and_is_not_asked_for_again(
    tokens: list[StoredTokens], store: Store, deal: Deal, google: FakeGoogle
) -> None:
    await connected(store, deal)
    google.accounts.refresh_tokens.clear()
    for one in tokens[:3]:
        with pytest.raises(NeedsConsent):
            await one.current()
    assert google.faults.requests["POST /token"] == 1
    assert (await store.connections.get(CONNECTION)).state is SourceState.needs_consent


async def test_a_token_endpoint_that_is_away_is_waited_for(
    tokens: list[StoredTokens], store: Store, deal: Deal, google: FakeGoogle
) -> None:
    await connected(store, deal)
    google.faults.fail("/token", status=503)
    with pytest.raises(Unavailable):
        await tokens[0].current()
    assert await tokens[0].current()


async def test_a_wrong_client_is_the_operators_fault(
    store: Store, deal: Deal, google: FakeGoogle, locks: Locks, http: httpx.AsyncClient
) -> None:
    await connected(store, deal)
    client = OAuthClient("google", f"{google.url}/token", CLIENT_ID, Secret("wrong"))
    wrong = StoredTokens(CONNECTION, client=client, vault=store.connections, seal=Seal([OLD]), locks=locks, http=http)
    with pytest.raises(Permanent) as refused:
        await wrong.current()
    assert refused.value.code == "invalid_client"
    assert (await store.connections.get(CONNECTION)).state is SourceState.active
