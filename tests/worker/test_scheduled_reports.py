"""Reports by their schedules in the database: once per due time, whoever comes, and made up where nobody did."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from dealpulse import subscriptions
from dealpulse.jobs import GenerateReport
from dealpulse.models import Deal, ReportKind, ReportSchedule
from dealpulse.store import Store
from dealpulse.worker.schedule import ask_due_reports
from fakes.receiver import webhook_receiver
from worker.workers import Start

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WINDOW = 6 * HOUR
NEW_YORK = ZoneInfo("America/New_York")


async def _scheduled(store: Store, deal: Deal, cron: str, zone: str, *, made: datetime) -> ReportSchedule:
    """A schedule that was made some time ago."""
    added = await store.report_schedules.add(deal.id, ReportKind.weekly_report, cron=cron, time_zone=zone)
    assert await store.report_schedules.ask(added, made, None)
    return replace(added, asked_until=made)


async def _asked_for(store: Store, deal: Deal) -> list[str]:
    return [one.name for one in await store.operations.of_deal(deal.id)]


async def test_a_report_is_asked_for_once_however_many_workers_find_it_due(store: Store, deal: Deal) -> None:
    nine = datetime(2026, 6, 1, 9, tzinfo=NEW_YORK)
    await _scheduled(store, deal, "0 9 * * MON", "America/New_York", made=nine - DAY)
    assert await ask_due_reports(store, now=nine - SECOND, late=WINDOW) == []
    found = await asyncio.gather(*(ask_due_reports(store, now=nine + SECOND, late=WINDOW) for _ in range(8)))
    due = GenerateReport(deal.id, ReportKind.weekly_report, date(2026, 6, 1))
    assert [job for jobs in found for job in jobs] == [due]
    assert await ask_due_reports(store, now=nine + HOUR, late=WINDOW) == []
    assert await _asked_for(store, deal) == [due.operation.name]


async def test_of_the_reports_nobody_was_there_for_the_latest_is_made_up_unless_it_is_too_late(
    store: Store, deal: Deal
) -> None:
    monday = datetime(2026, 6, 1, 9, tzinfo=UTC)
    await _scheduled(store, deal, "0 9 * * *", "UTC", made=monday - HOUR)
    back = monday + 3 * DAY + 2 * HOUR
    (job,) = await ask_due_reports(store, now=back, late=WINDOW)
    assert job == GenerateReport(deal.id, ReportKind.weekly_report, date(2026, 6, 4))
    much_later = monday + 5 * DAY + 8 * HOUR
    assert await ask_due_reports(store, now=much_later, late=WINDOW) == []
    assert await ask_due_reports(store, now=much_later, late=DAY) == [], "given up is given up"
    assert len(await ask_due_reports(store, now=monday + 6 * DAY, late=WINDOW)) == 1


@pytest.mark.parametrize(
    ("zone", "first"),
    [("America/New_York", "2026-03-06"), ("America/New_York", "2026-10-30"), ("Europe/Berlin", "2026-10-23")],
)
async def test_a_report_has_one_run_a_day_where_the_clock_changes(
    store: Store, deal: Deal, zone: str, first: str
) -> None:
    now = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone))
    await _scheduled(store, deal, "30 2 * * *", zone, made=now)
    jobs = []
    for _ in range(24 * 4 + 3):
        now = (now.astimezone(UTC) + HOUR).astimezone(ZoneInfo(zone))
        jobs += await ask_due_reports(store, now=now, late=WINDOW)
    days = [job.id.rpartition(":")[2] for job in jobs]
    assert days == [(date.fromisoformat(first) + timedelta(days=number)).isoformat() for number in range(len(days))]
    assert len(days) in (4, 5)


async def test_a_schedule_that_cannot_be_read_does_not_stop_the_others(store: Store, deal: Deal) -> None:
    nine = datetime(2026, 6, 1, 9, tzinfo=UTC)
    for cron, zone in [("0 9 31 2 *", "UTC"), ("0 9 * * *", "Mars/Olympus"), ("0 9 * * *", "UTC")]:
        await _scheduled(store, deal, cron, zone, made=nine - HOUR)
    assert len(await ask_due_reports(store, now=nine, late=WINDOW)) == 1


async def test_a_report_missed_while_no_worker_was_up_is_made_and_delivered_once_when_two_start_together(
    start: Start, store: Store, deal: Deal
) -> None:
    now = datetime.now(UTC)
    due = (now - 20 * MINUTE).replace(second=0, microsecond=0)
    await _scheduled(store, deal, f"{due.minute} {due.hour} * * *", "UTC", made=due - HOUR)
    with webhook_receiver() as receiver:
        await subscriptions.add_recipient(deal.id, "webhook", receiver.url, kinds=["weekly_report"], store=store)
        variables = {"DELIVERY_ALLOW_PRIVATE": "true", "DAILY_BRIEF_TIME": "0 0 1 1 *"}
        async with (
            start("DailyBriefWorkerSettings", "--burst", **variables) as one,
            start("DailyBriefWorkerSettings", "--burst", **variables) as other,
        ):
            assert await one.ends() == 0
            assert await other.ends() == 0
        assert len(receiver.received) == 1
    report = await store.reports.get(deal.id, ReportKind.weekly_report, due.date())
    assert report.markdown.startswith("# Kestrel: weekly report")
