"""``/metrics``: the whole deployment in one scrape of any API process."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # ships no annotations
from arq.connections import ArqRedis
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from dealpulse.jobs import DocumentOperation, ProcessDocument
from dealpulse.models import Confidence, Deal, Document, EngineName, Origin, SourceState, SourceType, Usage
from dealpulse.outbox import request
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.web.app import build_app
from queue_engine.endings import die, drain
from queue_engine.engines import renewed, turn
from web.conftest import Serve

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"


async def scraped(api: httpx.AsyncClient) -> dict[str, Metric]:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], family: str, suffix: str = "", **labels: str) -> float:
    (found,) = (
        sample.value
        for sample in families[family].samples
        if sample.name == family + suffix and labels.items() <= sample.labels.items()
    )
    return float(found)


async def test_queues_are_told_by_depth_age_throughput_times_and_faults(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal, document: Document
) -> None:
    jobs = [ProcessDocument(document.id, deal.id, name) for name in DocumentOperation]
    await request(jobs[:3], operations=store.operations, queue=queue)
    await drain(queue_pool, die)
    await request(jobs[3:], operations=store.operations, queue=queue)
    reply = await turn(queue_pool, "host:1:abc")
    await renewed(queue_pool, "host:1:abc", [(reply.claims[0].id, "host:1:abc#1")])
    told = await scraped(api)
    mine = {"queue": "documentProcessing"}
    assert value(told, "dealpulse_queue_jobs", state="active", **mine) == 1
    assert value(told, "dealpulse_queue_jobs", state="waiting", **mine) == 1
    assert value(told, "dealpulse_queue_kept_jobs", outcome="failed", **mine) == 3
    assert value(told, "dealpulse_queue_oldest_waiting_seconds", **mine) >= 0
    assert value(told, "dealpulse_jobs_enqueued", "_total", **mine) == 5
    assert value(told, "dealpulse_jobs_ended", "_total", outcome="failed", **mine) == 3
    assert value(told, "dealpulse_job_faults", "_total", error="Permanent", **mine) == 3
    assert value(told, "dealpulse_job_run_seconds", "_count", **mine) == 3
    assert value(told, "dealpulse_job_wait_seconds", "_count", **mine) == 4
    assert value(told, "dealpulse_job_run_seconds", "_bucket", le="+Inf", **mine) == 3
    assert value(told, "dealpulse_workers") == 2  # the test drained with one of its own
    assert value(told, "dealpulse_queue_jobs", state="waiting", queue="sourceSync") == 0
    assert value(told, "dealpulse_scrape_success", part="redis") == 1


async def test_a_histogram_only_grows_towards_infinity(
    api: httpx.AsyncClient, store: Store, queue: QueueClient, queue_pool: ArqRedis, deal: Deal, document: Document
) -> None:
    jobs = [ProcessDocument(document.id, deal.id, name) for name in DocumentOperation]
    await request(jobs, operations=store.operations, queue=queue)
    await drain(queue_pool, die)
    samples = (await scraped(api))["dealpulse_job_wait_seconds"].samples
    buckets = [
        (float(one.labels["le"]), one.value)
        for one in samples
        if one.name.endswith("_bucket") and one.labels["queue"] == "documentProcessing"
    ]
    assert buckets == sorted(buckets)
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    assert buckets[-1] == (float("inf"), 5)
    assert buckets[0][0] == 0.001


async def test_models_sources_and_budgets_are_told(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    sonnet = Origin(engine=EngineName.claude, model="claude-sonnet-5-5", confidence=Confidence.normal)
    await store.usage.record(
        deal.id, Usage(operation="document.analyze", origin=sonnet, input_tokens=900, output_tokens=50, cost_usd=0.5)
    )
    await store.deals.set_budget(deal.id, 2.0)
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "folder-1")
    await store.sources.set_state(source.id, SourceState.needs_consent)
    told = await scraped(api)
    assert value(told, "dealpulse_ai_tokens", "_total", kind="input", operation="document.analyze") == 900
    assert value(told, "dealpulse_ai_cost_usd", "_total", model="claude-sonnet-5-5") == 0.5
    assert value(told, "dealpulse_ai_spent_today_usd") == 0.5
    assert value(told, "dealpulse_budget_used_ratio", deal=deal.id) == 0.25
    assert value(told, "dealpulse_sources", type="gdrive", state="needs_consent") == 1


async def test_it_takes_a_token_that_may_read_unless_it_is_open(
    serve: Serve, clean_environment: dict[str, str]
) -> None:
    closed = Settings.load(environ={**clean_environment, "API_TOKENS": "prom:read:a-long-token-for-scraping"})
    async with serve(build_app(closed)) as api:
        assert (await api.get("/metrics")).status_code == 401
        with_token = await api.get("/metrics", headers={"authorization": "Bearer a-long-token-for-scraping"})
        assert with_token.status_code == 200
    opened = Settings.load(environ={**clean_environment, "METRICS_OPEN": "true"})
    async with serve(build_app(opened)) as api:
        assert (await api.get("/metrics")).status_code == 200
        assert (await api.get("/api/deals")).status_code == 401


async def test_openmetrics_is_told_to_who_asks_for_it(api: httpx.AsyncClient) -> None:
    answer = await api.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("away", ["REDIS", "SUPABASE"])
async def test_what_is_away_is_left_out_and_the_rest_is_told(
    serve: Serve, clean_environment: dict[str, str], away: str
) -> None:
    nowhere = {"REDIS": {"REDIS_URL": "redis://127.0.0.1:1/0"}, "SUPABASE": {"SUPABASE_URL": "http://127.0.0.1:1"}}[
        away
    ]
    environ = {**clean_environment, **nowhere, "METRICS_OPEN": "true"}
    async with serve(build_app(Settings.load(environ=environ))) as api:
        told = await scraped(api)
    assert value(told, "dealpulse_scrape_success", part=away.lower()) == 0
    assert ("dealpulse_queue_jobs" in told) is (away == "SUPABASE")
    assert ("dealpulse_ai_spent_today_usd" in told) is (away == "REDIS")


def expressions(rules: object) -> Iterable[str]:
    assert isinstance(rules, dict)
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


async def test_the_rules_for_prometheus_name_metrics_there_are(api: httpx.AsyncClient) -> None:
    rules = yaml.safe_load(RULES.read_text())
    named = {name for one in expressions(rules) for name in re.findall(r"\bdealpulse_\w+", one)}
    told = await scraped(api)
    known = {family.name for family in told.values()}
    ends = ("", "_total", "_bucket", "_count", "_sum")
    assert named
    assert {name for name in named if not any(name.removesuffix(end) in known for end in ends)} == set()
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
            assert {"summary", "description"} <= rule["annotations"].keys()
            assert rule["labels"]["severity"] in ("warning", "critical")
