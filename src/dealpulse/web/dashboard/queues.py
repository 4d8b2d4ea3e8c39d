"""A queue: paused and resumed, and what it did over an hour, a day and two weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from dealpulse.errors import NotFound
from dealpulse.jobs import QUEUES, Queue
from dealpulse.queue import Unit
from dealpulse.queue.metrics import Figures, Histogram, Series
from dealpulse.web.api import queues as api
from dealpulse.web.dashboard.charts import Line, legend, lines
from dealpulse.web.dashboard.forms import Form, doing
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.routing import ApiRequest, Endpoint
from dealpulse.web.wire import PauseRequest


@dataclass(frozen=True)
class Span:
    """How far back a chart looks; ``at_once`` intervals are one point of it."""

    name: str
    unit: Unit
    last: int
    at_once: int = 1


SPANS: Final = {
    "1h": Span("1 hour", Unit.minute, 60),
    "24h": Span("24 hours", Unit.minute, 24 * 60, 10),
    "14d": Span("14 days", Unit.hour, 14 * 24),
}


@dataclass(frozen=True)
class Chart:
    title: str
    drawn: Markup
    legend: Markup


async def charts(request: ApiRequest) -> Response:
    """What one queue did."""
    queue = _queue(request.query_params.get("queue", QUEUES[0].slug))
    chosen = request.query_params.get("span", "1h")
    if chosen not in SPANS:
        raise NotFound("There are charts of 1h, 24h and 14d.", code="unknown_span")
    span = SPANS[chosen]
    series = await request.state["desk"].metrics.series(queue.key, span.unit, last=span.last)
    return render(
        request,
        "charts.html",
        queue=queue,
        queues=QUEUES,
        chosen=chosen,
        spans=SPANS,
        charts=_charts(series, span, str(request.state["intake"].time_zone)),
    )


def _charts(series: Series, span: Span, zone: str) -> list[Chart]:
    points = _points(series, span.at_once)
    times = [point.start for point in points]

    def chart(title: str, *drawn: Line, unit: str = "") -> Chart:
        return Chart(title, lines(drawn, times, said=f"{title}, {span.name}", unit=unit, zone=zone), legend(drawn))

    per = "a minute" if span.unit is Unit.minute and span.at_once == 1 else f"in {span.at_once} min"
    per = "an hour" if span.unit is Unit.hour else per
    return [
        chart(
            f"Throughput, jobs {per}",
            Line("asked for", [float(one.sum.enqueued) for one in points], "second"),
            Line("done", [float(one.sum.completed) for one in points], "first"),
        ),
        chart(
            f"Failures, {per}",
            Line("failed for good", [float(one.sum.failed) for one in points], "bad"),
            Line("tried again", [float(one.sum.retried) for one in points], "warn"),
            Line("crashed", [float(one.sum.crashed) for one in points], "third"),
        ),
        chart(
            "Wait, from due to begun",
            *(
                Line(f"p{share}", [one.sum.waits.percentile(share / 100) for one in points], tone)
                for share, tone in _SHARES
            ),
            unit="ms",
        ),
        chart(
            "Run",
            *(
                Line(f"p{share}", [one.sum.runs.percentile(share / 100) for one in points], tone)
                for share, tone in _SHARES
            ),
            unit="ms",
        ),
        chart("Depth, jobs waiting", Line("waiting", [one.depth for one in points], "first")),
    ]


_SHARES: Final = ((50, "first"), (95, "second"), (99, "third"))


def _percentiles(times: Sequence[Histogram]) -> list[Line]:
    return [Line(f"p{share}", [one.percentile(share / 100) for one in times], tone) for share, tone in _SHARES]


@dataclass(frozen=True)
class _Point:
    """Some intervals as one."""

    start: datetime
    sum: Figures
    depth: float | None
    """The deepest."""


def _points(series: Series, at_once: int) -> list[_Point]:
    parts = [series.intervals[start : start + at_once] for start in range(0, len(series.intervals), at_once)]
    return [
        _Point(
            start=part[0].start,
            sum=replace(series, intervals=part).sum,
            depth=max((one.depth for one in part if one.depth is not None), default=None),
        )
        for part in parts
    ]


def _queue(slug: str) -> Queue:
    found = next((queue for queue in QUEUES if slug in (queue.slug, queue.name)), None)
    if found is None:
        raise NotFound("There is no such queue.", code="unknown_queue")
    return found


async def pause(request: ApiRequest, _: Form) -> str:
    done = await api.pause(request, PauseRequest())
    return f"{done.queue} is paused: what runs ends, nothing else begins."


async def resume(request: ApiRequest, _: Form) -> str:
    done = await api.resume(request, PauseRequest())
    return f"{done.queue} goes on."


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    showing("/charts", charts),
    doing("/queues/{slug}/pause", pause),
    doing("/queues/{slug}/resume", resume),
)
