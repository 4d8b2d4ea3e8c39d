"""Connecting an account: from asking for it to what the vendor sends back, and what may be wrong with that."""

from __future__ import annotations

import html
import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from arq.connections import ArqRedis

from dealpulse.errors import NeedsConsent
from dealpulse.jobs import SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, SourceState, SourceType
from dealpulse.queue import QueueClient
from dealpulse.queue.locks import Locks
from dealpulse.settings import Settings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.http import open_http
from dealpulse.sources.sealing import Seal
from dealpulse.sources.tokens import Grant
from dealpulse.store import Store
from dealpulse.web.app import build_app
from fakes.consent import FakeConsent, fake_consent
from web.conftest import Serve
from web.test_access import ADMIN, ANNA, bearing, user_token

PUBLIC = "http://dp.example"
APP = "https://app.example"
DANA = "dana@example.com"
READS = {
    SourceType.gdrive: {"https://www.googleapis.com/auth/drive.readonly"},
    SourceType.gmail: {"https://www.googleapis.com/auth/gmail.readonly"},
    SourceType.sharepoint: {"Files.Read.All", "Sites.Read.All", "offline_access"},
    SourceType.outlook: {"Mail.Read", "offline_access"},
}


@pytest.fixture
def vendor() -> Iterator[FakeConsent]:
    with fake_consent() as opened:
        opened.redirect_uri = f"{PUBLIC}/api/sources/callback"
        yield opened


@pytest.fixture
def environment(clean_stack: Stack, vendor: FakeConsent) -> dict[str, str]:
    return {
        **clean_stack.environment(),
        **vendor.variables(),
        "API_TOKENS": f"root:admin:{ADMIN},app:enqueue:app-token-0123456789,viewer:read:read-token-0123456789",
        "SUPABASE_JWT_SECRET": clean_stack.jwt_secret,
        "TOKEN_ENCRYPTION_KEYS": f"one:{b64encode(os.urandom(32)).decode()}",
        "PUBLIC_URL": PUBLIC,
        "API_CORS_ORIGINS": APP,
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.load(environ=environment)


@pytest.fixture
async def api(settings: Settings, serve: Serve) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(build_app(settings)) as client:
        yield client


class Browser:
    """Somebody's browser, which knows the service as PUBLIC_URL and keeps its cookies."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def open(self, address: str) -> httpx.Response:
        assert address.startswith(f"{PUBLIC}/"), address
        return await self._http.get(address.removeprefix(PUBLIC))

    async def consent_page(self, address: str) -> httpx.Response:
        """From the address that was handed out, over the page that says what is asked, to the vendor."""
        shown = await self.open(address)
        assert shown.status_code == 200, shown.text
        found = re.search(r'href="(\?ticket=[^"]+)"', shown.text)
        assert found is not None
        return await self.open(address.partition("?")[0] + html.unescape(found[1]))


@asynccontextmanager
async def browsing(api: httpx.AsyncClient) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(base_url=api.base_url, trust_env=False, timeout=20) as http:
        yield Browser(http)


@pytest.fixture
async def browser(api: httpx.AsyncClient) -> AsyncIterator[Browser]:
    async with browsing(api) as opened:
        yield opened


async def asked(api: httpx.AsyncClient, deal: Deal, kind: str = "gdrive", **wish: str) -> str:
    answer = await api.post(
        f"/api/sources/{kind}/connect", json={"dealId": deal.id, **wish}, headers=bearing("app-token-0123456789")
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["address"])


async def connected(api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, deal: Deal, kind: str) -> None:
    sent = await browser.consent_page(await asked(api, deal, kind))
    done = await browser.open(vendor.page(sent.headers["location"]).agree(DANA))
    assert done.status_code == 200, done.text


def tokens_of(sealed: str, owner: str, settings: Settings) -> Grant:
    return msgspec.json.decode(Seal(settings.sources.encryption_keys).open(sealed, owner=owner), type=Grant)


# --- the way through --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(READS))
async def test_a_person_connects_their_account_with_exactly_what_it_takes(
    api: httpx.AsyncClient,
    vendor: FakeConsent,
    browser: Browser,
    store: Store,
    deal: Deal,
    settings: Settings,
    kind: SourceType,
) -> None:
    address = await asked(api, deal, kind)
    shown = await browser.open(address)
    assert "Project Alder" in shown.text
    assert "app" in shown.text, "it says who asked"
    sent = await browser.consent_page(address)
    page = vendor.page(sent.headers["location"])
    assert set(page.scopes) - {"openid", "email", "profile"} == READS[kind]

    done = await browser.open(page.agree("Dana@Example.com"))

    assert (done.status_code, DANA in done.text) == (200, True)
    (kept,) = await store.connections.of_deal(deal.id)
    assert (kept.account, kept.state) == (DANA, SourceState.active)
    assert vendor.grants[0].refresh_token not in kept.sealed_tokens
    assert tokens_of(kept.sealed_tokens, kept.id, settings).refresh_token == vendor.grants[0].refresh_token


async def test_what_waited_for_consent_is_read_again_at_once_and_nothing_else(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, queue: QueueClient
) -> None:
    other = await store.deals.create("Project Birch")
    made = {
        name: await store.sources.create(owner.id, kind, name, name)
        for name, owner, kind in (
            ("waits", deal, SourceType.gdrive),
            ("new", deal, SourceType.gdrive),
            ("read by the service", deal, SourceType.gdrive),
            ("paused", deal, SourceType.gdrive),
            ("mail", deal, SourceType.gmail),
            ("elsewhere", other, SourceType.gdrive),
        )
    }
    for name in ("waits", "mail", "elsewhere"):
        await store.sources.set_state(made[name].id, SourceState.needs_consent, error="gone")
    for name in ("waits", "read by the service", "paused"):
        await store.sources.finish_sync(made[name].id, sync_id="1", complete_listing=False)
    await store.sources.set_state(made["paused"].id, SourceState.paused)

    await connected(api, vendor, browser, deal, "gdrive")

    (connection,) = await store.connections.of_deal(deal.id)
    now = {name: await store.sources.get(source.id) for name, source in made.items()}
    assert {name for name, source in now.items() if source.connection_id == connection.id} == {"waits", "new"}
    assert (now["waits"].state, now["waits"].last_error) == (SourceState.active, None)
    assert now["mail"].state is now["elsewhere"].state is SourceState.needs_consent
    assert now["paused"].state is SourceState.paused
    assert (await queue.stats())[SOURCE_SYNC.name].waiting == 2


async def test_the_same_account_again_keeps_its_connection_with_the_new_tokens(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, settings: Settings
) -> None:
    await connected(api, vendor, browser, deal, "outlook")
    (first,) = await store.connections.of_deal(deal.id)
    source = await store.sources.create(deal.id, SourceType.outlook, "Mail", "me", connection_id=first.id)
    await store.connections.mark_needs_consent(first.id)
    await store.sources.set_state(source.id, SourceState.needs_consent)

    sent = await browser.consent_page(await asked(api, deal, "sharepoint"))
    page = vendor.page(sent.headers["location"])
    assert {"Mail.Read", "Files.Read.All"} <= set(page.scopes), "tokens for the one would be none for the other"
    assert (await browser.open(page.agree(DANA))).status_code == 200

    (kept,) = await store.connections.of_deal(deal.id)
    assert (kept.id, kept.state) == (first.id, SourceState.active)
    assert tokens_of(kept.sealed_tokens, kept.id, settings).refresh_token == vendor.grants[1].refresh_token
    assert (await store.sources.get(source.id)).state is SourceState.active


async def test_connected_tokens_are_refreshed_and_rotated_until_the_consent_is_withdrawn_and_given_again(
    api: httpx.AsyncClient,
    vendor: FakeConsent,
    browser: Browser,
    store: Store,
    deal: Deal,
    settings: Settings,
    queue_pool: ArqRedis,
) -> None:
    await connected(api, vendor, browser, deal, "outlook")
    (connection,) = await store.connections.of_deal(deal.id)
    source = await store.sources.create(deal.id, SourceType.outlook, "Mail", "me", connection_id=connection.id)
    async with open_http() as http:
        accounts = Accounts(settings.sources, http=http, vault=store.connections, locks=Locks(queue_pool))
        tokens = accounts.microsoft(source).tokens
        first = await tokens.current()
        spent = vendor.grants[0].refresh_token
        second = await tokens.instead_of(first)
        assert second != first
        assert vendor.grants[0].refresh_token != spent
        assert await tokens.instead_of(second) not in (first, second), "the rotated token was kept"

        vendor.grants.clear()
        with pytest.raises(NeedsConsent):
            await tokens.instead_of(await tokens.current())
        assert (await store.connections.get(connection.id)).state is SourceState.needs_consent

        await connected(api, vendor, browser, deal, "outlook")
        assert (await store.connections.get(connection.id)).state is SourceState.active
        assert await tokens.instead_of(await tokens.current())


async def test_a_source_may_be_made_or_be_given_another_account_on_the_way(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, queue: QueueClient
) -> None:
    await connected(api, vendor, browser, deal, "gdrive")
    (first,) = await store.connections.of_deal(deal.id)
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room", connection_id=first.id)
    address = await asked(api, deal, sourceId=source.id, location="another-room", name="Another")
    sent = await browser.consent_page(address)
    await browser.open(vendor.page(sent.headers["location"]).agree("eve@example.com"))

    second = next(one for one in await store.connections.of_deal(deal.id) if one.id != first.id)
    sources = await store.sources.of_deal(deal.id)
    assert {(one.name, one.connection_id) for one in sources} == {("Room", second.id), ("Another", second.id)}
    assert (await queue.stats())[SOURCE_SYNC.name].waiting == 2


async def test_a_browser_that_says_who_asks_goes_straight_to_the_vendor(
    api: httpx.AsyncClient, vendor: FakeConsent, store: Store, deal: Deal
) -> None:
    headers = bearing(ADMIN)
    sent = await api.get(f"/api/sources/gdrive/connect?deal={deal.id}&returnTo={APP}/deals%3Ftab%3D2", headers=headers)
    assert sent.status_code == 303
    cookie = sent.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/api/sources/callback" in cookie

    back = await api.get(vendor.page(sent.headers["location"]).agree(DANA).removeprefix(PUBLIC))

    assert back.status_code == 303
    target = urlsplit(back.headers["location"])
    (kept,) = await store.connections.of_deal(deal.id)
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{APP}/deals"
    assert parse_qs(target.query) == {"tab": ["2"], "connected": ["gdrive"], "connection": [kept.id]}
    entries = (await api.get("/api/audit", headers=headers)).json()["entries"]
    assert [(one["actor"], one["action"]) for one in entries] == [("root", "connections.connected")]


async def test_the_cookie_is_for_https_alone_where_the_service_is(
    environment: dict[str, str], serve: Serve, deal: Deal
) -> None:
    settings = Settings.load(environ={**environment, "PUBLIC_URL": "https://dp.example/behind"})
    async with serve(build_app(settings)) as api:
        sent = await api.get(f"/api/sources/gdrive/connect?deal={deal.id}", headers=bearing(ADMIN))
    assert "Secure" in sent.headers["set-cookie"]
    assert "Path=/behind/api/sources/callback" in sent.headers["set-cookie"]


# --- who may ask ------------------------------------------------------------------------------------------------------


async def test_a_user_of_the_app_connects_their_own_account_to_their_own_deal_alone(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, clean_stack: Stack, deal: Deal
) -> None:
    theirs = await store.deals.create("Theirs")
    await store.deals.add_member(theirs.id, ANNA, "member")
    headers = bearing(user_token(clean_stack, email="anna@example.com"))
    refused = await api.post("/api/sources/gmail/connect", json={"dealId": deal.id}, headers=headers)
    assert refused.status_code == 404
    assert (await api.get(f"/api/sources/gmail/connect?deal={deal.id}", headers=headers)).status_code == 404
    assert (await api.get("/api/sources/gmail/connect", headers=headers)).status_code == 404
    allowed = await api.post("/api/sources/gmail/connect", json={"dealId": theirs.id}, headers=headers)
    assert "anna@example.com" in (await browser.open(allowed.json()["address"])).text
    sent = await browser.consent_page(allowed.json()["address"])
    assert (await browser.open(vendor.page(sent.headers["location"]).agree(DANA))).status_code == 200
    listed = await api.get(f"/api/deals/{theirs.id}/connections", headers=headers)
    assert [(one["account"], one["provider"]) for one in listed.json()["connections"]] == [(DANA, "google")]
    assert "sealed" not in listed.text


@pytest.mark.parametrize(
    ("path", "wish", "status", "code"),
    [
        ("folder", {}, 400, "no_account_needed"),
        ("ftp", {}, 400, "unknown_source_type"),
        ("gdrive", {"dealId": "00000000-0000-4000-8000-000000000000"}, 404, "deal_not_found"),
        ("gdrive", {"sourceId": "00000000-0000-4000-8000-000000000000"}, 404, "source_not_found"),
        ("gdrive", {"returnTo": "https://evil.example/"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": f"{APP}.evil.example/"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": "https://app.example@evil.example/"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": "https://evil.example\\@app.example/"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": "//app.example/"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": "javascript:alert(1)"}, 400, "invalid_return_address"),
        ("gdrive", {"returnTo": f"{APP}/\r\nset-cookie: x=y"}, 400, "invalid_return_address"),
    ],
)
async def test_what_cannot_be_connected_says_why(
    api: httpx.AsyncClient, deal: Deal, path: str, wish: dict[str, str], status: int, code: str
) -> None:
    answer = await api.post(
        f"/api/sources/{path}/connect", json={"dealId": deal.id, **wish}, headers=bearing("app-token-0123456789")
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_a_source_of_another_deal_or_type_is_given_no_account(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    other = await store.deals.create("Project Birch")
    foreign = await store.sources.create(other.id, SourceType.gdrive, "Room", "room")
    mail = await store.sources.create(deal.id, SourceType.gmail, "Mail", "me")
    for source in (foreign, mail):
        answer = await api.post(
            "/api/sources/gdrive/connect", json={"dealId": deal.id, "sourceId": source.id}, headers=bearing(ADMIN)
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "source_not_found")


async def test_who_may_only_read_connects_nothing(api: httpx.AsyncClient, deal: Deal) -> None:
    headers = bearing("read-token-0123456789")
    assert (await api.get(f"/api/sources/gdrive/connect?deal={deal.id}", headers=headers)).status_code == 403
    assert (await api.get(f"/api/sources/gdrive/connect?deal={deal.id}")).status_code == 401


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("GOOGLE_CLIENT_SECRET", "client_missing"),
        ("TOKEN_ENCRYPTION_KEYS", "no_encryption_key"),
        ("PUBLIC_URL", "public_url_missing"),
    ],
)
async def test_what_the_operator_has_not_set_is_named_before_anybody_consents(
    environment: dict[str, str], serve: Serve, deal: Deal, missing: str, code: str
) -> None:
    environ = {name: value for name, value in environment.items() if name != missing}
    async with serve(build_app(Settings.load(environ=environ))) as api:
        answer = await api.get(f"/api/sources/gdrive/connect?deal={deal.id}", headers=bearing(ADMIN))
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, code)
    assert missing in answer.json()["error"]["message"]


# --- what comes back --------------------------------------------------------------------------------------------------


async def sent_to_vendor(api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, deal: Deal, **wish: str) -> str:
    sent = await browser.consent_page(await asked(api, deal, **wish))
    return str(sent.headers["location"])


async def nothing_was_connected(answer: httpx.Response, store: Store, deal: Deal) -> None:
    assert answer.status_code in (400, 404, 503)
    assert answer.headers["content-type"].startswith("text/html")
    assert "Nothing was connected" in answer.text
    assert "as told" not in answer.text, "the vendor's words are not repeated"
    assert await store.connections.of_deal(deal.id) == []


@pytest.mark.parametrize("query", ["", "?state=", "?state=made-up&code=4/1", "?code=4/1", "?error=access_denied"])
async def test_what_no_consent_of_ours_led_to_is_refused(
    browser: Browser, store: Store, deal: Deal, query: str
) -> None:
    await nothing_was_connected(await browser.open(f"{PUBLIC}/api/sources/callback{query}"), store, deal)


async def test_a_state_is_good_once(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    back = vendor.page(await sent_to_vendor(api, vendor, browser, deal)).agree(DANA)
    assert (await browser.open(back)).status_code == 200
    replayed = await browser.open(back)
    assert replayed.status_code == 400
    assert "used already" in replayed.text
    assert vendor.requests["POST /token"] == 1


async def test_a_ticket_is_good_once_and_looking_does_not_use_it_up(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    address = await asked(api, deal)
    for _ in range(2):
        assert (await browser.open(address)).status_code == 200
    assert (await browser.open(f"{address}&go=1")).status_code == 303
    assert (await browser.open(f"{address}&go=1")).status_code == 400
    await nothing_was_connected(await browser.open(address), store, deal)


async def test_a_consent_that_takes_too_long_is_begun_again(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, queue_pool: ArqRedis
) -> None:
    back = vendor.page(await sent_to_vendor(api, vendor, browser, deal)).agree(DANA)
    kept = [key async for key in queue_pool.scan_iter("dealpulse:ticket:consent-state:*")]
    assert [0 < await queue_pool.ttl(key) <= 600 for key in kept] == [True]
    await queue_pool.delete(*kept)
    await nothing_was_connected(await browser.open(back), store, deal)


async def test_another_browser_than_the_one_that_was_sent_there_connects_nothing(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    """Neither a victim who is led to a prepared answer, nor whoever got hold of somebody's."""
    back = vendor.page(await sent_to_vendor(api, vendor, browser, deal, returnTo=f"{APP}/")).agree(DANA)
    async with browsing(api) as stranger:
        await nothing_was_connected(await stranger.open(back), store, deal)
    await nothing_was_connected(await browser.open(back), store, deal)
    assert vendor.requests["POST /token"] == 0


async def test_a_person_may_decline(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    declined = vendor.page(await sent_to_vendor(api, vendor, browser, deal)).decline()
    answer = await browser.open(declined)
    await nothing_was_connected(answer, store, deal)
    assert "not given" in answer.text
    declined = vendor.page(await sent_to_vendor(api, vendor, browser, deal, returnTo=f"{APP}/x")).decline()
    assert (await browser.open(declined)).headers["location"] == f"{APP}/x?error=consent_denied"


@pytest.mark.parametrize("error", ["server_error", "<script>alert(1)</script>", "x" * 5000])
async def test_a_vendor_s_fault_is_told_without_its_words(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, error: str
) -> None:
    answer = await browser.open(vendor.page(await sent_to_vendor(api, vendor, browser, deal)).decline(error))
    await nothing_was_connected(answer, store, deal)
    assert "<script" not in answer.text
    assert len(answer.text) < 10_000


async def test_a_code_that_is_none_or_another_s_is_refused(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    page = vendor.page(await sent_to_vendor(api, vendor, browser, deal))
    made_up = page.agree(DANA).replace("code=4%2F1", "code=4%2F999")
    await nothing_was_connected(await browser.open(made_up), store, deal)
    first = vendor.page(await sent_to_vendor(api, vendor, browser, deal)).agree("mallory@example.com")
    code = parse_qs(urlsplit(first).query)["code"][0]
    second = vendor.page(await sent_to_vendor(api, vendor, browser, deal))
    injected = f"{PUBLIC}/api/sources/callback?state={second.asked['state']}&code={code}"
    await nothing_was_connected(await browser.open(injected), store, deal)


async def test_consent_to_less_than_is_needed_connects_nothing_and_says_so(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    page = vendor.page(await sent_to_vendor(api, vendor, browser, deal))
    answer = await browser.open(page.agree(DANA, without="https://www.googleapis.com/auth/drive.readonly"))
    await nothing_was_connected(answer, store, deal)
    assert "ticked" in answer.text


@pytest.mark.parametrize("left_out", ["refresh_token", "id_token"])
async def test_an_answer_that_lacks_what_must_be_there_connects_nothing(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, left_out: str
) -> None:
    vendor.leaves_out.add(left_out)
    page = vendor.page(await sent_to_vendor(api, vendor, browser, deal))
    await nothing_was_connected(await browser.open(page.agree(DANA)), store, deal)


async def test_scopes_that_are_not_told_are_those_asked_for(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    vendor.leaves_out.add("scope")
    await connected(api, vendor, browser, deal, "gdrive")
    assert len(await store.connections.of_deal(deal.id)) == 1


@pytest.mark.parametrize("claims", [{"nonce": "another"}, {"aud": "another"}, {"email": ""}, {"email": 7}])
async def test_an_id_token_that_is_not_for_this_consent_connects_nothing(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, claims: dict[str, object]
) -> None:
    vendor.claims = claims
    page = vendor.page(await sent_to_vendor(api, vendor, browser, deal))
    await nothing_was_connected(await browser.open(page.agree(DANA)), store, deal)


async def test_a_vendor_that_is_away_is_not_the_person_s_fault(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    back = vendor.page(await sent_to_vendor(api, vendor, browser, deal)).agree(DANA)
    vendor.away = True
    answer = await browser.open(back)
    assert answer.status_code == 503
    await nothing_was_connected(answer, store, deal)


async def test_a_deal_that_is_gone_meanwhile_is_told_of(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal
) -> None:
    address = await asked(api, deal)
    await store.database.write(store.database.client.table("deals").delete().eq("id", deal.id).select("id"))
    await nothing_was_connected(await browser.open(address), store, deal)


# --- disconnecting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [False, True])
async def test_a_disconnected_account_is_given_back_and_its_tokens_are_gone(
    api: httpx.AsyncClient, vendor: FakeConsent, browser: Browser, store: Store, deal: Deal, away: bool
) -> None:
    await connected(api, vendor, browser, deal, "gdrive")
    (kept,) = await store.connections.of_deal(deal.id)
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room", connection_id=kept.id)
    other = await store.deals.create("Project Birch")
    foreign = await api.delete(f"/api/deals/{other.id}/connections/{kept.id}", headers=bearing(ADMIN))
    assert foreign.status_code == 404
    vendor.away = away

    answer = await api.delete(f"/api/deals/{deal.id}/connections/{kept.id}", headers=bearing(ADMIN))

    assert (answer.status_code, answer.json()["sources"]) == (200, 1)
    assert len(vendor.grants) == int(away), "what the vendor does not hear does not keep us"
    assert await store.connections.of_deal(deal.id) == []
    assert (await store.sources.get(source.id)).state is SourceState.needs_consent
    again = await api.delete(f"/api/deals/{deal.id}/connections/{kept.id}", headers=bearing(ADMIN))
    assert again.status_code == 404
