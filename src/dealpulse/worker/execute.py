"""The one place where what a job did becomes done, again or dead."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from dealpulse.errors import (
    Awaiting,
    BudgetExceeded,
    DealPulseError,
    Interrupted,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unavailable,
)
from dealpulse.jobs import Job
from dealpulse.models import OperationState
from dealpulse.outbox import Operations
from dealpulse.queue.outcomes import Again, Cancelled, Claimed, Dead, Done, Outcome, encoded
from dealpulse.queue.serializer import PickledJob, UndecodableJob, deserialize
from dealpulse.worker.dependencies import Dependencies

JOB_FINISHED: Final = "job_finished"
JOB_RETRIED: Final = "job_retried"
JOB_DEAD: Final = "job_dead"
JOB_CANCELLED: Final = "job_cancelled"

_BACKOFF_FACTOR: Final = 5
_BACKOFF_CAP_SECONDS: Final = 900.0
_JITTER: Final = 0.1
_DEFAULT_WAIT_SECONDS: Final = 15.0
"""For a dependency that is away and did not say for how long."""
_MAX_CRASHES: Final = 3

_log = structlog.get_logger("dealpulse.worker")


@dataclass(frozen=True)
class Policy:
    """How one function may fail. Seconds."""

    attempts: int
    backoff_base: float
    time_limit: float


@dataclass(frozen=True)
class Runnable:
    """A function a queue may name: the arq coroutine, its policy, and how its arguments become a :class:`Job`.

    ``parse`` raises for arguments that are no job; None (of it, or its answer) means that no row keeps its state.
    """

    coroutine: Callable[..., Awaitable[object]]
    policy: Policy
    parse: Callable[..., Job | None] | None = None
    needs: tuple[str, ...] = ()
    """Dependencies without which the job need not begin."""


@dataclass(slots=True)
class _Call:
    """What a payload says: which function, with what, asked for when (ms) and by which request."""

    function: str = "unknown"
    arguments: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    enqueued_ms: int = 0
    request_id: str = ""


async def execute(
    claimed: Claimed,
    *,
    functions: Mapping[str, Runnable],
    context: Mapping[str, Any],
    operations: Operations,
    queue: str,
    dependencies: Dependencies | None = None,
) -> Outcome:
    """Run one claimed job and say what becomes of it. Never raises: every fault is an outcome."""
    started = time.perf_counter()
    call = _Call()
    runnable: Runnable | None = None
    job: Job | None = None
    outcome: Outcome
    try:
        call = _decode(claimed)
        runnable = functions.get(call.function)
        if runnable is None:
            raise Permanent(f"This worker knows no function {call.function!r}.", code="unknown_function")
        job = _parse(runnable, call)
        if claimed.crashes >= _MAX_CRASHES:
            # Its row must say so too, or the sweep would bring it back for three more.
            raise Permanent(f"The job took its worker down {claimed.crashes} times.", code="crashed")
        _bind(queue, claimed, call, job)
        if dependencies is not None:
            await dependencies.admit(runnable.needs)
        if job is not None:
            await operations.mark(job.operation, OperationState.running)
            if dependencies is not None:
                await dependencies.answered(runnable.needs)
        result = await _run(runnable, call, claimed, context)
        outcome = Done(call.function, None if result is None else encoded(result))
    except asyncio.CancelledError:
        # A deploy, or the lease went to another worker, is never the job's fault; a person's word is final.
        outcome = Cancelled(call.function) if claimed.called_off else Again(call.function, 0.0, burn=False)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        # Also what is no Exception, such as a panic of an extension or a library's sys.exit: not all jobs pay for one.
        outcome = decide(error, call, claimed.attempt, runnable.policy if runnable else None)
    if dependencies is not None and await dependencies.noted(outcome):
        # It never began, and its row says what it said before: those who wait for a dependency wait in silence.
        return outcome
    outcome = await _record(outcome, job, operations)
    _report(outcome, claimed, queue, time.perf_counter() - started)
    return outcome


def _bind(queue: str, claimed: Claimed, call: _Call, job: Job | None) -> None:
    """Put what the job is on every line logged from here on: its task is its own, so nothing is to be undone."""
    facts = {"queue": queue, "job_id": claimed.job_id}
    if job is not None:
        facts["deal_id"] = job.deal_id
    if call.request_id:
        facts["request_id"] = call.request_id
    structlog.contextvars.bind_contextvars(**facts)


def _decode(claimed: Claimed) -> _Call:
    if not claimed.payload and claimed.size:
        message = f"The job's payload has {claimed.size} bytes; pass ids, not content."
        raise Permanent(message, code="payload_too_large")
    if not claimed.payload:
        raise Permanent("The job expired before a worker could read it.", code="expired")
    told = deserialize(claimed.payload)
    try:
        function, arguments, keywords, enqueued_ms = told["f"], told["a"], told["k"], told["et"]
        request_id = str(told.get("rq", ""))
        return _Call(str(function), tuple(arguments), dict(keywords), int(enqueued_ms), request_id)
    except (KeyError, TypeError, ValueError) as error:
        raise UndecodableJob("The job's payload lacks what arq writes.") from error


def _parse(runnable: Runnable, call: _Call) -> Job | None:
    if runnable.parse is None:
        return None
    try:
        return runnable.parse(*call.arguments, **call.keywords)
    except (TypeError, ValueError) as error:
        raise Permanent(f"The arguments of {call.function} are not what it takes.", code="bad_arguments") from error


async def _run(runnable: Runnable, call: _Call, claimed: Claimed, context: Mapping[str, Any]) -> object:
    arq_context = {
        **context,
        "claimed": claimed,
        "job_id": claimed.job_id,
        "job_try": claimed.attempt,
        "score": claimed.due_ms,
        "enqueue_time": datetime.fromtimestamp(call.enqueued_ms / 1000, UTC),
    }
    limit = runnable.policy.time_limit
    try:
        async with asyncio.timeout(limit) as deadline:
            return await runnable.coroutine(arq_context, *call.arguments, **call.keywords)
    except TimeoutError as error:
        if deadline.expired():
            raise Transient(f"The job took longer than its {limit:g} s.", code="timed_out") from error
        raise


def decide(error: BaseException, call: _Call, attempt: int, policy: Policy | None) -> Outcome:
    """What an error means for the job: the error says what to do next, attempts say how often."""
    if isinstance(error, Permanent | Rejected) or policy is None:
        return Dead(call.function, error, opaque=isinstance(error, UndecodableJob | PickledJob))
    if isinstance(error, Interrupted):
        return Again(call.function, delay=0.0, burn=False, error=error)
    if isinstance(error, BudgetExceeded):
        delay = max(0.0, error.until.timestamp() - time.time())
        return Again(call.function, delay=delay, burn=False, error=error)
    if isinstance(error, RateLimited | Unavailable | Awaiting):
        delay = _DEFAULT_WAIT_SECONDS if error.retry_after is None else error.retry_after
        return Again(call.function, delay=_jittered(min(delay, _BACKOFF_CAP_SECONDS)), burn=False, error=error)
    if attempt >= policy.attempts:
        return Dead(call.function, error)
    asked = error.retry_after if isinstance(error, Transient) else None
    delay = policy.backoff_base * _BACKOFF_FACTOR ** (attempt - 1) if asked is None else asked
    return Again(call.function, delay=_jittered(min(delay, _BACKOFF_CAP_SECONDS)), burn=True, error=error)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # spreads load, guards nothing


async def _record(outcome: Outcome, job: Job | None, operations: Operations) -> Outcome:
    """Write the outcome into the row that asked for the job; when that fails the job runs again."""
    if job is None:
        return outcome
    try:
        if isinstance(outcome, Done):
            await operations.mark(job.operation, OperationState.done)
        elif isinstance(outcome, Dead):
            code, message = describe(outcome.error)
            await operations.mark(job.operation, OperationState.failed, error_code=code, error_message=message)
        elif isinstance(outcome, Cancelled):
            await operations.mark(job.operation, OperationState.cancelled)
        else:
            error = (None, None) if outcome.error is None else describe(outcome.error)
            await operations.mark(job.operation, OperationState.queued, error_code=error[0], error_message=error[1])
    except asyncio.CancelledError:
        return Again(job.function, delay=0.0, burn=False)
    except Exception as fault:
        if isinstance(outcome, Again) or isinstance(fault, Permanent | Rejected):
            # A deal that is gone has no row to write to.
            return outcome
        # Running a job twice leaves the same rows; an outcome nobody knows of would not.
        return Again(job.function, delay=_jittered(_DEFAULT_WAIT_SECONDS), burn=False, error=fault)
    return outcome


def describe(error: BaseException) -> tuple[str, str]:
    """A code and a sentence for a person; a foreign exception's own message stays out, it may quote a document."""
    if isinstance(error, DealPulseError):
        return error.code, error.message
    return "unexpected", f"An unexpected fault ({type(error).__name__}); the log of the job tells more."


def _report(outcome: Outcome, claimed: Claimed, queue: str, seconds: float) -> None:
    facts: dict[str, Any] = {
        "queue": queue,
        "job_id": claimed.job_id,
        "function": outcome.function,
        "attempt": claimed.attempt,
        "duration_ms": round(seconds * 1000),
    }
    if isinstance(outcome, Done):
        _log.info(JOB_FINISHED, **facts)
        return
    if isinstance(outcome, Cancelled):
        _log.warning(JOB_CANCELLED, **facts)
        return
    if outcome.error is not None:
        facts["error_code"], facts["error_message"] = describe(outcome.error)
        if not isinstance(outcome.error, DealPulseError | asyncio.CancelledError):
            facts["exc_info"] = outcome.error
    if isinstance(outcome, Again):
        # A job that waits its turn is nothing to be warned of.
        told = _log.info if isinstance(outcome.error, Awaiting) else _log.warning
        told(JOB_RETRIED, delay_seconds=round(outcome.delay, 1), attempt_counts=outcome.burn, **facts)
    else:
        _log.error(JOB_DEAD, **facts)
