"""Running a folder through the queues, where things do not go well; `tests/cli` has it going well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dealpulse.intake import Intake
from dealpulse.local.deal_run import DealRunner, Phase, Place, Progress, RunFailed, Tally, progress_of
from dealpulse.local.stack import Stack
from dealpulse.models import Operation, OperationState, SubjectType
from dealpulse.queue import History, QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import open_store


@asynccontextmanager
async def intake_on(stack: Stack) -> AsyncIterator[Intake]:
    settings = Settings.load(environ=stack.environment())
    pool = await create_pool(settings.redis)
    try:
        async with open_store(settings.supabase) as store:
            yield Intake(store=store, queue=QueueClient(pool), history=History(pool), time_zone=settings.time_zone)
    finally:
        await pool.aclose(close_connection_pool=True)


async def test_a_run_nobody_works_on_is_given_up(clean_stack: Stack, tmp_path: Path) -> None:
    seen: list[Progress] = []
    async with intake_on(clean_stack) as intake:
        runner = DealRunner(intake=intake, watch=seen.append, fault=lambda: None, stalled_after=0.1)
        with pytest.raises(RunFailed, match="Nothing has happened") as failed:
            await runner.run(Place.folder(tmp_path), deal_name="Project Heron")
    assert failed.value.code == "stalled"
    assert {progress.phase for progress in seen} == {Phase.listing}


async def test_a_run_ends_with_the_service_that_ends(clean_stack: Stack, tmp_path: Path) -> None:
    async with intake_on(clean_stack) as intake:
        runner = DealRunner(intake=intake, watch=lambda _: None, fault=lambda: "The worker has stopped.")
        with pytest.raises(RunFailed, match=r"^The worker has stopped\.$"):
            await runner.run(Place.folder(tmp_path), deal_name="Project Heron")


def test_progress_counts_things_not_operations() -> None:
    def operation(subject: SubjectType, subject_id: str, name: str, state: OperationState) -> Operation:
        return Operation(subject_type=subject, subject_id=subject_id, name=name, deal_id="deal", state=state)

    operations = [
        operation(SubjectType.source, "s", "full", OperationState.done),
        operation(SubjectType.document, "read", "ingest", OperationState.done),
        operation(SubjectType.document, "read", "analyze", OperationState.running),
        operation(SubjectType.document, "broken", "ingest", OperationState.failed),
        operation(SubjectType.email, "waiting", "parse", OperationState.queued),
    ]
    progress = progress_of(operations, Phase.listing, {})
    assert progress.phase is Phase.processing
    assert progress.documents == Tally(found=2, read=1, analysed=0, failed=1)
    assert progress.emails == Tally(found=1)
