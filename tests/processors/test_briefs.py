"""When a brief is written, and when it is only part of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.ai.contract import Answer, Question, SchemaT, Unanswered
from dealpulse.ai.local import LocalEngine
from dealpulse.errors import Awaiting, DealPulseError, Unavailable
from dealpulse.jobs import DocumentOperation, GenerateDailyBrief, ProcessDocument, SyncSource, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import BriefStatus, Confidence, Deal, EngineName, Origin, Source, Usage
from dealpulse.processors.brief_markdown import render, written_of
from dealpulse.processors.briefs import Patience, Presentation, generate_daily_brief
from dealpulse.processors.syncs import sync_source
from dealpulse.queue import QueueClient
from dealpulse.settings import SourceSettings
from dealpulse.sources.registry import connect
from dealpulse.store import Store
from processors.conftest import Run

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NONE = Patience(due=NOON, now=NOON, seconds=0)
SOME = Patience(due=NOON, now=NOON, seconds=900)
WITH_CLAUDE = Presentation(expected=EngineName.claude)
CLAUDE = Origin(engine=EngineName.claude, model="claude", confidence=Confidence.normal)


class Saying:
    """Claude, who always writes the same."""

    def __init__(self, prose: str) -> None:
        self._answer = {"headline": "The deal today", "summary": prose}

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        value = question.schema.model_validate(self._answer)
        return Answer(value=value, origin=CLAUDE, usage=Usage(operation=question.operation, origin=CLAUDE))

    async def aclose(self) -> None: ...


async def _ignore(message: str) -> None: ...


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
    room: Path, sync: Run, store: Store, queue: QueueClient, deal: Deal
) -> None:
    (room / "supply.txt").write_text("Nothing in particular.\n")
    await sync(SyncType.full)
    (document,) = await store.documents.of_deal(deal.id)
    await store.operations.ask([ProcessDocument(document.id, deal.id, DocumentOperation.ingest).operation])
    await generate_daily_brief(
        GenerateDailyBrief(deal.id, TODAY), store=store, queue=queue, engine=LocalEngine(), patience=NONE
    )
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert written.status is BriefStatus.partial
    assert "Still being worked on:** supply.txt" in written.markdown


async def test_a_brief_waits_for_a_document_that_is_being_read_and_is_complete_once_it_is(
    room: Path, sync: Run, run: Run, store: Store, queue: QueueClient, deal: Deal
) -> None:
    (room / "supply.txt").write_text("Nothing in particular.\n")
    await sync(SyncType.full)
    (document,) = await store.documents.of_deal(deal.id)
    reading = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    await store.operations.ask([reading.operation])
    with pytest.raises(Awaiting) as awaited:
        await generate_daily_brief(
            GenerateDailyBrief(deal.id, TODAY), store=store, queue=queue, engine=LocalEngine(), patience=SOME
        )
    assert awaited.value.retry_after
    assert await store.briefs.get(deal.id, TODAY) is None
    # The workers take the brief first as often as the document: it steps back, and loses no attempt.
    await run(GenerateDailyBrief(deal.id, datetime.now(UTC).date()), reading)
    written = await store.briefs.latest_before(deal.id, date.max)
    assert written is not None
    assert written.status is BriefStatus.complete


@given(st.floats(0, 2_000), st.integers(0, 1_800))
def test_a_brief_waits_until_its_time_is_over_and_looks_again_before(waited: float, seconds: int) -> None:
    pause = Patience(due=NOON, now=NOON + timedelta(seconds=waited), seconds=seconds).pause()
    if pause is None:
        assert waited >= seconds - 1e-3
    else:
        assert 0 < pause <= min(30, seconds - waited + 1e-3)


def test_a_brief_that_is_early_by_the_clock_waits_no_longer_for_it() -> None:
    pause = Patience(due=NOON, now=NOON - timedelta(hours=1), seconds=900).pause()
    assert pause == 3


async def test_the_same_facts_give_the_same_brief(room: Path, sync: Run, run: Run, store: Store, deal: Deal) -> None:
    (room / "supply.txt").write_text("The Customer may terminate upon a change of control of the Supplier.\n")
    await sync(SyncType.full)
    await run(GenerateDailyBrief(deal.id, TODAY))
    first = await store.briefs.get(deal.id, TODAY)
    await run(GenerateDailyBrief(deal.id, TODAY))
    assert await store.briefs.get(deal.id, TODAY) == first
    assert first is not None
    assert render(written_of(first)) == first.markdown


async def test_files_over_the_limit_are_named_until_they_are_taken(
    room: Path, clean_stack: Stack, store: Store, deal: Deal, source: Source, queue: QueueClient
) -> None:
    (room / "video.mp4").write_bytes(b"x" * 2_000)
    job = SyncSource(source.id, deal.id, SyncType.incremental)

    async def synced(limit: int) -> tuple[str, ...]:
        await sync_source(
            job,
            store=store,
            queue=queue,
            connect=lambda told: connect(told, settings=SourceSettings(folder_roots=(room.parent,))),
            max_file_bytes=limit,
            checkpoint=_ignore,
        )
        return tuple(item.path for item in (await store.sources.get(source.id)).skipped)

    assert await synced(1_000) == ("video.mp4",)
    assert await synced(1_000) == ("video.mp4",)
    assert await synced(5_000) == ()


async def test_a_brief_without_its_model_is_partial_and_written_offline(
    store: Store, queue: QueueClient, deal: Deal
) -> None:
    away = Failing(Unavailable("Claude is away.", dependency="anthropic"))
    await generate_daily_brief(GenerateDailyBrief(deal.id, TODAY), store=store, queue=queue, engine=away, patience=NONE)
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert (written.status, written.origin.engine) == (BriefStatus.partial, EngineName.local)
    assert "offline engine" in written.markdown
    assert "Without Claude's opening: Claude is away." in written.markdown


@pytest.mark.parametrize(
    ("prose", "why"),
    [
        ("All is well: 42 consents came.", "it held a number that is not in the facts"),
        ("The worst P1 risk is old.", "it named a severity that no risk has"),
        ("20 blockers are open.", "it counted differently from the facts"),
        ("See https://evil.example.", "it held a link or markup"),
        ("A risk [7].", "it referred to evidence that is not there"),
    ],
)
async def test_prose_that_says_what_the_facts_do_not_is_not_used(
    store: Store, queue: QueueClient, deal: Deal, prose: str, why: str
) -> None:
    await generate_daily_brief(
        GenerateDailyBrief(deal.id, TODAY),
        store=store,
        queue=queue,
        engine=Saying(prose),
        patience=NONE,
        presentation=WITH_CLAUDE,
    )
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert prose not in written.markdown
    assert (written.status, written.origin.engine) == (BriefStatus.partial, EngineName.local)
    assert why in written.markdown


async def test_prose_that_keeps_to_the_facts_stands_in_the_brief(store: Store, queue: QueueClient, deal: Deal) -> None:
    prose = "No risk and no blocker is known on 20 November 2026; no documents came in."
    await generate_daily_brief(
        GenerateDailyBrief(deal.id, TODAY),
        store=store,
        queue=queue,
        engine=Saying(prose),
        patience=NONE,
        presentation=WITH_CLAUDE,
    )
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert prose in written.markdown
    assert (written.status, written.origin) == (BriefStatus.complete, CLAUDE)


async def test_prose_that_was_refused_is_billed_all_the_same(
    clean_stack: Stack, store: Store, queue: QueueClient, deal: Deal
) -> None:
    usage = Usage(operation="brief", origin=CLAUDE, input_tokens=1200)
    refused = Failing(Unanswered("Refused.", code="refused", usage=usage))
    await generate_daily_brief(
        GenerateDailyBrief(deal.id, TODAY), store=store, queue=queue, engine=refused, patience=NONE
    )
    written = await store.briefs.get(deal.id, TODAY)
    assert written is not None
    assert written.status is BriefStatus.partial
    connection = await asyncpg.connect(clean_stack.database_url)
    try:
        bills = await connection.fetch("select engine, input_tokens from ai_usage")
    finally:
        await connection.close()
    assert [tuple(bill) for bill in bills] == [("claude", 1200)]


async def test_the_next_day_s_brief_says_what_came_and_went(
    room: Path, sync: Run, run: Run, store: Store, deal: Deal
) -> None:
    (room / "supply.txt").write_text("The Customer may terminate upon a change of control of the Supplier.\n")
    await sync(SyncType.full)
    await run(GenerateDailyBrief(deal.id, TODAY))
    (room / "supply.txt").unlink()
    (room / "minutes.txt").write_text("The board met on Monday and approved the budget.\n")
    await sync(SyncType.full)
    await run(GenerateDailyBrief(deal.id, TODAY + timedelta(days=1)))
    written = await store.briefs.get(deal.id, TODAY + timedelta(days=1))
    assert written is not None
    for told in ("Received:** minutes.txt", "Gone from the source:** supply.txt", "No longer open**"):
        assert told in written.markdown
    await run(GenerateDailyBrief(deal.id, TODAY + timedelta(days=2)))
    quiet = await store.briefs.get(deal.id, TODAY + timedelta(days=2))
    assert quiet is not None
    assert "Nothing came, changed or went." in quiet.markdown
    assert "Nothing came, changed or went." in quiet.html
