"""What is made of a deal at set times, beside its daily brief: the weekly report and the risk register."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from dealpulse.ai.local import LOCAL_ORIGIN
from dealpulse.jobs import GenerateReport
from dealpulse.models import (
    BriefStatus,
    Deal,
    DeliveryKind,
    FindingStatus,
    Report,
    ReportKind,
    Severity,
)
from dealpulse.processors import deliveries, report_layout, report_week
from dealpulse.processors.brief_loading import room_of, with_evidence
from dealpulse.processors.brief_markdown import Written, counted, escaped
from dealpulse.processors.briefs import Presentation
from dealpulse.processors.report_register import as_csv, in_register
from dealpulse.processors.report_week import Week, WeekFacts
from dealpulse.queue import QueueClient
from dealpulse.store import Store

_OPEN: Final = FindingStatus.open


async def generate_report(
    job: GenerateReport,
    *,
    store: Store,
    queue: QueueClient,
    time_zone: ZoneInfo,
    presentation: Presentation,
) -> dict[str, object]:
    """Make the report, have it delivered, and return what became of it.

    Making it again replaces that day's report and sends it to nobody who was sent it before. ``time_zone`` is that of
    deals without one of their own.
    """
    deal = await store.deals.get(job.deal_id)
    if not deal.is_active:
        return {"skipped": deal.status}
    if job.kind is ReportKind.weekly_report:
        report = await _weekly(deal, job, store=store, zone=deal.zone(time_zone), presentation=presentation)
    else:
        report = await _register(deal, job, store=store)
    await store.reports.save(report)
    await deliveries.plan(deal.id, DeliveryKind(job.kind.value), job.date, store=store, queue=queue)
    return {"kind": job.kind.value, "status": report.status.value}


# --- the week -------------------------------------------------------------------------------------------------------


async def _weekly(
    deal: Deal, job: GenerateReport, *, store: Store, zone: ZoneInfo, presentation: Presentation
) -> Report:
    told = await _week_facts(deal, Week.ending(job.date, zone), store=store, zone=zone, presentation=presentation)
    written = Written(
        facts=told.facts,
        headline=report_week.headline(told),
        summary=report_week.summary(told),
        note=None,
        status=BriefStatus.partial if told.facts.shortcomings else BriefStatus.complete,
        origin=LOCAL_ORIGIN,
    )
    prose = {"headline": written.headline, "summary": written.summary}
    return Report(
        deal_id=deal.id,
        kind=job.kind,
        report_date=job.date,
        status=written.status,
        headline=written.headline,
        markdown=await asyncio.to_thread(report_layout.markdown, told, written),
        html=await asyncio.to_thread(report_layout.html, told, written),
        content=msgspec.to_builtins(told) | prose,
    )


async def _week_facts(deal: Deal, week: Week, *, store: Store, zone: ZoneInfo, presentation: Presentation) -> WeekFacts:
    room = await room_of(deal.id, await store.operations.of_deal(deal.id), store=store)
    costs = await store.usage.by_day(deal.id, zone=zone, first=week.first, last=week.last)
    told = report_week.gather_week(
        deal_name=deal.name,
        week=week,
        room=room,
        findings=await store.findings.of_deal(deal.id),
        blockers=await store.blockers.of_deal(deal.id),
        ended=await store.reports.findings_ended(deal.id, since=week.since, until=week.until),
        earlier=await store.briefs.latest_before(deal.id, week.first),
        briefs=await store.reports.briefs_written(deal.id, first=week.first, last=week.last),
        ai_cost_usd=sum(cost.cost_usd for cost in costs),
        expected=presentation.expected,
        public_url=presentation.public_url,
    )
    return msgspec.structs.replace(told, facts=await with_evidence(told.facts, room, store=store))


# --- the register ---------------------------------------------------------------------------------------------------


async def _register(deal: Deal, job: GenerateReport, *, store: Store) -> Report:
    findings = await store.findings.of_deal(deal.id)
    listed = [finding for finding in findings if in_register(finding)]
    counts = Counter(finding.severity for finding in listed if finding.status is _OPEN)
    headline = (
        f"{counted(sum(counts.values()), 'open risk')}: "
        + ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity)
        + f"; {len(listed) - sum(counts.values())} no longer open"
    )
    return Report(
        deal_id=deal.id,
        kind=job.kind,
        report_date=job.date,
        status=BriefStatus.complete,
        headline=headline,
        markdown=_register_note(deal, job, headline, left_out=len(findings) - len(listed)),
        csv=await asyncio.to_thread(as_csv, listed),
        content={"open": {severity.value: counts[severity] for severity in Severity}, "listed": len(listed)},
    )


def _register_note(deal: Deal, job: GenerateReport, headline: str, *, left_out: int) -> str:
    """What goes with the table."""
    lines = [
        f"# {escaped(deal.name)}: risk register, {job.date}",
        "",
        f"{headline}. The table comes with this message.",
    ]
    if left_out:
        lines += ["", f"{counted(left_out, 'finding')} left out: the quotes do not stand in the documents."]
    return "\n".join(lines) + "\n"
