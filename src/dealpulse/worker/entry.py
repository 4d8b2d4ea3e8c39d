"""How the arq settings classes are built from settings: truthful ones, whose numbers are those the engines use."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import uvloop
from arq.connections import RedisSettings as ArqRedisSettings
from arq.constants import default_queue_name
from arq.worker import Function, func

from dealpulse import logs
from dealpulse.extraction.confine import hide_from_equals
from dealpulse.jobs import DAILY_BRIEF, DOCUMENTS, EMAILS, QUEUES, SOURCE_SYNC, Queue
from dealpulse.queue.connection import build_pool
from dealpulse.queue.engine import EngineSettings
from dealpulse.queue.serializer import deserialize, serialize
from dealpulse.settings import RedisSettings, Settings, SettingsError
from dealpulse.worker.execute import Policy, Runnable
from dealpulse.worker.fleet import Fleet, Lane
from dealpulse.worker.handlers import BINDINGS
from dealpulse.worker.root import RootPool
from dealpulse.worker.schedule import cron_jobs

CLASS_NAMES: Final[Mapping[str, Queue | None]] = {
    "WorkerSettings": None,
    "DailyBriefWorkerSettings": DAILY_BRIEF,
    "DocumentWorkerSettings": DOCUMENTS,
    "EmailWorkerSettings": EMAILS,
    "SourceSyncWorkerSettings": SOURCE_SYNC,
}
"""Which queue each class drains; None is all of them."""

_SERVICE: Final = "worker"
_EXIT_BAD_SETTINGS: Final = 2
_ANY_QUEUE_CONCURRENCY: Final = 5
_HEALTH_SECONDS: Final = 30
_KEEP_RESULT_SECONDS: Final = 3600


class _SecretiveRedisSettings(ArqRedisSettings):
    """arq's settings without its ``repr``, which prints the password."""

    def __repr__(self) -> str:
        return f"RedisSettings(host={self.host!r}, port={self.port!r}, database={self.database!r})"


@functools.cache
def settings_class(name: str) -> type:
    """The arq settings class called ``name``, from this process's settings (see :func:`class_for`)."""
    only = CLASS_NAMES[name]
    return class_for(name, QUEUES if only is None else (only,))


def class_for(name: str, queues: Sequence[Queue]) -> type:
    """An arq settings class draining ``queues``, from this process's settings, once logging and loop are set up.

    Ends the process with code 2 and one JSON line when the settings are wrong.
    """
    try:
        settings = Settings.load()
    except SettingsError as error:
        logs.report_fatal(error, service=_SERVICE)
        sys.exit(_EXIT_BAD_SETTINGS)
    logs.configure(settings.log, service=_SERVICE)
    hide_from_equals()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    return build_class(name, settings, queues)


def build_class(name: str, settings: Settings, queues: Sequence[Queue]) -> type:
    """An arq settings class draining ``queues``; several share a process and answer on arq's default queue too.

    Everything stands in the class's own ``__dict__``: arq ignores what is inherited.
    """
    pool = build_pool(settings.redis, RootPool)
    lanes = _lanes(settings, queues)
    pool.queues = tuple(lane.engine.queue for lane in lanes)
    fleet = Fleet(settings, lanes)
    mine = [binding for binding in BINDINGS if binding.queue in queues]
    attributes: dict[str, Any] = {
        "__doc__": f"Drains {', '.join(queue.name for queue in queues)}.",
        "__module__": "dealpulse.worker",
        "functions": [_function(binding.coroutine, settings, binding.queue) for binding in mine],
        "queue_name": queues[0].key if len(queues) == 1 else default_queue_name,
        "max_jobs": sum(settings.queues[queue.name].concurrency for queue in queues),
        "job_timeout": max(settings.queues[queue.name].time_limit for queue in queues),
        "max_tries": max(settings.queues[queue.name].attempts for queue in queues),
        "keep_result": _KEEP_RESULT_SECONDS,
        "cron_jobs": cron_jobs(settings),
        "redis_settings": _arq_redis(settings.redis),
        "redis_pool": pool,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "health_check_interval": _HEALTH_SECONDS,
        "timezone": settings.time_zone,
        "on_startup": fleet.start,
        "on_shutdown": fleet.stop,
    }
    return type(name, (), attributes)


def _function(coroutine: Any, settings: Settings, queue: Queue) -> Function:
    mine = settings.queues[queue.name]
    return func(coroutine, name=coroutine.__name__, timeout=mine.time_limit, max_tries=mine.attempts)


def _lanes(settings: Settings, queues: Sequence[Queue]) -> tuple[Lane, ...]:
    ticks = {
        job.name: Runnable(job.coroutine, Policy(job.max_tries or 1, 5.0, float(job.timeout_s or 300)))
        for job in cron_jobs(settings)
    }
    lanes = []
    everything: dict[str, Runnable] = dict(ticks)
    for queue in queues:
        mine = settings.queues[queue.name]
        policy = Policy(mine.attempts, mine.backoff_base, mine.time_limit)
        functions = {
            binding.coroutine.__name__: Runnable(binding.coroutine, policy, binding.parse, binding.needs)
            for binding in BINDINGS
            if binding.queue is queue
        }
        everything |= functions
        engine = EngineSettings(
            queue=queue.key,
            concurrency=mine.concurrency,
            keep_completed=mine.keep_completed,
            keep_failed=mine.keep_failed,
            per_deal=mine.per_deal,
            limit=mine.limit,
        )
        lanes.append(Lane(engine, functions | ticks))
    if len(queues) > 1:
        engine = EngineSettings(queue=default_queue_name, concurrency=_ANY_QUEUE_CONCURRENCY)
        lanes.append(Lane(engine, everything))
    return tuple(lanes)


def _arq_redis(redis: RedisSettings) -> ArqRedisSettings:
    """What arq's ``--check`` connects with."""
    password = redis.password.reveal() if redis.password else None
    if redis.sentinels:
        return _SecretiveRedisSettings(
            host=list(redis.sentinels),
            sentinel=True,
            sentinel_master=redis.sentinel_master or "mymaster",
            username=redis.username,
            password=password,
            database=redis.database,
            ssl=redis.tls,
        )
    return _SecretiveRedisSettings(
        host=redis.host,
        port=redis.port,
        username=redis.username,
        password=password,
        database=redis.database,
        ssl=redis.tls,
    )
