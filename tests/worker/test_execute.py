"""What becomes of a job, by how it ended."""

from __future__ import annotations

import asyncio
import pickle
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from arq.jobs import serialize_job
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.errors import (
    Awaiting,
    BudgetExceeded,
    NotFound,
    Permanent,
    RateLimited,
    Transient,
    Unavailable,
    Unreadable,
)
from dealpulse.jobs import DocumentOperation, Job, ProcessDocument
from dealpulse.models import Operation, OperationState
from dealpulse.queue.engine import Again, Claimed, Dead, Done, Outcome
from dealpulse.queue.serializer import serialize
from dealpulse.worker.execute import Policy, Runnable, execute

POLICY = Policy(attempts=4, backoff_base=5.0, time_limit=10.0)


class Rows:
    """The states written, in order; fails with ``fault`` where told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.marks: list[tuple[OperationState, str | None]] = []
        self.fault = fault

    async def ask(self, operations: Sequence[Operation]) -> None: ...

    async def mark_queued(self, operations: Sequence[Operation]) -> None: ...

    async def touch(self, operations: Sequence[Operation]) -> None: ...

    async def stale(self, *, older_than: float, limit: int) -> list[Operation]:
        return []

    async def mark(
        self,
        operation: Operation,
        state: OperationState,
        *,
        error_code: str | None = None,
        error_message: str | None = None,
    ) -> None:
        if self.fault is not None and state is not OperationState.running:
            raise self.fault
        self.marks.append((state, error_code))


def claimed(payload: bytes | None = None, *, attempt: int = 1, crashes: int = 0) -> Claimed:
    if payload is None:
        payload = serialize_job("process_document", ("d", "deal", "analyze"), {}, None, 1, serializer=serialize)
    return Claimed(
        job_id="job",
        run="1:job",
        queue="queue",
        payload=payload,
        size=len(payload),
        token="worker#1",
        attempt=attempt,
        crashes=crashes,
        due_ms=int(time.time() * 1000),
    )


def parse(document_id: str, deal_id: str, operation: str) -> Job:
    return ProcessDocument(document_id, deal_id, DocumentOperation(operation))


async def run(
    work: Callable[..., Awaitable[object]],
    job: Claimed | None = None,
    rows: Rows | None = None,
    policy: Policy = POLICY,
) -> Outcome:
    return await execute(
        job or claimed(),
        functions={"process_document": Runnable(work, policy, parse)},
        context={},
        operations=rows or Rows(),
        queue="documentProcessing",
    )


def raising(error: Exception) -> Callable[..., Awaitable[object]]:
    async def work(*_: object) -> object:
        raise error

    return work


async def succeed(_ctx: object, document_id: str, _deal: str, _operation: str) -> object:
    return {"read": document_id}


async def test_a_job_that_returns_is_done_and_its_row_says_so() -> None:
    rows = Rows()
    outcome = await run(succeed, rows=rows)
    assert isinstance(outcome, Done)
    assert outcome.result == msgspec.Raw(b'{"read":"d"}')
    assert rows.marks == [(OperationState.running, None), (OperationState.done, None)]


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 25), (3, 125)])
async def test_an_unknown_fault_is_tried_again_after_5_25_and_125_seconds(attempt: int, seconds: float) -> None:
    outcome = await run(raising(ValueError("x")), claimed(attempt=attempt))
    assert isinstance(outcome, Again)
    assert outcome.burn
    assert outcome.delay == pytest.approx(seconds, rel=0.1)


async def test_the_last_attempt_ends_in_a_dead_letter() -> None:
    rows = Rows()
    outcome = await run(raising(Transient("Cut off.", code="cut")), claimed(attempt=4), rows)
    assert isinstance(outcome, Dead)
    assert rows.marks[-1] == (OperationState.failed, "cut")


@given(attempt=st.integers(1, 60), base=st.floats(0.1, 100))
def test_no_wait_between_attempts_is_longer_than_a_quarter_hour_and_jitter(attempt: int, base: float) -> None:
    policy = Policy(attempts=100, backoff_base=base, time_limit=10)
    outcome = asyncio.run(run(raising(Transient("x")), claimed(attempt=attempt), policy=policy))
    assert isinstance(outcome, Again)
    assert 0 < outcome.delay <= 900 * 1.1


@pytest.mark.parametrize(
    "error",
    [
        Permanent("No."),
        Unreadable("The file is empty.", code="empty_file"),
        NotFound("There is no such document.", code="document_not_found"),
    ],
)
async def test_what_cannot_get_better_is_dead_at_once(error: Exception) -> None:
    outcome = await run(raising(error))
    assert isinstance(outcome, Dead)
    assert outcome.error is error


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("Slow down.", bucket="anthropic", retry_after=40),
        Unavailable("Down.", dependency="x", retry_after=40),
        Awaiting("Others first.", retry_after=40),
    ],
)
async def test_waiting_for_others_burns_no_attempt_even_on_the_last(error: Exception) -> None:
    outcome = await run(raising(error), claimed(attempt=4))
    assert isinstance(outcome, Again)
    assert not outcome.burn
    assert outcome.delay == pytest.approx(40, rel=0.1)


async def test_a_spent_budget_waits_until_it_renews() -> None:
    error = BudgetExceeded("Spent.", until=datetime.now(UTC) + timedelta(hours=3))
    outcome = await run(raising(error))
    assert isinstance(outcome, Again)
    assert not outcome.burn
    assert outcome.delay == pytest.approx(3 * 3600, abs=5)


async def test_a_job_that_tries_to_end_the_process_is_tried_again_like_any_other() -> None:
    async def leave(*_: object) -> object:
        sys.exit(3)

    outcome = await run(leave)
    assert isinstance(outcome, Again)
    assert outcome.burn
    assert isinstance(await run(leave, claimed(attempt=4)), Dead)


async def test_a_job_over_its_time_is_stopped_and_tried_again() -> None:
    stopped = asyncio.Event()

    async def forever(*_: object) -> object:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError("unreachable")

    outcome = await run(forever, policy=Policy(attempts=2, backoff_base=5, time_limit=0.01))
    assert stopped.is_set()
    assert isinstance(outcome, Again)
    assert isinstance(outcome.error, Transient)
    assert outcome.error.code == "timed_out"


async def test_a_job_cancelled_by_a_deploy_goes_back_without_losing_an_attempt() -> None:
    started = asyncio.Event()

    async def forever(*_: object) -> object:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    rows = Rows()
    task = asyncio.create_task(run(forever, rows=rows))
    await started.wait()
    task.cancel()
    outcome = await task
    assert isinstance(outcome, Again)
    assert (outcome.burn, outcome.delay) == (False, 0)
    assert rows.marks[-1][0] is OperationState.queued


async def test_a_pickled_job_is_a_dead_letter_that_says_so_and_is_never_unpickled() -> None:
    ran: list[str] = []

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return ran.append, ("unpickled",)

    outcome = await run(succeed, claimed(pickle.dumps(Trap())))
    assert isinstance(outcome, Dead)
    assert "pickled" in str(outcome.error)
    assert ran == []


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "expired"),
        (b"\x00\xff", "undecodable_job"),
        (b"[1]", "undecodable_job"),
        (b"{}", "undecodable_job"),
        (serialize_job("launch", (), {}, None, 1, serializer=serialize), "unknown_function"),
        (serialize_job("process_document", ("d",), {}, None, 1, serializer=serialize), "bad_arguments"),
        (serialize_job("process_document", ("d", "e", "sing"), {}, None, 1, serializer=serialize), "bad_arguments"),
    ],
)
async def test_a_job_that_makes_no_sense_is_a_dead_letter_with_its_reason(payload: bytes, code: str) -> None:
    outcome = await run(succeed, claimed(payload))
    assert isinstance(outcome, Dead)
    assert getattr(outcome.error, "code", None) == code


async def test_the_third_crash_is_the_last() -> None:
    assert isinstance(await run(succeed, claimed(crashes=2)), Done)
    outcome = await run(succeed, claimed(crashes=3))
    assert isinstance(outcome, Dead)
    assert getattr(outcome.error, "code", None) == "crashed"


async def test_an_outcome_that_cannot_be_recorded_is_run_again() -> None:
    rows = Rows(fault=Unavailable("Supabase is away.", dependency="supabase"))
    outcome = await run(succeed, rows=rows)
    assert isinstance(outcome, Again)
    assert not outcome.burn


async def test_a_deal_deleted_meanwhile_does_not_run_for_ever() -> None:
    rows = Rows(fault=NotFound("There is no such deal.", code="deal_not_found"))
    assert isinstance(await run(succeed, rows=rows), Done)
