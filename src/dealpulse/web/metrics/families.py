"""A reading as Prometheus has it. ``docs/alerts.md`` lists every name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from dealpulse.alerts import Rule
from dealpulse.queue.metrics import Histogram
from dealpulse.web.readings import QueuePart, Reading, StorePart

_BUCKETS: Final = tuple(range(0, 46, 2))
"""Of those the scripts count in, every second: bounds from 1 ms to 70 min, each twice the one before."""
_AI_TOKENS: Final = ("input", "output", "cache_read", "cache_write")

Samples: TypeAlias = Iterable[tuple[Sequence[str], float]]


class ReadingCollector(Collector):
    """Tells one reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        reading = self._reading
        yield InfoMetricFamily("dealpulse_build", "What runs here.", value={"version": reading.version})
        parts = {"redis": reading.queues, "supabase": reading.store}
        yield _gauge(
            "dealpulse_scrape_success",
            "Whether this part of the scrape could be read; its figures are missing otherwise.",
            ("part",),
            (((name,), float(part is not None)) for name, part in parts.items()),
        )
        if reading.queues is not None:
            yield from _of_queues(reading.queues)
        if reading.store is not None:
            yield from _of_store(reading.store, reading.default_budget_usd)


def _of_queues(part: QueuePart) -> Iterator[Metric]:
    live = ("waiting", "delayed", "active", "parked")
    kept = ("completed", "failed", "cancelled")
    stats, ever, queue = part.stats, part.ever, ("queue",)
    yield _gauge(
        "dealpulse_queue_jobs",
        "Jobs on the queue, by state.",
        ("queue", "state"),
        (((name, state), getattr(each, state)) for name, each in stats.items() for state in live),
    )
    yield _gauge(
        "dealpulse_queue_kept_jobs",
        "Runs kept of jobs that ended, by how.",
        ("queue", "outcome"),
        (((name, outcome), getattr(each, outcome)) for name, each in stats.items() for outcome in kept),
    )
    yield _gauge(
        "dealpulse_queue_oldest_waiting_seconds",
        "For how long the job that waits longest does.",
        queue,
        (((name,), each.oldest_waiting_ms / 1000) for name, each in stats.items()),
    )
    yield _gauge(
        "dealpulse_queue_paused",
        "Whether an operator has paused the queue.",
        queue,
        (((name,), float(each.paused)) for name, each in stats.items()),
    )
    yield _counter(
        "dealpulse_jobs_enqueued", "Jobs enqueued.", queue, (((n,), e.totals["enqueued"]) for n, e in ever.items())
    )
    yield _counter(
        "dealpulse_jobs_ended",
        "Jobs that ended, by how; failed ones are dead letters.",
        ("queue", "outcome"),
        (((name, outcome), each.totals[outcome]) for name, each in ever.items() for outcome in kept),
    )
    yield _counter(
        "dealpulse_job_retries",
        "Runs that are tried again.",
        queue,
        (((n,), e.totals["retried"]) for n, e in ever.items()),
    )
    yield _counter(
        "dealpulse_job_crashes",
        "Runs that went down with their worker.",
        queue,
        (((name,), each.totals["crashed"]) for name, each in ever.items()),
    )
    yield _counter(
        "dealpulse_dead_letters_evicted",
        "Dead letters no longer kept.",
        queue,
        (((name,), each.totals["evicted"]) for name, each in ever.items()),
    )
    yield _counter(
        "dealpulse_job_faults",
        "Runs that did not end well, by the error's class.",
        ("queue", "error"),
        (((name, error), count) for name, each in ever.items() for error, count in each.faults.items()),
    )
    yield _histogram(
        "dealpulse_job_wait_seconds",
        "From when a job was due to when it began.",
        {name: (each.waits, each.waits_ms) for name, each in ever.items()},
    )
    yield _histogram(
        "dealpulse_job_run_seconds",
        "How long runs took, however they ended.",
        {name: (each.runs, each.runs_ms) for name, each in ever.items()},
    )
    yield _gauge("dealpulse_workers", "Worker processes alive.", (), [((), part.alive)])
    yield _gauge(
        "dealpulse_queue_workers",
        "Worker processes alive that drain the queue.",
        queue,
        (((name,), part.workers[name]) for name in stats),
    )
    yield _gauge(
        "dealpulse_limit_closed_seconds",
        "For how long nobody asks this account.",
        ("account",),
        (((account,), seconds) for account, seconds in part.closed.items()),
    )
    yield _gauge(
        "dealpulse_dependency_away",
        "Whether the workers found that it does not answer.",
        ("dependency",),
        (((dependency,), float(away)) for dependency, away in part.away.items()),
    )
    yield _gauge(
        "dealpulse_alerts_firing",
        "Built-in alerts that fire, by rule.",
        ("rule",),
        (((rule.value,), part.firing[rule.value]) for rule in Rule),
    )


def _of_store(part: StorePart, default_budget_usd: float) -> Iterator[Metric]:
    by = ("operation", "engine", "model")
    costs = [((each.operation, each.engine.value, each.model), each) for each in part.costs]
    yield _counter("dealpulse_ai_answers", "Answers of models.", by, ((labels, each.calls) for labels, each in costs))
    yield _counter(
        "dealpulse_ai_tokens",
        "Tokens as the vendor billed them.",
        (*by, "kind"),
        (((*labels, kind), getattr(each, f"{kind}_tokens")) for labels, each in costs for kind in _AI_TOKENS),
    )
    yield _counter(
        "dealpulse_ai_cost_usd", "What models cost.", by, ((labels, each.cost_usd) for labels, each in costs)
    )
    yield _gauge(
        "dealpulse_ai_spent_today_usd",
        "What models cost the active deals today.",
        (),
        [((), sum(each.spent_usd for each in part.spending))],
    )
    budgets = [(each, default_budget_usd if each.budget_usd is None else each.budget_usd) for each in part.spending]
    yield _gauge(
        "dealpulse_budget_used_ratio",
        "Share of its daily budget a deal has spent; deals without a budget are left out.",
        ("deal",),
        (((each.deal_id,), each.spent_usd / budget) for each, budget in budgets if budget),
    )
    kinds = {(source.type.value, source.state.value) for source in part.sources}
    yield _gauge(
        "dealpulse_sources",
        "Sources, by type and state.",
        ("type", "state"),
        (
            (kind, sum((source.type.value, source.state.value) == kind for source in part.sources))
            for kind in sorted(kinds)
        ),
    )
    ages: dict[str, float] = {}
    for source in part.sources:
        if source.last_synced_at is not None:
            age = (part.read_at - source.last_synced_at).total_seconds()
            ages[source.type.value] = max(age, ages.get(source.type.value, 0.0))
    yield _gauge(
        "dealpulse_source_sync_age_seconds",
        "How long ago the source that was synced longest ago was.",
        ("type",),
        (((kind,), age) for kind, age in sorted(ages.items())),
    )


def _gauge(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _histogram(name: str, told: str, times: Mapping[str, tuple[Histogram, int]]) -> Metric:
    family = HistogramMetricFamily(name, told, labels=("queue",))
    for queue, (histogram, total_ms) in times.items():
        bounds = [(f"{2 ** (bucket / 2) / 1000:g}", histogram.up_to(bucket)) for bucket in _BUCKETS]
        family.add_metric([queue], buckets=[*bounds, ("+Inf", histogram.count)], sum_value=total_ms / 1000)
    return family
