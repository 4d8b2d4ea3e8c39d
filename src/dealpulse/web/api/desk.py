"""What operators look at and mend: dead letters, figures over time, workers, schedules, limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import Queue, queue_named
from dealpulse.queue import Interval, Kept, Letters, Unit
from dealpulse.queue.desk import DEPENDENCIES
from dealpulse.web.api.job_lists import lines
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get, get_query, post, post_json
from dealpulse.web.wire import (
    CleanedAnswer,
    CleanRequest,
    DeadGroupsAnswer,
    DeadGroupView,
    DiscardedAnswer,
    LettersRequest,
    LimitsAnswer,
    ReleasedAnswer,
    ReplayedAnswer,
    ScheduledRunAnswer,
    ScheduleLine,
    SeriesAnswer,
    SeriesPoint,
    SeriesQuery,
    TimetableAnswer,
    WorkerLine,
    WorkersAnswer,
)

_ARQ_QUEUE: Final = "arq:queue"
_LONGEST_AGO: Final = 10 * 366 * 86_400.0


async def dead_groups(request: ApiRequest) -> DeadGroupsAnswer:
    """A queue's dead letters by what they died of, the fault met last first."""
    groups = await request.state["desk"].history.dead_groups(_key(request))
    return DeadGroupsAnswer(
        groups=[
            DeadGroupView(
                fingerprint=group.fingerprint,
                error_class=group.error_class,
                code=group.code,
                message=group.message,
                function=group.function,
                count=group.count,
                first_at=group.first_at,
                last_at=group.last_at,
                job_ids=group.job_ids,
            )
            for group in groups
        ]
    )


async def replay(request: ApiRequest, asked: LettersRequest) -> ReplayedAnswer:
    """Run dead letters again, the oldest first."""
    letters = Letters(job_id=asked.job_id, fingerprint=asked.fingerprint)
    told = await request.state["intake"].replay(_key(request), letters, per_second=asked.per_second)
    return ReplayedAnswer(replayed=told.replayed, busy=told.busy, refused=told.refused, lost=told.lost)


async def discard(request: ApiRequest, asked: LettersRequest) -> DiscardedAnswer:
    """Throw dead letters away; the rows of what they were to do go on saying that it failed."""
    if asked.per_second is not None:
        raise invalid("Throwing away has no rate.", code="invalid_rate", field="perSecond")
    letters = Letters(job_id=asked.job_id, fingerprint=asked.fingerprint)
    return DiscardedAnswer(discarded=await request.state["intake"].discard(_key(request), letters))


async def clean(request: ApiRequest, asked: CleanRequest) -> CleanedAnswer:
    """Forget what is kept of jobs that ended; their rows go on saying how."""
    if asked.state not in tuple(Kept):
        raise invalid("There is no such state.", code="unknown_state", valid=list(Kept))
    if not 0 <= asked.older_than_seconds <= _LONGEST_AGO:
        raise invalid("Say how long ago in seconds.", code="invalid_span", field="olderThanSeconds")
    older = timedelta(seconds=asked.older_than_seconds)
    cleaned = await request.state["intake"].clean(_key(request), Kept(asked.state), older_than=older)
    return CleanedAnswer(cleaned=cleaned)


async def series(request: ApiRequest, asked: SeriesQuery) -> SeriesAnswer:
    """What a queue did, interval by interval, without holes; the last one is not over yet."""
    queue = _queue(request)
    if asked.unit not in tuple(Unit):
        raise invalid("There is no such unit.", code="unknown_unit", valid=list(Unit))
    found = await request.state["desk"].metrics.series(queue.key, Unit(asked.unit), last=asked.last)
    return SeriesAnswer(queue=queue.name, unit=asked.unit, points=[_point(each) for each in found.intervals])


async def workers(request: ApiRequest) -> WorkersAnswer:
    """The workers alive, and what each runs."""
    alive = await request.state["queue"].workers()
    return WorkersAnswer(
        workers=[WorkerLine(worker=one.worker, about=one.about, jobs=lines(one.jobs)) for one in alive]
    )


async def schedules(request: ApiRequest) -> TimetableAnswer:
    """What runs at set times, with its last run and the next ones, in UTC."""
    return TimetableAnswer(
        schedules=[
            ScheduleLine(
                name=one.name,
                expression=one.expression,
                zone=one.zone,
                last_run=one.last_run,
                next_runs=one.next_runs,
            )
            for one in await request.state["desk"].schedules()
        ]
    )


async def run_schedule(request: ApiRequest) -> ScheduledRunAnswer:
    """Run a schedule now, as its time would: deals with a zone of their own get their brief at its time there.

    ``POST /api/queue/trigger-daily-briefs`` asks for everybody's at once.
    """
    name = request.path_params["schedule"]
    return ScheduledRunAnswer(schedule=name, job_id=await request.state["desk"].run_schedule(name))


async def limits(request: ApiRequest) -> LimitsAnswer:
    """Accounts nobody asks for a while, and dependencies that do not answer."""
    closed, away = await request.state["desk"].closed()
    return LimitsAnswer(closed=closed, away={name: one.since for name, one in away.items()})


async def release(request: ApiRequest) -> ReleasedAnswer:
    """Let an account be asked again before its time."""
    account = request.path_params["account"]
    if account not in DEPENDENCIES:
        raise NotFound("There is no such account.", code="unknown_account")
    await request.state["desk"].buckets.release(account)
    return ReleasedAnswer(account=account)


def _key(request: ApiRequest) -> str:
    """Of a queue of ours, or of arq's own, where jobs land that named none."""
    slug: str = request.path_params["slug"]
    return slug if slug == _ARQ_QUEUE else _queue(request).key


def _queue(request: ApiRequest) -> Queue:
    try:
        return queue_named(request.path_params["slug"])
    except Invalid as error:
        raise NotFound(error.message, code=error.code) from error


def _point(interval: Interval) -> SeriesPoint:
    return SeriesPoint(
        start=interval.start,
        enqueued=interval.enqueued,
        completed=interval.completed,
        failed=interval.failed,
        cancelled=interval.cancelled,
        retried=interval.retried,
        crashed=interval.crashed,
        depth=interval.depth,
        wait_p50=interval.waits.p50,
        wait_p95=interval.waits.p95,
        wait_p99=interval.waits.p99,
        run_p50=interval.runs.p50,
        run_p95=interval.runs.p95,
        run_p99=interval.runs.p99,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get("/queue/{slug}/dead", dead_groups),
    post_json("/queue/{slug}/replay", replay, takes=LettersRequest),
    post_json("/queue/{slug}/discard", discard, takes=LettersRequest),
    post_json("/queue/{slug}/clean", clean, takes=CleanRequest),
    get_query("/queue/{slug}/series", series, asks=SeriesQuery),
    get("/workers", workers),
    get("/schedules", schedules),
    post("/schedules/{schedule}/run", run_schedule),
    get("/limits", limits),
    post("/limits/{account}/release", release),
)
