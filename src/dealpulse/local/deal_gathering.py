"""Gathering what a run found out, with every file of the folder in exactly one place."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.local.deal_result import (
    RunResult,
    ShownBlocker,
    ShownBrief,
    ShownCounts,
    ShownDeal,
    ShownDocument,
    ShownEmail,
    ShownFailure,
    ShownPage,
    ShownRisk,
    ShownSkip,
    ShownSummary,
)
from dealpulse.local.deal_run import DealRun
from dealpulse.models import (
    Document,
    DocumentState,
    Email,
    Operation,
    OperationState,
    Page,
    RecordedBlocker,
    RecordedFinding,
    SubjectType,
    Summary,
)
from dealpulse.queue import QueueClient
from dealpulse.store import Store

_SHOWN_AS_REPLACED: Final = re.compile("[\x00\ud800-\udfff]")
_AT_ONCE: Final = 8
_NOT_TAKEN: Final = "The sync left it out: it changed or went away meanwhile, or could not be opened."


@dataclass(frozen=True)
class FolderFile:
    """A file of the folder; ``obstacle`` is why no sync takes it, if so."""

    path: str
    obstacle: str | None = None


class _SkippedItem(Struct):
    path: str
    reason: str


class _SyncAnswer(Struct):
    skipped_items: tuple[_SkippedItem, ...] = ()


def files_below(folder: Path) -> list[FolderFile]:
    """Everything below ``folder`` that is not a directory, hidden files and links included."""
    return sorted(_entries(folder), key=lambda file: file.path)


def _entries(folder: Path) -> Iterator[FolderFile]:
    unlistable: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=unlistable.append):
        links = [name for name in folders if Path(here, name).is_symlink()]
        for name in (*names, *links):
            path = Path(here, name)
            yield FolderFile(_shown_path(path, folder), _obstacle(path, folder))
    for error in unlistable:
        yield FolderFile(_shown_path(Path(error.filename), folder), f"The folder cannot be listed ({error.strerror}).")


def _obstacle(path: Path, folder: Path) -> str | None:
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return "Hidden files, and files in hidden folders, are left out."
    if path.is_symlink():
        return "Links are left out: they lead elsewhere."
    return None if path.is_file() else "It is not a regular file."


def _shown_path(path: Path, folder: Path) -> str:
    """The path as the store keeps it, which cannot hold bytes that are no UTF-8."""
    return _SHOWN_AS_REPLACED.sub("�", path.relative_to(folder).as_posix())


async def result_of(
    run: DealRun, *, folder: Path, files: Sequence[FolderFile], store: Store, queue: QueueClient
) -> RunResult:
    """Everything the run found out. ``files`` is what was in the folder before it began."""
    documents = await store.documents.of_deal(run.deal.id)
    emails = await store.emails.of_deal(run.deal.id)
    not_done = {
        one.subject_id: one
        for one in run.operations
        if one.state is OperationState.failed and one.subject_type in (SubjectType.document, SubjectType.email)
    }
    outer_paths = {one.id: one.path for one in documents} | {one.id: one.path for one in emails}
    failed = tuple(_failures([*documents, *emails], not_done, outer_paths))
    good = [one for one in documents if not _is_failed(one, not_done)]
    shown_documents = await _documents(
        good, outer_paths, store=store, findings=await store.findings.of_deal(run.deal.id)
    )
    blockers = await store.blockers.of_deal(run.deal.id)
    shown_emails = tuple(_email(one, blockers) for one in emails if not _is_failed(one, not_done))
    placed = {one.path for one in shown_documents if one.attachment_of is None}
    placed |= {one.path for one in failed if one.attachment_of is None} | {one.path for one in shown_emails}
    reasons = await _reasons(run, queue)
    skipped = tuple(
        ShownSkip(path=file.path, reason=file.obstacle or reasons.get(file.path, _NOT_TAKEN))
        for file in files
        if file.path not in placed
    )
    return RunResult(
        deal=ShownDeal(id=run.deal.id, name=run.deal.name, folder=str(folder)),
        counts=_counts(shown_documents, shown_emails, failed, skipped),
        brief=ShownBrief(date=run.brief.brief_date, status=run.brief.status, origin=run.brief.origin),
        documents=shown_documents,
        emails=shown_emails,
        failed=failed,
        skipped=skipped,
    )


def _counts(
    documents: Sequence[ShownDocument],
    emails: Sequence[ShownEmail],
    failed: Sequence[ShownFailure],
    skipped: Sequence[ShownSkip],
) -> ShownCounts:
    own = [one for one in documents if one.attachment_of is None]
    own_failed = [one for one in failed if one.attachment_of is None]
    return ShownCounts(
        files=len(own) + len(emails) + len(own_failed) + len(skipped),
        documents=len(own),
        emails=len(emails),
        failed=len(own_failed),
        skipped=len(skipped),
        attachments=len(documents) - len(own) + len(failed) - len(own_failed),
    )


def _is_failed(row: Document | Email, not_done: Mapping[str, Operation]) -> bool:
    return row.state is not DocumentState.ready or row.id in not_done


def _failures(
    rows: Sequence[Document | Email], not_done: Mapping[str, Operation], outer_paths: Mapping[str, str]
) -> Iterator[ShownFailure]:
    for row in rows:
        if not _is_failed(row, not_done):
            continue
        operation = not_done.get(row.id)
        code = row.failure_code or (operation and operation.error_code) or "not_processed"
        reason = row.failure_reason or (operation and operation.error_message) or "It was not processed."
        yield ShownFailure(path=row.path, attachment_of=_outer(row, outer_paths), code=code, reason=reason)


def _outer(row: Document | Email, outer_paths: Mapping[str, str]) -> str | None:
    """The path of the e-mail or the file it was found in; None for a file of the folder itself."""
    outer = (row.parent_id or row.email_id) if isinstance(row, Document) else None
    return outer_paths.get(outer) if outer else None


async def _documents(
    documents: Sequence[Document],
    outer_paths: Mapping[str, str],
    *,
    store: Store,
    findings: Sequence[RecordedFinding],
) -> tuple[ShownDocument, ...]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def shown(document: Document) -> ShownDocument:
        async with gate:
            pages = await store.documents.pages(document.id)
        return _document(document, pages, _outer(document, outer_paths), _risks(document, findings))

    return tuple(await asyncio.gather(*map(shown, documents)))


def _document(
    document: Document, pages: Sequence[Page], attachment_of: str | None, risks: tuple[ShownRisk, ...]
) -> ShownDocument:
    classification = document.classification
    return ShownDocument(
        path=document.path,
        attachment_of=attachment_of,
        name=document.name,
        mime_type=document.mime_type,
        size_bytes=document.size_bytes,
        sha256=document.content_hash,
        workstream=classification.primary if classification else None,
        workstreams=classification.workstreams if classification else (),
        summary=_summary(document.summary) if document.summary else None,
        risks=risks,
        pages=tuple(_page(page) for page in pages),
        origin=document.origin,
    )


def _page(page: Page) -> ShownPage:
    return ShownPage(
        number=page.number,
        kind=page.kind,
        label=page.label,
        text=page.text,
        method=page.method,
        confidence=page.confidence,
        rotation=page.rotation,
        warnings=page.warnings,
    )


def _summary(summary: Summary) -> ShownSummary:
    return ShownSummary(
        document_type=summary.document_type,
        summary=summary.summary,
        parties=summary.parties,
        dates=summary.dates,
        amounts=summary.amounts,
        obligations=summary.obligations,
        key_terms=summary.key_terms,
    )


def _risks(document: Document, findings: Sequence[RecordedFinding]) -> tuple[ShownRisk, ...]:
    return tuple(
        ShownRisk(
            category=finding.category,
            severity=finding.severity,
            action=finding.action,
            title=finding.title,
            explanation=finding.explanation,
            quote=recorded.citation.quote,
            page=recorded.citation.page,
            verification=recorded.citation.verification,
            fingerprint=finding.fingerprint,
        )
        for finding in findings
        for recorded in finding.citations
        if recorded.document_id == document.id
    )


def _email(email: Email, blockers: Sequence[RecordedBlocker]) -> ShownEmail:
    return ShownEmail(
        path=email.path,
        message_id=email.message_id,
        subject=email.subject,
        sender=email.sender,
        to=email.to,
        cc=email.cc,
        sent_at=email.sent_at,
        thread_key=email.thread_key,
        body_text=email.body_text,
        sentiment=email.sentiment,
        blockers=tuple(_blocker(one) for one in blockers if one.email_id == email.id),
        origin=email.origin,
    )


def _blocker(recorded: RecordedBlocker) -> ShownBlocker:
    blocker = recorded.blocker
    return ShownBlocker(
        title=blocker.title,
        owner=blocker.owner,
        due_date=blocker.due_date,
        needed_action=blocker.needed_action,
        opened_on=blocker.opened_on,
        status=blocker.status,
        quote=blocker.citation.quote,
        verification=blocker.citation.verification,
        fingerprint=blocker.fingerprint,
    )


async def _reasons(run: DealRun, queue: QueueClient) -> dict[str, str]:
    """Why the sync left files out, as its job's result tells."""
    job = await queue.job(run.sync_job_id)
    if job is None or job.result is None:
        return {}
    answer = msgspec.convert(job.result, _SyncAnswer)
    return {_SHOWN_AS_REPLACED.sub("�", item.path): item.reason for item in answer.skipped_items}
