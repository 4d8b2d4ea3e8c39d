"""The arq settings classes tell the truth about what the engines do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from arq.worker import Function, get_kwargs

from dealpulse.jobs import DAILY_BRIEF, DOCUMENTS, EMAILS, QUEUES, SOURCE_SYNC, Queue
from dealpulse.settings import Settings
from dealpulse.worker.entry import CLASS_NAMES, build_class
from dealpulse.worker.handlers import BINDINGS


def kwargs_of(settings: Settings, *queues: Queue) -> dict[str, object]:
    return dict(get_kwargs(build_class("X", settings, queues)))


@pytest.mark.parametrize(
    ("queue", "names", "time_limit", "tries", "at_once"),
    [
        (DAILY_BRIEF, ["generate_daily_brief", "generate_report", "deliver"], 300, 3, 2),
        (DOCUMENTS, ["process_document"], 600, 4, 5),
        (EMAILS, ["process_email"], 120, 4, 10),
        (SOURCE_SYNC, ["sync_source", "check_source"], 1800, 5, 3),
    ],
)
async def test_a_class_of_one_queue_names_its_functions_and_limits(
    settings: Settings, queue: Queue, names: list[str], time_limit: float, tries: int, at_once: int
) -> None:
    kwargs = kwargs_of(settings, queue)
    functions = kwargs["functions"]
    assert isinstance(functions, list)
    assert all(isinstance(one, Function) for one in functions)
    assert [(one.name, one.timeout_s, one.max_tries) for one in functions] == [
        (name, time_limit, tries) for name in names
    ]
    assert kwargs["queue_name"] == queue.key
    assert kwargs["max_jobs"] == at_once
    assert kwargs["redis_settings"] is not None


async def test_the_class_of_all_queues_knows_every_function_and_answers_on_arqs_own_queue(settings: Settings) -> None:
    kwargs = kwargs_of(settings, *QUEUES)
    functions = kwargs["functions"]
    assert isinstance(functions, list)
    assert {one.name for one in functions} == {binding.coroutine.__name__ for binding in BINDINGS}
    assert kwargs["queue_name"] == "arq:queue"


async def test_the_daily_brief_is_a_cron_job_in_the_services_zone(settings: Settings) -> None:
    cron = {job.name: job for job in kwargs_of(settings, DAILY_BRIEF)["cron_jobs"]}  # type: ignore[attr-defined]
    brief = cron["cron:daily_brief"]
    # The clocks of New York go back on 1 November 2026: eight o'clock moves from 12:00 to 13:00 UTC.
    brief.calculate_next(datetime(2026, 10, 31, 13, tzinfo=UTC))
    assert brief.next_run == datetime(2026, 11, 1, 13, tzinfo=UTC)
    assert "cron:reconcile" in cron


async def test_the_password_of_redis_is_not_in_the_class(settings: Settings) -> None:
    password = settings.redis.password
    assert password is not None
    assert password.reveal() not in repr(kwargs_of(settings, DOCUMENTS)["redis_settings"])


def test_every_queue_has_a_function_and_a_class() -> None:
    assert list(dict.fromkeys(binding.queue for binding in BINDINGS)) == list(QUEUES)
    assert [queue for queue in CLASS_NAMES.values() if queue] == list(QUEUES)
