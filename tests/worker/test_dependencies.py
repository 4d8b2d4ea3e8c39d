"""What jobs do while something they depend on is away or slow: they wait together, and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from arq.connections import ArqRedis
from pydantic import BaseModel

from dealpulse.ai.contract import CLAUDE, Answer, Question, SchemaT
from dealpulse.errors import Interrupted, Permanent, RateLimited, Unavailable
from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.models import Confidence, EngineName, OperationState, Origin, Usage
from dealpulse.queue import QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.limits import Breakers, Buckets
from dealpulse.queue.outcomes import Again, Done, Outcome
from dealpulse.worker.checkpoint import Checkpoint
from dealpulse.worker.dependencies import Dependencies
from dealpulse.worker.execute import Policy, Runnable, execute
from dealpulse.worker.guards import GuardedEngine
from worker.test_execute import Rows, claimed, parse

PAUSE = 0.05
SUPABASE = ("supabase",)


class Yes(BaseModel):
    text: str = "yes"


QUESTION = Question(operation="ask", version="1", instructions="", material=(), schema=Yes, offline=Yes)


class Claude:
    """Answers as it is told to, and counts how often it was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.asked = 0

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        origin = Origin(engine=EngineName.claude, model="m", confidence=Confidence.normal)
        return Answer(question.offline(), origin, Usage(operation="ask", origin=origin))

    async def aclose(self) -> None: ...


@pytest.fixture
def worker(pool: ArqRedis) -> Callable[[], Dependencies]:
    """Another worker's view of the same dependencies."""

    def look() -> Dependencies:
        breakers = Breakers(pool, first_pause=PAUSE, trusted_for=0.0)
        return Dependencies(breakers=breakers, buckets=Buckets(pool))

    return look


async def run(dependencies: Dependencies, fault: Exception | None = None, rows: Rows | None = None) -> Outcome:
    async def work(*_: object) -> None:
        if fault is not None:
            raise fault

    return await execute(
        claimed(attempt=4),
        functions={"process_document": Runnable(work, Policy(4, 5.0, 10.0), parse, SUPABASE)},
        context={},
        operations=rows or Rows(),
        queue="documentProcessing",
        dependencies=dependencies,
    )


AWAY = Unavailable("Supabase cannot be reached.", dependency="supabase")


async def test_a_dependency_one_job_found_away_keeps_the_jobs_of_all_workers_from_beginning(
    worker: Callable[[], Dependencies],
) -> None:
    assert isinstance(await run(worker(), AWAY), Again)
    rows = Rows()
    outcome = await run(worker(), rows=rows)
    assert isinstance(outcome, Again)
    assert not outcome.burn, "not even on its last attempt"
    assert rows.marks == [], "a job that never began changes no row"


async def test_one_job_tries_whether_it_is_back_and_then_all_go_on(worker: Callable[[], Dependencies]) -> None:
    await run(worker(), AWAY)
    trying = worker()
    async with asyncio.timeout(10):
        while isinstance(await run(trying), Again):
            await asyncio.sleep(0.01)
    assert isinstance(await run(worker()), Done)


async def test_a_row_that_cannot_be_written_is_the_dependency_being_away(worker: Callable[[], Dependencies]) -> None:
    class Away(Rows):
        async def mark(self, *_: object, **__: object) -> None:
            raise AWAY

    assert isinstance(await run(worker(), rows=Away()), Again)
    assert isinstance(await run(worker()), Again)


async def test_a_claude_that_asks_one_worker_to_slow_down_is_asked_by_none(pool: ArqRedis) -> None:
    claude = Claude(RateLimited("Slow down.", bucket=CLAUDE, retry_after=60))
    engines = [GuardedEngine(claude, breakers=Breakers(pool), buckets=Buckets(pool)) for _ in range(2)]
    for engine in engines:
        with pytest.raises(RateLimited) as refused:
            await engine.ask(QUESTION)
        assert refused.value.retry_after is not None
        assert 55 < refused.value.retry_after < 70
    assert claude.asked == 1


async def test_a_claude_that_is_away_is_tried_by_one_worker_at_a_time(pool: ArqRedis) -> None:
    claude = Claude(Unavailable("Down.", dependency=CLAUDE))

    def engine() -> GuardedEngine:
        return GuardedEngine(claude, breakers=Breakers(pool, first_pause=PAUSE, trusted_for=0.0), buckets=Buckets(pool))

    first, others = engine(), [engine() for _ in range(5)]
    with pytest.raises(Unavailable):
        await first.ask(QUESTION)
    for other in others:
        with pytest.raises(Unavailable):
            await other.ask(QUESTION)
    assert claude.asked == 1
    claude.fault = None
    async with asyncio.timeout(10):
        while True:
            answers = await asyncio.gather(*(other.ask(QUESTION) for other in others), return_exceptions=True)
            if any(isinstance(each, Answer) for each in answers):
                break
            await asyncio.sleep(0.01)
    assert claude.asked == 2, "one tried; the others waited for its answer"
    assert isinstance(await first.ask(QUESTION), Answer)


async def test_a_claude_that_refuses_a_question_has_answered_and_is_back(pool: ArqRedis) -> None:
    claude = Claude(Unavailable("Down.", dependency=CLAUDE))
    breakers = Breakers(pool, first_pause=PAUSE, trusted_for=0.0)
    engine = GuardedEngine(claude, breakers=breakers, buckets=Buckets(pool))
    with pytest.raises(Unavailable):
        await engine.ask(QUESTION)
    claude.fault = Permanent("That is no question for me.", code="refused")
    async with asyncio.timeout(10):
        while True:
            try:
                await engine.ask(QUESTION)
            except Permanent:
                break
            except Unavailable:
                await asyncio.sleep(0.01)
    assert await breakers.state([CLAUDE]) == {}


async def test_a_long_job_tells_how_far_it_is_and_stops_where_another_can_go_on(
    client: QueueClient, pool: ArqRedis
) -> None:
    stopping = False
    job = ProcessDocument("d", "deal", DocumentOperation.analyze)
    await client.enqueue(job)
    # As a claim writes it.
    await answer(pool.hset(f"dealpulse:job:{job.id}", mapping={"token": "worker#1", "state": "active"}))
    mine = claimed()
    mine.job_id = job.id
    checkpoint = Checkpoint(mine, queue=client, stopping=lambda: stopping)
    await checkpoint("10 of 20 listed", 50)
    view = await client.job(job.id)
    assert view is not None
    assert (view.progress, view.message) == (50, "10 of 20 listed")
    stopping = True
    with pytest.raises(Interrupted):
        await checkpoint("20 of 20 listed", 100)


async def test_an_interrupted_job_runs_again_at_once_elsewhere_and_loses_no_attempt() -> None:
    async def work(*_: object) -> None:
        raise Interrupted("The worker stops.")

    rows = Rows()
    outcome = await execute(
        claimed(attempt=4),
        functions={"process_document": Runnable(work, Policy(4, 5.0, 10.0), parse)},
        context={},
        operations=rows,
        queue=DOCUMENTS.name,
    )
    assert isinstance(outcome, Again)
    assert (outcome.delay, outcome.burn) == (0.0, False)
    assert rows.marks[-1][0] is OperationState.queued
