"""What people do to jobs that are there: cancel one, run dead letters again.

Rows first, as in :mod:`dealpulse.outbox`: a dead letter's row is asked again before Redis is, and a job's row is
cancelled before the job, or the reconcile sweep would forget the one and bring back the other. Jobs of other programs,
which no row stands behind, are treated in Redis alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import structlog

from dealpulse.errors import Invalid, NotFound
from dealpulse.jobs import QUEUES, Job, SyncSource
from dealpulse.models import Operation, OperationState, SubjectType
from dealpulse.queue import Buried, Enqueued, History, Kept, Letters, QueueClient
from dealpulse.queue.history import spacing_ms
from dealpulse.store.database import is_uuid
from dealpulse.store.operations import Operations

JOB_CALLED_OFF: Final = "job_called_off"
JOB_RETRIED: Final = "job_retried_by_hand"
DEAD_LETTERS_REPLAYED: Final = "dead_letters_replayed"
DEAD_LETTERS_DISCARDED: Final = "dead_letters_discarded"

_log = structlog.get_logger("dealpulse.interventions")

_ENDED: Final = {
    "completed": OperationState.done,
    "failed": OperationState.failed,
    "cancelled": OperationState.cancelled,
}
_UNFINISHED: Final = (OperationState.pending, OperationState.queued, OperationState.running)


@dataclass(frozen=True)
class Replayed:
    """What became of dead letters that were to run again; all but ``replayed`` stay where they are."""

    replayed: int
    busy: int
    """The same job waits or runs already."""
    refused: int
    """What they belong to is gone from the database."""
    lost: int
    """No longer kept, or without the payload it takes to run them."""


async def cancel(job_id: str, *, operations: Operations, queue: QueueClient, history: History) -> str:
    """Cancel a job that has not ended, and what asks for it; returns the state it was in.

    One that is ``active`` is told at once and is cancelled when it has cleaned up.

    Raises:
        NotFound: ``job_not_found``.
        Invalid: ``job_ended``.
    """
    view = await queue.job(job_id)
    if view is None or view.state in _ENDED:
        return await queue.cancel(job_id)
    rows = await _rows_of(await history.job_asked(job_id), operations)
    await _mark(rows, OperationState.cancelled, operations)
    try:
        state = await queue.cancel(job_id)
    except Invalid as error:
        # It ended in between, and its row said so until now.
        ended = _ENDED.get(str(error.details.get("state")))
        if ended is not None:
            await _mark(rows, ended, operations)
        raise
    _log.info(JOB_CALLED_OFF, queue=view.queue, job_id=job_id, deal_id=view.deal_id, state=state)
    return state


async def retry(job_id: str, *, operations: Operations, queue: QueueClient, history: History) -> Enqueued:
    """Run a job again that failed for good or was cancelled.

    Raises:
        NotFound: ``job_not_found``, or what the job belongs to is gone.
        Invalid: ``job_not_failed``; ``payload_lost``.
    """
    view = await queue.job(job_id)
    if view is None:
        raise _unknown(job_id)
    if view.state not in (Kept.failed, Kept.cancelled):
        message = f"Only a job that failed or was cancelled can be retried; this one is {view.state}."
        raise Invalid(message, code="job_not_failed", details={"state": view.state})
    jobs = _with_rows(await history.jobs_of([view.run]))
    await operations.ask([job.operation for job in jobs.values()])
    key = next((each.key for each in QUEUES if each.name == view.queue), view.queue)
    buried = (await history.replay(key, [view.run], kept=Kept(view.state)))[view.run]
    if buried is Buried.empty:
        raise Invalid("The job's payload was lost before it ended.", code="payload_lost")
    if buried is Buried.unknown:
        raise _unknown(job_id)
    await operations.mark_queued([job.operation for job in jobs.values()])
    _log.info(JOB_RETRIED, queue=view.queue, job_id=job_id, deal_id=view.deal_id)
    return Enqueued(job_id, deduplicated=buried is Buried.busy)


async def replay(
    queue: str, letters: Letters, *, per_second: float | None = None, operations: Operations, history: History
) -> Replayed:
    """Run dead letters of a queue, named by its key, again: the oldest first, at most ``per_second`` of them a second.

    Of several of one job the newest runs; the others stay, like those whose job waits or runs.

    Raises:
        Invalid: ``invalid_rate``.
    """
    spacing_ms(per_second)  # refused before any row is asked
    found = await history.dead_letters(queue, letters)
    newest = {letter.job_id: letter.run for letter in reversed(found) if not letter.live}
    runs = [letter.run for letter in reversed(found) if newest.get(letter.job_id) == letter.run]
    jobs = _with_rows(await history.jobs_of(runs))
    refused = await _ask(jobs, operations)
    buried = await history.replay(queue, [run for run in runs if run not in refused], per_second=per_second)
    done = [jobs[run].operation for run, what in buried.items() if what is Buried.replayed and run in jobs]
    await operations.mark_queued(done)
    counts = Counter(buried.values())
    told = Replayed(
        replayed=counts[Buried.replayed],
        busy=counts[Buried.busy] + len(found) - len(runs),
        refused=len(refused),
        lost=counts[Buried.empty] + counts[Buried.unknown],
    )
    _log.info(DEAD_LETTERS_REPLAYED, queue=queue, **asdict(told))
    return told


async def discard(queue: str, letters: Letters, *, history: History) -> int:
    """Throw dead letters of a queue away; returns how many. Their rows go on saying that the work failed."""
    found = await history.dead_letters(queue, letters)
    buried = await history.discard(queue, [letter.run for letter in found])
    discarded = Counter(buried.values())[Buried.discarded]
    _log.info(DEAD_LETTERS_DISCARDED, queue=queue, discarded=discarded)
    return discarded


async def _ask(jobs: Mapping[str, Job], operations: Operations) -> set[str]:
    """Ask for the jobs' rows again; returns the runs whose deal is gone, which one refusal of all does not tell."""
    try:
        await operations.ask([job.operation for job in jobs.values()])
    except NotFound:
        refused = set()
        for run, job in jobs.items():
            try:
                await operations.ask([job.operation])
            except NotFound:
                refused.add(run)
        return refused
    return set()


async def _rows_of(job: Job | None, operations: Operations) -> Sequence[Operation]:
    if job is None or not _has_row(job):
        return []
    if not isinstance(job, SyncSource):
        return [job.operation]
    # A full and an incremental sync of one source are one job with two rows.
    return [
        row
        for row in await operations.of_deal(job.deal_id)
        if row.subject_type is SubjectType.source
        and row.subject_id == job.source_id.lower()
        and row.state in _UNFINISHED
    ]


async def _mark(rows: Sequence[Operation], state: OperationState, operations: Operations) -> None:
    for row in rows:
        try:
            await operations.mark(row, state)
        except NotFound:
            # A deal that is gone has no row to write to.
            return


def _with_rows(jobs: Mapping[str, Job]) -> dict[str, Job]:
    return {run: job for run, job in jobs.items() if _has_row(job)}


def _has_row(job: Job) -> bool:
    """Ids of another making than the database's are in no row."""
    return is_uuid(job.operation.subject_id) and is_uuid(job.operation.deal_id)


def _unknown(job_id: str) -> NotFound:
    return NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
