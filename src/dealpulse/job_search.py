"""Finding jobs by all that is known of them: what belongs to a deal Postgres knows, the rest Redis does."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from dealpulse.errors import Invalid
from dealpulse.jobs import DocumentOperation, EmailOperation, job_for
from dealpulse.models import OperationState
from dealpulse.queue import JobFilter, JobSearch, JobState, JobView
from dealpulse.queue.history import Page
from dealpulse.store.operations import AskedOperation, Operations

_ROWS_AT_ONCE: Final = 200
_ROWS_AT_MOST: Final = 2_000
_ROW_STATES: Final = {
    JobState.active: (OperationState.running, OperationState.queued, OperationState.pending),
    JobState.waiting: (OperationState.queued, OperationState.pending, OperationState.running),
    JobState.parked: (OperationState.queued, OperationState.pending, OperationState.running),
    JobState.delayed: (OperationState.queued, OperationState.pending, OperationState.running),
    JobState.failed: (OperationState.failed,),
    JobState.cancelled: (OperationState.cancelled,),
    JobState.completed: (OperationState.done,),
}
"""What the row of a job in this state may say: rows are written a moment before or after."""


def jobs_of_document(document_id: str) -> list[str]:
    """Ids of all jobs there can be of a document."""
    return [f"doc:{document_id.lower()}:{operation}" for operation in DocumentOperation]


def jobs_of_email(email_id: str) -> list[str]:
    """Ids of all jobs there can be of an e-mail."""
    return [f"mail:{email_id.lower()}:{operation}" for operation in EmailOperation]


async def find_jobs(
    wanted: JobFilter, *, search: JobSearch, operations: Operations, limit: int = 50, after: str | None = None
) -> Page:
    """A page of the jobs wanted; of a deal's, the latest asked for first.

    Raises:
        Invalid: ``invalid_page``.
        Unavailable: Redis is away, or Supabase where a deal is given.
    """
    if not wanted.deal_id or wanted.ids is not None:
        return await search.find(wanted, limit=limit, after=after)
    found: list[tuple[AskedOperation, JobView]] = []
    place, looked_at = None if after is None else _row_at(after), 0
    while looked_at < _ROWS_AT_MOST:
        rows = await operations.page_of_deal(
            wanted.deal_id,
            states=_row_states(wanted.searched),
            name=wanted.operation or None,
            limit=_ROWS_AT_ONCE,
            after=place,
        )
        found += await _jobs_behind(rows, wanted, search)
        if len(found) > limit:
            return Page([job for _, job in found[:limit]], _place_of(found[limit - 1][0]))
        if len(rows) < _ROWS_AT_ONCE:
            return Page([job for _, job in found], None)
        place, looked_at = rows[-1], looked_at + len(rows)
    return Page([job for _, job in found], _place_of(rows[-1]))


async def _jobs_behind(
    rows: Sequence[AskedOperation], wanted: JobFilter, search: JobSearch
) -> list[tuple[AskedOperation, JobView]]:
    """The jobs of rows, where Redis still knows them. Two rows may be one job: a source's two kinds of sync."""
    by_id: dict[str, AskedOperation] = {}
    for row in rows:
        try:
            by_id[job_for(row).id] = row
        except ValueError:
            continue  # asked for by a newer version
    page = await search.find(replace(wanted, ids=list(by_id)), limit=max(1, len(by_id)))
    return [(by_id[job.job_id], job) for job in page.runs]


def _row_states(searched: Sequence[JobState]) -> list[OperationState] | None:
    if len(searched) == len(JobState):
        return None
    return sorted({row for state in searched for row in _ROW_STATES[state]})


def _place_of(row: AskedOperation) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(row)).decode().rstrip("=")


def _row_at(place: str) -> AskedOperation:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)), type=AskedOperation)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Invalid("This is where no page begins.", code="invalid_page") from error
