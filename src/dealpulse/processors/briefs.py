"""What the daily-brief queue does: write one deal's brief for one of its days."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec
import structlog

from dealpulse.ai.contract import Answer, Engine
from dealpulse.ai.local import LOCAL_ORIGIN
from dealpulse.errors import Awaiting, DealPulseError
from dealpulse.jobs import GenerateDailyBrief
from dealpulse.models import Brief, BriefStatus, Deal, DeliveryKind, EngineName, Operation, Usage
from dealpulse.processors import brief_html, brief_markdown, brief_prose, deliveries
from dealpulse.processors.brief_facts import BriefFacts
from dealpulse.processors.brief_gathering import gather
from dealpulse.processors.brief_loading import room_of, with_evidence
from dealpulse.processors.brief_markdown import Written
from dealpulse.processors.brief_room import soon_done
from dealpulse.processors.operations.catalogue.brief import brief_question
from dealpulse.processors.operations.schemas import BriefAnswer
from dealpulse.queue import QueueClient
from dealpulse.store import Store

PROSE_FAILED: Final = "brief_prose_failed"

_FIRST_LOOK: Final = 3.0
_LONGEST_PAUSE: Final = 30.0

_log = structlog.get_logger("dealpulse.processors.briefs")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a brief waits for what is still being read: ``seconds`` from when it was due."""

    due: datetime
    now: datetime
    seconds: float

    def pause(self) -> float | None:
        """Seconds until the next look; None when the brief waits no longer."""
        waited = max(0.0, (self.now - self.due).total_seconds())
        left = self.seconds - waited
        if left <= 0:
            return None
        return min(left, _LONGEST_PAUSE, max(_FIRST_LOOK, waited / 4))


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """What the settings say about briefs: who was to analyse, and where our own viewer answers."""

    expected: EngineName = EngineName.local
    public_url: str | None = None


async def generate_daily_brief(
    job: GenerateDailyBrief,
    *,
    store: Store,
    queue: QueueClient,
    engine: Engine,
    patience: Patience,
    presentation: Presentation = Presentation(),
) -> dict[str, object]:
    """Write the brief, have it delivered, and return what is in it, in numbers.

    Writing it again replaces that day's brief and sends it to nobody who was sent it before.

    It waits for documents and e-mails that are still being read, as long as ``patience`` allows. Then it appears, with
    what there is: whatever is unread, failed or not looked at is named, and the brief is ``partial``, as it is without
    its model.

    Raises:
        Awaiting: something is still being read; the job is to look again.
    """
    deal, operations = await asyncio.gather(store.deals.get(job.deal_id), store.operations.of_deal(job.deal_id))
    if not deal.is_active:
        return {"skipped": deal.status}
    _wait_for(operations, patience)
    facts = await _facts(deal, job, operations, store=store, presentation=presentation)
    answer, note = await _prose(facts, engine, presentation.expected, payer=deal.id)
    written = Written(
        facts=facts,
        headline=answer.value.headline,
        summary=answer.value.summary,
        note=note,
        status=BriefStatus.partial if facts.shortcomings or note else BriefStatus.complete,
        origin=answer.origin,
    )
    brief = await asyncio.to_thread(_brief, deal, job, written)
    await asyncio.gather(store.briefs.save(brief), store.usage.record(deal.id, answer.usage))
    await deliveries.plan(deal.id, DeliveryKind.daily_brief, job.date, store=store, queue=queue)
    return {"status": written.status.value, "risks": len(facts.risks), "blockers": len(facts.blockers)}


def _wait_for(operations: list[Operation], patience: Patience) -> None:
    busy, pause = soon_done(operations), patience.pause()
    if busy and pause is not None:
        raise Awaiting(f"The brief waits for {len(busy)} items that are still being read.", retry_after=pause)


async def _facts(
    deal: Deal, job: GenerateDailyBrief, operations: list[Operation], *, store: Store, presentation: Presentation
) -> BriefFacts:
    room, findings, blockers, earlier = await asyncio.gather(
        room_of(deal.id, operations, store=store),
        store.findings.of_deal(deal.id),
        store.blockers.of_deal(deal.id),
        store.briefs.latest_before(deal.id, job.date),
    )
    facts = gather(
        deal_name=deal.name,
        brief_date=job.date,
        room=room,
        findings=findings,
        blockers=blockers,
        earlier=earlier,
        expected=presentation.expected,
        public_url=presentation.public_url,
    )
    return await with_evidence(facts, room, store=store)


async def _prose(
    facts: BriefFacts, engine: Engine, expected: EngineName, *, payer: str
) -> tuple[Answer[BriefAnswer], str | None]:
    """The few sentences a model writes; where they cannot be had or used, the offline ones, and why."""
    question = replace(brief_question(facts), payer=payer)
    try:
        answer = await engine.ask(question)
    except DealPulseError as error:
        _log.warning(PROSE_FAILED, error_code=error.code)
        # Refused or unusable answers are billed like any other.
        return await _offline(facts, error.usage), f"Without Claude's opening: {error.message}"
    fault = await asyncio.to_thread(brief_prose.fault, answer.value.headline, answer.value.summary, facts)
    if answer.origin.engine is EngineName.local:
        stood_in = expected is not EngineName.local
        return answer, "Without Claude's opening: the offline engine stood in." if stood_in else None
    if fault is None:
        return answer, None
    _log.warning(PROSE_FAILED, error_code="prose_refused", reason=fault)
    return await _offline(facts, answer.usage), f"Without Claude's opening: {fault}."


async def _offline(facts: BriefFacts, usage: Usage | None) -> Answer[BriefAnswer]:
    question = brief_question(facts)
    value = await asyncio.to_thread(question.offline)
    return Answer(
        value=value, origin=LOCAL_ORIGIN, usage=usage or Usage(operation=question.operation, origin=LOCAL_ORIGIN)
    )


def _brief(deal: Deal, job: GenerateDailyBrief, written: Written) -> Brief:
    prose = {"headline": written.headline, "summary": written.summary, "note": written.note}
    return Brief(
        deal_id=deal.id,
        brief_date=job.date,
        status=written.status,
        markdown=brief_markdown.render(written),
        html=brief_html.render(written),
        content=msgspec.to_builtins(written.facts) | prose,
        origin=written.origin,
    )
