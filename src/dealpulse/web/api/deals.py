"""Deals: create, list, look at one, archive."""

from __future__ import annotations

import re
from typing import Final

from dealpulse.models import Deal
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, post, post_json
from dealpulse.web.wire import DealAnswer, DealRequest, DealsAnswer, DealView

_STATUS: Final = re.compile(r"\w{1,64}")
"""The app may know further ones than ``active`` and ``archived``."""


async def create(request: ApiRequest, asked: DealRequest) -> DealAnswer:
    deal = await request.state["intake"].create_deal(asked.name, time_zone=asked.time_zone)
    return DealAnswer(deal=_view(deal))


async def deals(request: ApiRequest) -> DealsAnswer:
    """All deals, or those of one ``?status=``."""
    status = request.query_params.get("status")
    if status is not None and _STATUS.fullmatch(status) is None:
        raise invalid("A status is one word.", code="invalid_status", field="status")
    return DealsAnswer(deals=[_view(deal) for deal in await request.state["store"].deals.all(status=status)])


async def deal(request: ApiRequest) -> DealAnswer:
    return DealAnswer(deal=_view(await request.state["store"].deals.get(request.path_params["deal_id"])))


async def archive(request: ApiRequest) -> DealAnswer:
    return DealAnswer(deal=_view(await request.state["store"].deals.archive(request.path_params["deal_id"])))


def _view(deal: Deal) -> DealView:
    return DealView(id=deal.id, name=deal.name, status=deal.status, time_zone=deal.time_zone)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/deals", create, takes=DealRequest, status=201),
    get("/deals", deals),
    get("/deals/{deal_id}", deal),
    post("/deals/{deal_id}/archive", archive),
)
