"""What the daily-brief queue does: write one deal's brief for one of its days."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import msgspec
import structlog

from dealpulse.ai.contract import Answer, Engine
from dealpulse.ai.local import LOCAL_ORIGIN
from dealpulse.errors import DealPulseError
from dealpulse.jobs import GenerateDailyBrief
from dealpulse.models import (
    Brief,
    BriefStatus,
    Operation,
    OperationState,
    SubjectType,
    Usage,
)
from dealpulse.processors.brief_facts import BriefFacts, gather
from dealpulse.processors.brief_markdown import render
from dealpulse.processors.operations.catalogue.brief import brief_question
from dealpulse.processors.operations.schemas import BriefAnswer
from dealpulse.store import Store

PROSE_FAILED: Final = "brief_prose_failed"
_UNDER_WAY: Final = frozenset({OperationState.pending, OperationState.queued, OperationState.running})

_log = structlog.get_logger("dealpulse.processors.briefs")


async def generate_daily_brief(job: GenerateDailyBrief, *, store: Store, engine: Engine) -> dict[str, object]:
    """Write the brief and return what is in it, in numbers. Writing it again replaces that day's brief.

    A brief appears on time even when documents are still being read or the model is away; it then says so and is
    ``partial``.
    """
    deal = await store.deals.get(job.deal_id)
    if not deal.is_active:
        return {"skipped": deal.status}
    facts = gather(
        deal_name=deal.name,
        brief_date=job.date,
        documents=await store.documents.of_deal(deal.id),
        emails=await store.emails.of_deal(deal.id),
        findings=await store.findings.of_deal(deal.id),
        blockers=await store.blockers.of_deal(deal.id),
        pending=_under_way(await store.operations.of_deal(deal.id)),
        earlier=await store.briefs.latest_before(deal.id, job.date),
    )
    answer, complete = await _prose(facts, engine, payer=deal.id)
    status = BriefStatus.complete if complete and not facts.pending else BriefStatus.partial
    prose = answer.value
    content = msgspec.to_builtins(facts) | {"headline": prose.headline, "summary": prose.summary}
    await store.briefs.save(
        Brief(
            deal_id=deal.id,
            brief_date=job.date,
            status=status,
            markdown=render(facts, headline=prose.headline, summary=prose.summary, status=status, origin=answer.origin),
            content=content,
            origin=answer.origin,
        )
    )
    await store.usage.record(deal.id, answer.usage)
    return {"status": status.value, "risks": len(facts.risks), "blockers": len(facts.blockers)}


def _under_way(operations: list[Operation]) -> frozenset[str]:
    subjects = (SubjectType.document, SubjectType.email)
    return frozenset(
        operation.subject_id
        for operation in operations
        if operation.state in _UNDER_WAY and operation.subject_type in subjects
    )


async def _prose(facts: BriefFacts, engine: Engine, *, payer: str) -> tuple[Answer[BriefAnswer], bool]:
    """The few sentences a model writes; without one the offline answer stands, and the brief is partial."""
    question = replace(brief_question(facts), payer=payer)
    try:
        return await engine.ask(question), True
    except DealPulseError as error:
        _log.warning(PROSE_FAILED, error_code=error.code)
        usage = Usage(operation=question.operation, origin=LOCAL_ORIGIN)
        if error.usage is not None:
            # Refused or unusable answers are billed like any other.
            usage = error.usage
        prose = await asyncio.to_thread(question.offline)
        return Answer(value=prose, origin=LOCAL_ORIGIN, usage=usage), False
