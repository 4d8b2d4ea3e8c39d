"""Accounts people let us read: ask for one, list a deal's, disconnect one."""

from __future__ import annotations

from typing import Final, TypedDict

from starlette.responses import RedirectResponse

from dealpulse.connecting import lifecycle
from dealpulse.connecting.consent import Wish
from dealpulse.errors import Invalid
from dealpulse.models import Connection, SourceType
from dealpulse.web import about, consent
from dealpulse.web.access.identity import Scope
from dealpulse.web.routing import ApiRequest, Endpoint, delete, get, get_query, identity_of, post_json
from dealpulse.web.wire import (
    ConnectAnswer,
    ConnectionRemovedAnswer,
    ConnectionsAnswer,
    ConnectionView,
    ConnectQuery,
    ConnectRequest,
)


async def ask(request: ApiRequest, asked: ConnectRequest) -> ConnectAnswer:
    """Ask for an account: the address is for its owner, says what is asked, and leads to the vendor."""
    consents = request.state["consents"]
    ticket = await consents.ask(
        Wish(
            kind=_kind(request),
            deal_id=asked.deal_id.lower(),
            **_asker(request),
            source_id=asked.source_id,
            location=asked.location,
            name=asked.name,
            return_to=asked.return_to,
        )
    )
    return ConnectAnswer(address=consents.address_of(ticket))


async def go(request: ApiRequest, asked: ConnectQuery) -> RedirectResponse:
    """Straight on to the vendor's consent page, for a browser that says who asks."""
    consents = request.state["consents"]
    wish = Wish(
        kind=_kind(request),
        deal_id=asked.deal.lower(),
        **_asker(request),
        source_id=asked.source,
        return_to=asked.return_to,
    )
    return consent.sent_to(await consents.begin(await consents.ask(wish)), request)


async def connections_of_deal(request: ApiRequest) -> ConnectionsAnswer:
    """The accounts people connected for a deal."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    found = await request.state["store"].connections.of_deal(deal.id)
    return ConnectionsAnswer(connections=[_view(one) for one in found])


async def disconnect(request: ApiRequest) -> ConnectionRemovedAnswer:
    """Give the consent back and forget the tokens; the sources it read wait for another."""
    state, params = request.state, request.path_params
    connection = await lifecycle.connection_of(params["deal_id"], params["connection_id"], intake=state["intake"])
    waiting = await lifecycle.disconnect(
        connection, intake=state["intake"], settings=state["settings"].sources, http=state["vendors"]
    )
    return ConnectionRemovedAnswer(sources=waiting)


def _kind(request: ApiRequest) -> SourceType:
    word = request.path_params["type"]
    try:
        return SourceType(word)
    except ValueError:
        valid = [kind.value for kind in SourceType]
        message = f"There is no source type {word[:60]!r}; there is {', '.join(valid)}."
        raise Invalid(message, code="unknown_source_type", details={"valid": valid}) from None


class _Asker(TypedDict):
    asker: str
    asker_email: str | None


def _asker(request: ApiRequest) -> _Asker:
    identity = identity_of(request)
    if identity is None:
        return _Asker(asker="", asker_email=None)
    return _Asker(asker=identity.name, asker_email=identity.email)


def _view(connection: Connection) -> ConnectionView:
    return ConnectionView(
        id=connection.id,
        deal_id=connection.deal_id,
        provider=connection.provider.value,
        account=connection.account,
        state=connection.state.value,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json(
        "/sources/{type}/connect",
        ask,
        takes=ConnectRequest,
        once=True,
        scope=Scope.enqueue,
        about=about.body(ConnectRequest),
    ),
    get_query("/sources/{type}/connect", go, asks=ConnectQuery, scope=Scope.enqueue, about=about.connect),
    get("/deals/{deal_id}/connections", connections_of_deal, about=about.path),
    delete("/deals/{deal_id}/connections/{connection_id}", disconnect),
)
