"""Graph itself: the app's tokens, links that lead astray, and subscriptions that Graph validates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dealpulse.errors import NeedsConsent, Permanent, Transient
from dealpulse.settings import MicrosoftSettings
from dealpulse.sources.accounts import Account
from dealpulse.sources.contract import Connector
from dealpulse.sources.graph import Graph, Page
from dealpulse.sources.http import Budget, Refused, open_http
from dealpulse.sources.notifications import Callback, Notifying, SubscriptionLost
from dealpulse.sources.tokens import ClientCredentialTokens, OAuthClient
from fakes.graph import FakeGraph, fake_graph
from fakes.graph.accounts import CLIENT_SECRET, FILES_WRITE
from fakes.serving import serving
from sources.rooms import Room
from sources.sites import OutlookSite, SharePointSite
from sources.sites.microsoft import settings_for


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_http() as opened:
        yield opened


@pytest.fixture
def graph() -> Iterator[FakeGraph]:
    with fake_graph() as opened:
        yield opened


def tokens_of(graph: FakeGraph, http: httpx.AsyncClient, *, secret: str = CLIENT_SECRET) -> ClientCredentialTokens:
    return ClientCredentialTokens(OAuthClient.microsoft(settings_for(graph, secret=secret).microsoft), http=http)


async def test_the_apps_token_is_asked_for_once_and_again_when_it_is_refused(
    graph: FakeGraph, http: httpx.AsyncClient
) -> None:
    tokens = tokens_of(graph, http)
    first = await tokens.current()
    assert await tokens.current() == first
    assert await tokens.instead_of(first) != first
    assert graph.faults.requests.total() == 2


async def test_a_wrong_secret_is_the_operators_fault(graph: FakeGraph, http: httpx.AsyncClient) -> None:
    with pytest.raises(Permanent) as refused:
        await tokens_of(graph, http, secret="wrong").current()
    assert refused.value.code == "invalid_client"
    assert not isinstance(refused.value, NeedsConsent)


class _Thing(Struct):
    id: str


class _Unlimited:
    async def take(
        self, name: str, *, rate_per_second: float | None = None, burst: float = 1, tokens: float = 1
    ) -> float:
        return 0.0

    async def close(self, name: str, seconds: float) -> None:
        raise AssertionError("nobody asked to")


class _OneToken:
    async def current(self) -> str:
        return "secret"

    async def instead_of(self, refused: str) -> str:
        return "another"


@pytest.mark.parametrize("link", ["{here}/things", "https://elsewhere.example/v1.0/things?page=2", "{here}.evil/x"])
async def test_a_link_to_itself_or_to_another_address_is_not_followed(http: httpx.AsyncClient, link: str) -> None:
    def answer(request: Request) -> Response:
        return JSONResponse({"value": [{"id": "1"}], "@odata.nextLink": link.format(here=f"{here}/v1.0")})

    with serving(Starlette(routes=[Route("/v1.0/things", answer)])) as here:
        graph = Graph(
            Account("app", _OneToken()),
            MicrosoftSettings(graph_url=f"{here}/v1.0"),
            http=http,
            budget=Budget("b", 1, 1),
            limits=_Unlimited(),
        )
        with pytest.raises(Transient):
            await graph.all("/things", Page[_Thing])


@contextmanager
def our_webhook(*, echoes: bool = True) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An address of ours, and what it was told."""
    told: list[dict[str, str]] = []

    async def take(request: Request) -> Response:
        if "validationToken" in request.query_params:
            return PlainTextResponse(request.query_params["validationToken"] if echoes else "hello")
        told.extend((await request.json())["value"])
        return Response(status_code=202)

    with serving(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as url:
        yield f"{url}/hook", told


def notifying(connector: Connector) -> Notifying:
    assert isinstance(connector, Notifying)
    return connector


async def test_changes_of_a_library_are_told_until_it_is_enough(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    await _changes_are_told(sharepoint_room, sharepoint, minutes=42_300)


async def test_changes_of_a_mailbox_are_told_until_it_is_enough(outlook_room: Room, outlook: OutlookSite) -> None:
    await _changes_are_told(outlook_room, outlook, minutes=4_230)


async def _changes_are_told(room: Room, site: SharePointSite | OutlookSite, *, minutes: int) -> None:
    connector, known = notifying(room.connector()), site.graph.subscriptions
    with our_webhook() as (address, told):
        made = await connector.subscribe(Callback(address, "our secret"))
        assert known.validated == [address, address], "for changes, and for the subscription's own life"
        longest = datetime.now(UTC) + timedelta(minutes=minutes)
        assert longest - timedelta(minutes=5) < made.expires_at <= longest
        site.put("a.txt", b"a")
        assert set(site.graph.posting.statuses()) == {202}
        assert {(one["subscriptionId"], one["clientState"]) for one in told} == {(made.external_id, "our secret")}
        renewed = await connector.renew(made, Callback(address, "not used"))
        assert (renewed.external_id, renewed.expires_at >= made.expires_at) == (made.external_id, True)
        await connector.unsubscribe(made)
        assert known.known == {}
        await connector.unsubscribe(made)
        with pytest.raises(SubscriptionLost):
            await connector.renew(made, Callback(address, "not used"))


async def test_an_address_that_does_not_say_the_token_back_gets_no_subscription(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    with our_webhook(echoes=False) as (address, _), pytest.raises(Refused) as refused:
        await notifying(sharepoint_room.connector()).subscribe(Callback(address, "secret"))
    assert (refused.value.status, refused.value.reason) == (400, "ValidationError")


async def test_an_app_that_may_only_read_files_syncs_without_being_told(
    sharepoint_room: Room, sharepoint: SharePointSite
) -> None:
    sharepoint.graph.accounts.granted.discard(FILES_WRITE)
    sharepoint.put("a.txt", b"a")
    await sharepoint_room.full()
    assert set(await sharepoint_room.files()) == {"a.txt"}
    with our_webhook() as (address, _), pytest.raises(Refused) as refused:
        await notifying(sharepoint_room.connector()).subscribe(Callback(address, "secret"))
    assert refused.value.status == 403


async def test_a_permission_nobody_granted_is_an_error_of_its_own(outlook_room: Room, outlook: OutlookSite) -> None:
    outlook.graph.accounts.granted.clear()
    with pytest.raises(Refused, match="accessDenied"):
        await outlook_room.full()
