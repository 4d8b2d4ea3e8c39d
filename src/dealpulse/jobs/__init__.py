"""What can be asked for: the queues and the jobs on them, one module a queue. No I/O.

To add a queue: a module here, a line in :data:`QUEUES`, :data:`JOB_TYPES` and :data:`CALLS`, a processor, and its
binding in ``worker.handlers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dealpulse.errors import Invalid
from dealpulse.jobs.contract import Errand, Job, Priority, Queue
from dealpulse.jobs.daily_brief import DAILY_BRIEF, Deliver, GenerateDailyBrief, GenerateReport
from dealpulse.jobs.documents import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.jobs.emails import EMAILS, EmailOperation, ProcessEmail
from dealpulse.jobs.sources import SOURCE_SYNC, CheckSource, SyncSource, SyncType
from dealpulse.models import Operation, SubjectType

JOB_TYPES: Final[Mapping[SubjectType, Callable[[Operation], Job]]] = {
    SubjectType.brief: GenerateDailyBrief.of,
    SubjectType.document: ProcessDocument.of,
    SubjectType.email: ProcessEmail.of,
    SubjectType.source: SyncSource.of,
    SubjectType.report: GenerateReport.of,
    SubjectType.delivery: Deliver.of,
}

CALLS: Final[Mapping[str, Callable[..., Job]]] = {
    GenerateDailyBrief.function: GenerateDailyBrief.called,
    ProcessDocument.function: ProcessDocument.called,
    ProcessEmail.function: ProcessEmail.called,
    SyncSource.function: SyncSource.called,
    GenerateReport.function: GenerateReport.called,
    Deliver.function: Deliver.called,
}

_KINDS: Final[Mapping[str, tuple[SubjectType, str]]] = {
    "brief": (SubjectType.brief, ""),
    "doc": (SubjectType.document, ""),
    "mail": (SubjectType.email, ""),
    "sync": (SubjectType.source, SyncType.incremental.value),
    "report": (SubjectType.report, ""),
    "deliver": (SubjectType.delivery, Deliver.function),
}
"""What a job's id begins with, and the operation's name where the id leaves it out."""

QUEUES: Final[tuple[Queue, ...]] = (DAILY_BRIEF, DOCUMENTS, EMAILS, SOURCE_SYNC)


def queue_named(name: str) -> Queue:
    """The queue called ``name`` in any of its spellings: ``dailyBrief`` and ``daily-brief`` are the same.

    Raises:
        Invalid: there is no such queue; the message lists those there are.
    """
    for queue in QUEUES:
        if name in (queue.name, queue.slug):
            return queue
    known = ", ".join(queue.slug for queue in QUEUES)
    raise Invalid(f"There is no queue {name!r}; the queues are {known}.", code="unknown_queue")


def job_for(operation: Operation) -> Job:
    """The job that does what a row asks for.

    Raises:
        ValueError: the row names an operation this version does not know.
    """
    return JOB_TYPES[operation.subject_type](operation)


def job_identified(job_id: str, deal_id: str) -> Job | None:
    """The job of a deal that goes by this id; None for an id of another making.

    A sync's id does not tell how it synced: it is an incremental one.
    """
    kind, _, rest = job_id.partition(":")
    subject, _, name = rest.partition(":")
    if kind not in _KINDS:
        return None
    subject_type, its_name = _KINDS[kind]
    try:
        job = job_for(Operation(subject_type=subject_type, subject_id=subject, name=name or its_name, deal_id=deal_id))
    except ValueError:
        return None
    return job if job.id == job_id else None


def job_called(function: str, arguments: Sequence[object], keywords: Mapping[str, object]) -> Job | None:
    """The job that a call of ``function`` is; None for other people's calls, which no row stands behind."""
    given = [*arguments, *keywords.values()]
    if function not in CALLS or not all(isinstance(one, str) for one in given):
        return None
    try:
        return CALLS[function](*arguments, **keywords)
    except (TypeError, ValueError):
        return None


__all__ = [
    "DAILY_BRIEF",
    "DOCUMENTS",
    "EMAILS",
    "QUEUES",
    "SOURCE_SYNC",
    "CheckSource",
    "Deliver",
    "DocumentOperation",
    "EmailOperation",
    "Errand",
    "GenerateDailyBrief",
    "GenerateReport",
    "Job",
    "Priority",
    "ProcessDocument",
    "ProcessEmail",
    "Queue",
    "SyncSource",
    "SyncType",
    "job_called",
    "job_for",
    "job_identified",
    "queue_named",
]
