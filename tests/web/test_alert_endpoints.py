"""Alerts over HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpx
from arq.connections import ArqRedis
from msgspec.json import encode

from dealpulse.alerts.rules import Severity, Told
from dealpulse.queue.alert_book import AlertBook, Condition


async def test_what_fires_and_what_will_is_told(api: httpx.AsyncClient, queue_pool: ArqRedis) -> None:
    assert (await api.get("/api/alerts")).json() == {"success": True, "firing": 0, "alerts": []}
    summary = "132 jobs wait on emailProcessing."
    told = encode(Told(summary=summary, subject="emailProcessing", severity=Severity.warning))
    found = [
        Condition(key="waiting:emailProcessing", rule="waiting", hold=timedelta(minutes=5), told=told),
        Condition(key="oldest_waiting:emailProcessing", rule="oldest_waiting", told=told),
    ]
    await AlertBook(queue_pool).judge(found, rules=["waiting", "oldest_waiting"], channels=[])
    answer = (await api.get("/api/alerts")).json()
    assert answer["firing"] == 1
    by_rule = {one["rule"]: one for one in answer["alerts"]}
    assert by_rule["waiting"]["firedAt"] is None
    assert by_rule["oldest_waiting"]["firedAt"] is not None
    assert by_rule["waiting"]["summary"] == summary
    metrics = (await api.get("/metrics")).text
    assert 'dealpulse_alerts_firing{rule="oldest_waiting"} 1.0' in metrics
    assert 'dealpulse_alerts_firing{rule="waiting"} 0.0' in metrics
