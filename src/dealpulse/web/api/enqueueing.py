"""Many jobs asked for in one request: ``POST /api/jobs``."""

from __future__ import annotations

from typing import Final, TypeVar

from dealpulse.errors import Rejected
from dealpulse.jobs import (
    DocumentOperation,
    EmailOperation,
    GenerateDailyBrief,
    Job,
    ProcessDocument,
    ProcessEmail,
    SyncSource,
    SyncType,
)
from dealpulse.outbox import Terms
from dealpulse.queue import Enqueued
from dealpulse.web.access.identity import Scope
from dealpulse.web.api.terms import terms_of
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, post_json
from dealpulse.web.wire import (
    BriefItem,
    DocumentItem,
    EmailItem,
    EnqueuedManyAnswer,
    EnqueueManyRequest,
    ErrorBody,
    ItemAnswer,
    WorkItem,
)

MOST_AT_ONCE: Final = 1_000

Word = TypeVar("Word", DocumentOperation, EmailOperation, SyncType)


async def enqueue_many(request: ApiRequest, asked: EnqueueManyRequest) -> EnqueuedManyAnswer:
    """Ask for up to 1,000 jobs at once; what cannot be met is told item by item and keeps none of the others.

    A body that is not as it should be is refused as a whole.
    """
    if not 1 <= len(asked.jobs) <= MOST_AT_ONCE:
        raise invalid(f"One request holds 1 to {MOST_AT_ONCE} jobs.", code="too_many", field="jobs")
    read = [_read(item) for item in asked.jobs]
    wanted = [one for one in read if not isinstance(one, Rejected)]
    answered = iter(await request.state["intake"].queue_many(wanted))
    answers = [_answer(one if isinstance(one, Rejected) else next(answered)) for one in read]
    enqueued = sum(one.error is None for one in answers)
    return EnqueuedManyAnswer(enqueued=enqueued, refused=len(answers) - enqueued, jobs=answers)


def _read(item: WorkItem) -> tuple[Job, Terms] | Rejected:
    try:
        return _job(item), terms_of(item)
    except Rejected as error:
        return error


def _job(item: WorkItem) -> Job:
    """Raises Invalid: ``unknown_operation`` or ``unknown_sync_type``."""
    deal_id = item.deal_id.lower()
    if isinstance(item, BriefItem):
        return GenerateDailyBrief(deal_id, item.date)
    if isinstance(item, DocumentItem):
        operation = _word(DocumentOperation, item.operation, code="unknown_operation")
        return ProcessDocument(item.document_id.lower(), deal_id, operation)
    if isinstance(item, EmailItem):
        return ProcessEmail(
            item.email_id.lower(), deal_id, _word(EmailOperation, item.operation, code="unknown_operation")
        )
    return SyncSource(item.source_id.lower(), deal_id, _word(SyncType, item.sync_type, code="unknown_sync_type"))


def _word(kind: type[Word], word: str, *, code: str) -> Word:
    try:
        return kind(word)
    except ValueError:
        raise invalid(f"There is no {word[:60]!r} here.", code=code, valid=[one.value for one in kind]) from None


def _answer(told: Enqueued | Rejected) -> ItemAnswer:
    if isinstance(told, Rejected):
        error = ErrorBody(code=told.code, message=told.message, details=dict(told.details))
        return ItemAnswer(job_id=None, deduplicated=False, error=error)
    return ItemAnswer(job_id=told.job_id, deduplicated=told.deduplicated, error=None)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/jobs", enqueue_many, takes=EnqueueManyRequest, scope=Scope.enqueue),
)
