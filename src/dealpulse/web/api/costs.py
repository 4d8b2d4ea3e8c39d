"""What models cost, and what each deal may spend on them a day."""

from __future__ import annotations

import datetime
import math
from typing import Final

import msgspec

from dealpulse.models import Deal
from dealpulse.store.usage import CostKey, DealSpending
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, get_query, post_json
from dealpulse.web.wire import (
    AiCostsAnswer,
    AiCostsQuery,
    BudgetAnswer,
    BudgetRequest,
    BudgetsAnswer,
    BudgetView,
    CostLine,
    CostsAnswer,
    CostShare,
    CostsQuery,
)

_MOST_DAYS: Final = 3_660
_LARGEST_BUDGET: Final = 1e9


async def costs(request: ApiRequest, asked: AiCostsQuery) -> AiCostsAnswer:
    """What models cost over all deals: by day, deal, operation or model."""
    if asked.by not in tuple(CostKey):
        raise invalid("Costs come by day, deal, operation or model.", code="unknown_key", valid=list(CostKey))
    zone = request.state["intake"].time_zone
    today = request.state["intake"].clock().astimezone(zone).date()
    found = await request.state["store"].usage.by(CostKey(asked.by), zone=zone, first=_first(today, asked), last=today)
    shares = [msgspec.convert(one, CostShare, from_attributes=True) for one in found]
    return AiCostsAnswer(by=asked.by, total_usd=sum(one.cost_usd for one in found), costs=shares)


async def costs_of_deal(request: ApiRequest, asked: CostsQuery) -> CostsAnswer:
    """What models cost for one deal, by day, operation and model."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    zone, today = deal.zone(request.state["intake"].time_zone), request.state["intake"].local_date(deal)
    found = await request.state["store"].usage.by_day(deal.id, zone=zone, first=_first(today, asked), last=today)
    lines = [msgspec.convert(one, CostLine, from_attributes=True) for one in found]
    return CostsAnswer(total_usd=sum(one.cost_usd for one in found), costs=lines)


async def budgets(request: ApiRequest) -> BudgetsAnswer:
    """What the active deals may spend today and have spent, the one that has spent most first."""
    found = await _spending(request, await request.state["store"].deals.active())
    views = [_view(request, one) for one in found]
    told = [view for view in views if view.budget_usd or view.spent_today_usd]
    return BudgetsAnswer(budgets=sorted(told, key=lambda view: -view.spent_today_usd))


async def budget(request: ApiRequest) -> BudgetAnswer:
    """What a deal may spend on models today, and has spent."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    (spending,) = await _spending(request, [deal])
    return BudgetAnswer(budget=_view(request, spending))


async def set_budget(request: ApiRequest, asked: BudgetRequest) -> BudgetAnswer:
    """Give a deal a daily budget of its own, or take it away."""
    usd = asked.daily_usd
    if usd is not None and not (math.isfinite(usd) and 0 <= usd <= _LARGEST_BUDGET):
        raise invalid("A budget is an amount of US dollars, 0 for any amount.", code="invalid_budget", field="dailyUsd")
    await request.state["store"].deals.set_budget(request.path_params["deal_id"], usd)
    return await budget(request)


async def _spending(request: ApiRequest, deals: list[Deal]) -> list[DealSpending]:
    intake = request.state["intake"]
    return await request.state["store"].usage.today(deals, now=intake.clock(), zone=intake.time_zone)


def _view(request: ApiRequest, spending: DealSpending) -> BudgetView:
    own = spending.budget_usd
    return BudgetView(
        deal_id=spending.deal_id,
        budget_usd=request.state["budget_usd"] if own is None else own,
        own_budget_usd=own,
        spent_today_usd=spending.spent_usd,
    )


def _first(today: datetime.date, asked: CostsQuery) -> datetime.date:
    if not 1 <= asked.days <= _MOST_DAYS:
        raise invalid(f"Costs can be looked back on for 1 to {_MOST_DAYS} days.", code="invalid_span", field="days")
    return today - datetime.timedelta(days=asked.days - 1)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get_query("/ai/costs", costs, asks=AiCostsQuery),
    get("/ai/budgets", budgets),
    get_query("/deals/{deal_id}/costs", costs_of_deal, asks=CostsQuery, about=about.path),
    get("/deals/{deal_id}/budget", budget, about=about.path),
    post_json("/deals/{deal_id}/budget", set_budget, takes=BudgetRequest),
)
