"""Deals: create, list, look at one, archive."""

from __future__ import annotations

import re
from typing import Final

from dealpulse.models import Deal
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, get_query, identity_of, post, post_json
from dealpulse.web.wire import DealAnswer, DealRequest, DealsAnswer, DealsQuery, DealView

_STATUS: Final = re.compile(r"\w{1,64}")
"""The app may know further ones than ``active`` and ``archived``."""


async def create(request: ApiRequest, asked: DealRequest) -> DealAnswer:
    """Make a new, active deal."""
    deal = await request.state["intake"].create_deal(asked.name, time_zone=asked.time_zone)
    return DealAnswer(deal=_view(deal))


async def deals(request: ApiRequest, asked: DealsQuery) -> DealsAnswer:
    """All deals the caller may see, by name, or those of one status."""
    status = asked.status
    if status is not None and _STATUS.fullmatch(status) is None:
        raise invalid("A status is one word.", code="invalid_status", field="status")
    found = await request.state["store"].deals.all(status=status)
    identity = identity_of(request)
    if identity is not None and identity.user_id is not None:
        theirs = await request.state["memberships"].of(identity.user_id)
        found = [deal for deal in found if deal.id in theirs]
    return DealsAnswer(deals=[_view(deal) for deal in found])


async def deal(request: ApiRequest) -> DealAnswer:
    """One deal."""
    return DealAnswer(deal=_view(await request.state["store"].deals.get(request.path_params["deal_id"])))


async def archive(request: ApiRequest) -> DealAnswer:
    """Stop a deal's briefs; nothing of it is lost."""
    return DealAnswer(deal=_view(await request.state["store"].deals.archive(request.path_params["deal_id"])))


def _view(deal: Deal) -> DealView:
    return DealView(id=deal.id, name=deal.name, status=deal.status, time_zone=deal.time_zone)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/deals", create, takes=DealRequest, status=201),
    get_query("/deals", deals, asks=DealsQuery, about=about.own),
    get("/deals/{deal_id}", deal, about=about.path),
    post("/deals/{deal_id}/archive", archive),
)
