"""What models cost and may cost, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from dealpulse.models import Confidence, Deal, EngineName, Origin, Usage
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app
from web.conftest import Serve

SONNET = Origin(engine=EngineName.claude, model="claude-sonnet-5-5", confidence=Confidence.normal)


def usage(operation: str, cost: float) -> Usage:
    return Usage(operation=operation, origin=SONNET, input_tokens=1_000, output_tokens=100, cost_usd=cost)


@pytest.fixture
async def spent(store: Store, deal: Deal) -> Deal:
    """Another deal, cheaper than the first."""
    other = await store.deals.create("Project Birch")
    await store.usage.record(deal.id, usage("document.analyze", 0.5))
    await store.usage.record(deal.id, usage("email.analyze", 0.25))
    await store.usage.record(other.id, usage("document.analyze", 0.125))
    return other


async def test_costs_are_told_by_day_deal_operation_and_model(api: httpx.AsyncClient, deal: Deal, spent: Deal) -> None:
    async def by(key: str) -> dict[str, float]:
        told = (await api.get("/api/ai/costs", params={"by": key, "days": 2})).json()
        assert told["totalUsd"] == 0.875
        return {one["key"]: one["costUsd"] for one in told["costs"]}

    assert list((await by("deal")).items()) == [(deal.id, 0.75), (spent.id, 0.125)]
    assert await by("operation") == {"document.analyze": 0.625, "email.analyze": 0.25}
    assert await by("model") == {"claude-sonnet-5-5": 0.875}
    assert list((await by("day")).values()) == [0.875]
    for query, code in (({"by": "colour"}, "unknown_key"), ({"days": "0"}, "invalid_span")):
        assert (await api.get("/api/ai/costs", params=query)).json()["error"]["code"] == code


async def test_a_deals_costs_are_told_line_by_line(api: httpx.AsyncClient, deal: Deal, spent: Deal) -> None:
    told = (await api.get(f"/api/deals/{deal.id}/costs")).json()
    assert told["totalUsd"] == 0.75
    assert [(one["operation"], one["inputTokens"], one["costUsd"]) for one in told["costs"]] == [
        ("document.analyze", 1_000, 0.5),
        ("email.analyze", 1_000, 0.25),
    ]
    assert (await api.get("/api/deals/00000000-0000-4000-8000-000000000000/costs")).status_code == 404


async def test_a_deal_is_given_a_budget_of_its_own_and_it_is_taken_away(
    serve: Serve, settings: Settings, clean_environment: dict[str, str], deal: Deal, spent: Deal
) -> None:
    with_default = Settings.load(
        environ={**clean_environment, "API_TRUST_LOOPBACK": "true", "AI_DAILY_BUDGET_USD": "20"}
    )
    async with serve(build_app(with_default)) as api:
        path = f"/api/deals/{deal.id}/budget"
        assert (await api.get(path)).json()["budget"] == {
            "dealId": deal.id,
            "budgetUsd": 20.0,
            "ownBudgetUsd": None,
            "spentTodayUsd": 0.75,
        }
        assert (await api.post(path, json={"dailyUsd": 7.5})).json()["budget"]["budgetUsd"] == 7.5
        told = (await api.get("/api/ai/budgets")).json()["budgets"]
        assert [(one["dealId"], one["budgetUsd"]) for one in told] == [(deal.id, 7.5), (spent.id, 20.0)]
        assert (await api.post(path, json={"dailyUsd": None})).json()["budget"]["budgetUsd"] == 20.0
        for wrong in (-1, 1e12):
            answer = await api.post(path, json={"dailyUsd": wrong})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_budget")
