"""When a brief is written, and when it is only part of one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import asyncpg

from dealpulse.ai.contract import Answer, Question, SchemaT, Unanswered
from dealpulse.ai.local import LocalEngine
from dealpulse.errors import DealPulseError, Unavailable
from dealpulse.jobs import DocumentOperation, GenerateDailyBrief, ProcessDocument, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import BriefStatus, Confidence, Deal, EngineName, Origin, Usage
from dealpulse.processors.briefs import generate_daily_brief
from dealpulse.store import Store
from processors.conftest import Run

TODAY = date(2026, 11, 20)
CLAUDE = Origin(engine=EngineName.claude, model="claude", confidence=Confidence.normal)


class Failing:
    """An engine that never answers."""

    def __init__(self, fault: DealPulseError) -> None:
        self._fault = fault

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        raise self._fault

    async def aclose(self) -> None: ...


async def test_the_brief_of_a_room_that_is_read_is_complete(
    room: Path, sync: Run, run: Run, store: Store, deal: Deal
) -> None:
    (room / "supply.txt").write_text("The Customer may terminate upon a change of control of the Supplier.\n")
    await sync(SyncType.full)
    await run(GenerateDailyBrief(deal.id, TODAY))
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert written.status is BriefStatus.complete
    assert "supply.txt" in written.markdown


async def test_an_archived_deal_gets_no_brief(run: Run, store: Store, deal: Deal) -> None:
    await store.deals.archive(deal.id)
    await run(GenerateDailyBrief(deal.id, TODAY))
    assert await store.briefs.get(deal.id, TODAY) is None


async def test_a_brief_while_a_document_is_being_read_is_partial_and_names_it(
    room: Path, sync: Run, store: Store, deal: Deal
) -> None:
    (room / "supply.txt").write_text("Nothing in particular.\n")
    await sync(SyncType.full)
    (document,) = await store.documents.of_deal(deal.id)
    await store.operations.ask([ProcessDocument(document.id, deal.id, DocumentOperation.ingest).operation])
    await generate_daily_brief(GenerateDailyBrief(deal.id, TODAY), store=store, engine=LocalEngine())
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert written.status is BriefStatus.partial
    assert "Still being read:** supply.txt" in written.markdown


async def test_a_brief_without_its_model_is_partial_and_written_offline(store: Store, deal: Deal) -> None:
    away = Failing(Unavailable("Claude is away.", dependency="anthropic"))
    await generate_daily_brief(GenerateDailyBrief(deal.id, TODAY), store=store, engine=away)
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert (written.status, written.origin.engine) == (BriefStatus.partial, EngineName.local)
    assert "offline engine" in written.markdown


async def test_prose_that_was_refused_is_billed_all_the_same(clean_stack: Stack, store: Store, deal: Deal) -> None:
    usage = Usage(operation="brief", origin=CLAUDE, input_tokens=1200)
    refused = Failing(Unanswered("Refused.", code="refused", usage=usage))
    await generate_daily_brief(GenerateDailyBrief(deal.id, TODAY), store=store, engine=refused)
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert written.status is BriefStatus.partial
    connection = await asyncpg.connect(clean_stack.database_url)
    try:
        bills = await connection.fetch("select engine, input_tokens from ai_usage")
    finally:
        await connection.close()
    assert [tuple(bill) for bill in bills] == [("claude", 1200)]
