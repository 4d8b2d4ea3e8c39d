"""How work enters the service: look up, check, then ask for it through :mod:`dealpulse.outbox`.

The HTTP API, the command line, webhooks and schedules all ask here. A request is written to its row before Redis hears
of it: if Redis is away at that moment the caller gets ``Unavailable``, and the reconcile sweep enqueues the work once
Redis is back.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import structlog

from dealpulse import feedback, interventions, outbox
from dealpulse.errors import Invalid, NotFound, Rejected
from dealpulse.interventions import Replayed
from dealpulse.jobs import (
    DocumentOperation,
    EmailOperation,
    GenerateDailyBrief,
    Job,
    ProcessDocument,
    ProcessEmail,
    Queue,
    SyncSource,
    SyncType,
    job_identified,
)
from dealpulse.models import (
    BlockerVerdict,
    Deal,
    Document,
    FindingVerdict,
    Source,
    SourceType,
    SubjectType,
)
from dealpulse.outbox import AT_ONCE, Terms, Together
from dealpulse.queue import Batch, Buried, Enqueued, History, Kept, Letters, QueueClient, QueueStats
from dealpulse.queue.client import MAX_BULK
from dealpulse.queue.scripts import Item
from dealpulse.store import Store
from dealpulse.store.files import storage_key
from dealpulse.store.operations import Subject

log = structlog.get_logger(__name__)

WORK_ASKED: Final = "work_asked"
QUEUE_PAUSED: Final = "queue_paused"
QUEUE_RESUMED: Final = "queue_resumed"
QUEUE_CLEANED: Final = "queue_cleaned"
FINDING_REVIEWED: Final = "finding_reviewed"
BLOCKER_REVIEWED: Final = "blocker_reviewed"

MAX_TEXT_LENGTH: Final = 255
MAX_LOCATION_LENGTH: Final = 4096
_MIME_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class TriggeredBrief:
    """One deal's brief, asked for."""

    deal_id: str
    enqueued: Enqueued


@dataclass(frozen=True)
class UploadedDocument:
    """A stored document, and the job that will read it."""

    document: Document
    enqueued: Enqueued


@dataclass(frozen=True)
class _Wish:
    """A job somebody asks for, and the same as it goes to Redis, in their name."""

    job: Job
    item: Item


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Takes requests for work.

    Every method raises ``Invalid`` or ``NotFound`` when the request cannot be met (then nothing was written or
    enqueued), and ``Unavailable`` or ``Transient`` when Supabase or Redis does not answer.
    """

    store: Store
    queue: QueueClient
    history: History
    time_zone: ZoneInfo
    """Of deals that have none of their own."""
    clock: Callable[[], datetime.datetime] = _utc_now
    """The time now, timezone-aware."""

    # --- the four queues ------------------------------------------------------------------------------------------

    async def queue_daily_brief(
        self, deal_id: str, date: datetime.date | None = None, *, terms: Terms = AT_ONCE
    ) -> Enqueued:
        """Ask for a deal's brief; ``date`` defaults to today where the deal is.

        Raises:
            NotFound: ``deal_not_found``.
            Invalid: ``deal_not_active``: only active deals get briefs.
        """
        deal = await self.store.deals.get(deal_id)
        if not deal.is_active:
            raise Invalid(
                f"Only active deals get briefs; this one is {deal.status!r}.",
                code="deal_not_active",
                details={"dealId": deal.id, "status": deal.status},
            )
        return (await self._ask([self._brief_of(deal, date)], terms=terms))[0]

    async def trigger_daily_briefs(self) -> list[TriggeredBrief]:
        """Ask for today's brief of every active deal."""
        deals = await self.store.deals.active()
        enqueued = await self._ask([self._brief_of(deal) for deal in deals])
        return [TriggeredBrief(deal.id, each) for deal, each in zip(deals, enqueued, strict=True)]

    async def queue_document_processing(
        self, document_id: str, deal_id: str, operation: str, *, terms: Terms = AT_ONCE
    ) -> Enqueued:
        """Ask for one operation on one document.

        Raises:
            Invalid: ``unknown_operation``.
            NotFound: ``document_not_found``, also for a document of another deal.
        """
        chosen = _choose(DocumentOperation, operation, code="unknown_operation", what="document operation")
        return await self._ask_one(ProcessDocument(document_id.lower(), deal_id.lower(), chosen), terms)

    async def queue_email_processing(
        self, email_id: str, deal_id: str, operation: str, *, terms: Terms = AT_ONCE
    ) -> Enqueued:
        """Ask for one operation on one e-mail.

        Raises:
            Invalid: ``unknown_operation``.
            NotFound: ``email_not_found``, also for an e-mail of another deal.
        """
        chosen = _choose(EmailOperation, operation, code="unknown_operation", what="e-mail operation")
        return await self._ask_one(ProcessEmail(email_id.lower(), deal_id.lower(), chosen), terms)

    async def queue_source_sync(
        self, deal_id: str, source_type: str, sync_type: str, *, brief: bool = True, terms: Terms = AT_ONCE
    ) -> list[Enqueued]:
        """Ask for a sync of every source of one type in a deal.

        When all that a source's first sync brought in has been read, today's brief is written, unless ``brief`` is
        false.

        Raises:
            Invalid: ``unknown_source_type`` or ``unknown_sync_type``.
            NotFound: ``deal_not_found``; ``source_not_found`` when the deal has no source of that type.
        """
        wanted = _choose(SourceType, source_type, code="unknown_source_type", what="source type")
        how = _choose(SyncType, sync_type, code="unknown_sync_type", what="sync type")
        deal = await self.store.deals.get(deal_id)
        sources = await self.store.sources.of_deal(deal.id, wanted)
        if not sources:
            raise NotFound(
                f"The deal has no {wanted.value} source; {_how_to_connect(wanted, deal.id)}",
                code="source_not_found",
                details={
                    "dealId": deal.id,
                    "sourceType": wanted.value,
                    **({"connect": _connect_path(wanted, deal.id)} if wanted is not SourceType.folder else {}),
                },
            )
        return await self.sync_sources(sources, how, brief=brief, terms=terms)

    async def sync_sources(
        self,
        sources: Sequence[Source],
        how: SyncType = SyncType.incremental,
        *,
        brief: bool = True,
        terms: Terms = AT_ONCE,
    ) -> list[Enqueued]:
        """Ask for a sync of sources of one deal, one answer each; ``brief`` as in :meth:`queue_source_sync`.

        Raises:
            NotFound: ``deal_not_found``.
        """
        if not sources:
            return []
        deal = await self.store.deals.get(sources[0].deal_id)
        first = [source for source in sources if brief and deal.is_active and source.last_synced_at is None]
        asked: list[Enqueued] = []
        for source in first:
            batch = self._first_sync(source, deal)
            asked += await self._ask([SyncSource(source.id, deal.id, how)], batch=batch, terms=terms)
        known = [SyncSource(source.id, deal.id, how) for source in sources if source not in first]
        asked += await self._ask(known, terms=terms)
        by_id = {each.job_id: each for each in asked}
        return [by_id[SyncSource(source.id, deal.id, how).id] for source in sources]

    async def queue_many(self, wanted: Sequence[tuple[Job, Terms]]) -> list[Enqueued | Rejected]:
        """Ask for many jobs at once, one answer a job, in order; what cannot be met keeps none of the others.

        A source's first sync is followed by no brief here.
        """
        return await self._ask_known([self._wish(job, terms) for job, terms in wanted])

    async def get_queue_stats(self) -> Mapping[str, QueueStats]:
        """The figures of every queue, by wire name."""
        return await self.queue.stats()

    # --- jobs that are there --------------------------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> str:
        """Cancel a job that has not ended; returns the state it was in. See :func:`interventions.cancel`."""
        operations = self.store.operations
        return await interventions.cancel(job_id, operations=operations, queue=self.queue, history=self.history)

    async def retry_job(self, job_id: str) -> Enqueued:
        """Run a job again that failed for good or was cancelled. See :func:`interventions.retry`."""
        operations = self.store.operations
        return await interventions.retry(job_id, operations=operations, queue=self.queue, history=self.history)

    async def duplicate_job(self, job_id: str, *, terms: Terms = AT_ONCE) -> Enqueued:
        """Ask once more for what a job did, however it ended; one that waits or runs is that job.

        Raises:
            NotFound: ``job_not_found``, or what the job belongs to is gone.
            Invalid: ``job_of_others``: another program's, whose arguments nobody keeps.
        """
        view = await self.queue.job(job_id)
        if view is None:
            raise NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
        job = job_identified(job_id, view.deal_id or "")
        if job is None:
            raise Invalid("This is another program's job, whose arguments nobody keeps.", code="job_of_others")
        return await self._ask_one(job, terms)

    async def replay(self, queue: str, letters: Letters, *, per_second: float | None = None) -> Replayed:
        """Run dead letters of a queue, named by its key, again. See :func:`interventions.replay`."""
        operations = self.store.operations
        return await interventions.replay(
            queue, letters, per_second=per_second, operations=operations, history=self.history
        )

    async def discard(self, queue: str, letters: Letters) -> int:
        """Throw dead letters of a queue, named by its key, away; returns how many."""
        return await interventions.discard(queue, letters, history=self.history)

    async def clean(self, queue: str, kept: Kept, *, older_than: datetime.timedelta) -> int:
        """Forget what is kept of jobs of a queue, named by its key, that ended like that so long ago; returns how many.

        Their rows go on saying how they ended.
        """
        runs = await self.history.runs_before(queue, kept, self.clock() - older_than)
        buried = await self.history.discard(queue, runs, kept=kept)
        cleaned = sum(what is Buried.discarded for what in buried.values())
        log.info(QUEUE_CLEANED, queue=queue, kept=kept.value, cleaned=cleaned)
        return cleaned

    async def pause(self, queue: Queue, deal_id: str | None = None) -> None:
        """Start no further job of the queue, or of one deal on it, until :meth:`resume`; what runs ends.

        Raises:
            NotFound: ``deal_not_found``.
        """
        deal = "" if deal_id is None else (await self.store.deals.get(deal_id)).id
        await self.queue.pause(queue, deal)
        log.info(QUEUE_PAUSED, queue=queue.name, deal_id=deal)

    async def resume(self, queue: Queue, deal_id: str | None = None) -> None:
        """Undo :meth:`pause`. Raises as it does."""
        deal = "" if deal_id is None else (await self.store.deals.get(deal_id)).id
        await self.queue.resume(queue, deal)
        log.info(QUEUE_RESUMED, queue=queue.name, deal_id=deal)

    # --- what people say of what was found --------------------------------------------------------------------------

    async def review_finding(
        self, finding_id: str, verdict: str, *, corrections: Mapping[str, str], reason: str = "", author: str
    ) -> None:
        """Accept a finding, reject it, or correct its category, severity, action or title; later runs respect it.

        Raises:
            Invalid: ``unknown_verdict``, ``invalid_correction`` or ``invalid_reason``.
            NotFound: ``finding_not_found``.
        """
        chosen = _choose(FindingVerdict, verdict, code="unknown_verdict", what="verdict")
        corrected = feedback.corrections_of_finding(corrections, wanted=chosen is FindingVerdict.correct)
        said = feedback.reason_of(reason)
        await self.store.findings.review(finding_id, chosen, corrections=corrected, reason=said, author=author)
        log.info(FINDING_REVIEWED, finding_id=finding_id, verdict=chosen.value, author=author)

    async def review_blocker(
        self, blocker_id: str, verdict: str, *, corrections: Mapping[str, str], reason: str = "", author: str
    ) -> None:
        """Resolve a blocker, dismiss it once or for good, reopen it, or correct it; later e-mails respect that.

        Raises:
            Invalid: ``unknown_verdict``, ``invalid_correction`` or ``invalid_reason``.
            NotFound: ``blocker_not_found``.
        """
        chosen = _choose(BlockerVerdict, verdict, code="unknown_verdict", what="verdict")
        corrected = feedback.corrections_of_blocker(corrections, wanted=chosen is BlockerVerdict.correct)
        said = feedback.reason_of(reason)
        await self.store.blockers.review(blocker_id, chosen, corrections=corrected, reason=said, author=author)
        log.info(BLOCKER_REVIEWED, blocker_id=blocker_id, verdict=chosen.value, author=author)

    # --- what comes in by hand ------------------------------------------------------------------------------------

    async def create_deal(self, name: str, *, time_zone: str | None = None) -> Deal:
        """Make a new, active deal.

        Raises:
            Invalid: ``invalid_name`` or ``unknown_time_zone``.
        """
        title = _text(name, code="invalid_name", what="A deal's name")
        zone = None if time_zone is None else _zone_name(time_zone)
        return await self.store.deals.create(title, time_zone=zone)

    async def add_source(
        self,
        deal_id: str,
        source_type: str,
        *,
        location: str,
        name: str | None = None,
        connection_id: str | None = None,
    ) -> Source:
        """Connect a place documents or e-mails come from; nothing is synced yet.

        It is read with the account ``connection_id`` that a person connected for the deal, else with the service's own.

        Raises:
            Invalid: ``unknown_source_type``, ``invalid_location`` or ``invalid_name``.
            NotFound: ``deal_not_found``, ``connection_not_found``.
        """
        kind = _choose(SourceType, source_type, code="unknown_source_type", what="source type")
        place = _text(location, code="invalid_location", what="A source's location", limit=MAX_LOCATION_LENGTH)
        if kind is SourceType.folder and not Path(place).is_absolute():
            raise Invalid("A folder's location is an absolute path.", code="invalid_location")
        title = _text(name or f"{kind.value} {place}"[:MAX_TEXT_LENGTH], code="invalid_name", what="A source's name")
        deal = await self.store.deals.get(deal_id)
        if connection_id is not None and (await self.store.connections.get(connection_id)).deal_id != deal.id:
            raise NotFound("The deal has no such connection.", code="connection_not_found")
        return await self.store.sources.create(deal.id, kind, title, place, connection_id=connection_id)

    async def confirm_deletions(self, deal_id: str, source_id: str, *, gone: int) -> int:
        """Delete the ``gone`` items of a source whose deletion was held back; returns how many were deleted.

        Raises:
            NotFound: ``source_not_found``: the deal has no such source.
            Invalid: ``nothing_to_confirm``: another number waits by now, or none.
        """
        source = await self.store.sources.get(source_id)
        if source.deal_id != deal_id:
            raise NotFound("The deal has no such source.", code="source_not_found")
        deleted = await self.store.sources.confirm_deletions(source.id, gone=gone)
        if not deleted:
            raise Invalid(
                f"{(await self.store.sources.get(source.id)).gone} deletions wait to be confirmed, not {gone}.",
                code="nothing_to_confirm",
            )
        return deleted

    async def upload_document(
        self, deal_id: str, *, name: str, path: Path, mime_type: str = "application/octet-stream"
    ) -> UploadedDocument:
        """Store the file at ``path`` as a document of the deal and ask for it to be read.

        The same bytes under the same name are the same document. ``name`` may hold directories; the last part
        counts. What the file really is, its reading finds out.

        Raises:
            Invalid: ``invalid_name``.
            NotFound: ``deal_not_found``.
        """
        file_name = _file_name(name)
        deal = await self.store.deals.get(deal_id)
        content_hash, size = await asyncio.to_thread(_measure, path)
        content_type = mime_type if _MIME_TYPE.fullmatch(mime_type) else "application/octet-stream"
        key = storage_key(deal.id, content_hash)
        await self.store.files.upload(key, path, content_type=content_type)
        document = await self.store.documents.create(
            deal.id,
            name=file_name,
            path=file_name,
            mime_type=content_type,
            size_bytes=size,
            content_hash=content_hash,
            storage_key=key,
        )
        enqueued = await self._ask([ProcessDocument(document.id, deal.id, DocumentOperation.ingest)])
        return UploadedDocument(document, enqueued[0])

    # --- how ------------------------------------------------------------------------------------------------------

    async def _ask_one(self, job: Job, terms: Terms) -> Enqueued:
        """Ask for one job, together with those that others ask for at the same moment."""
        answer = await self._together(self._wish(job, terms))
        if isinstance(answer, Rejected):
            raise answer
        log.info(
            WORK_ASKED,
            queue=job.queue.name,
            job_id=answer.job_id,
            deal_id=job.deal_id,
            deduplicated=answer.deduplicated,
        )
        return answer

    def _wish(self, job: Job, terms: Terms) -> _Wish:
        return _Wish(job, self.queue.item(job, run_at=terms.run_at, priority=terms.priority))

    @cached_property
    def _together(self) -> Together[_Wish, Enqueued | Rejected]:
        return Together(self._ask_known, most=MAX_BULK)

    async def _ask_known(self, wishes: Sequence[_Wish]) -> list[Enqueued | Rejected]:
        """One answer a wish, in order; what cannot be met keeps none of the others."""
        operations = self.store.operations
        try:
            subjects = await operations.ask_known([wish.job.operation for wish in wishes])
        except NotFound as error:
            # A deal went just now: whose it was, each tells by itself.
            if len(wishes) == 1:
                return [error]
            return [answer for wish in wishes for answer in await self._ask_known([wish])]
        refusals = [_refusal(wish.job, subject) for wish, subject in zip(wishes, subjects, strict=True)]
        met = [wish for wish, refused in zip(wishes, refusals, strict=True) if refused is None]
        enqueued = iter(await self.queue.put([wish.item for wish in met]))
        await operations.mark_queued([wish.job.operation for wish in met])
        return [next(enqueued) if refused is None else refused for refused in refusals]

    def local_date(self, deal: Deal) -> datetime.date:
        """Today where the deal is."""
        return self.clock().astimezone(deal.zone(self.time_zone)).date()

    def _brief_of(self, deal: Deal, date: datetime.date | None = None) -> GenerateDailyBrief:
        return GenerateDailyBrief(deal.id, date or self.local_date(deal))

    def _first_sync(self, source: Source, deal: Deal) -> Batch:
        # A batch that has ended takes no more jobs: each asking has its own.
        return Batch(f"first-sync:{source.id}:{uuid.uuid4().hex[:8]}", then=self._brief_of(deal))

    async def _ask(self, jobs: Sequence[Job], *, batch: Batch | None = None, terms: Terms = AT_ONCE) -> list[Enqueued]:
        """One answer a job, in order."""
        enqueued = await outbox.request(
            jobs,
            operations=self.store.operations,
            queue=self.queue,
            batch=batch,
            run_at=terms.run_at,
            priority=terms.priority,
        )
        for job, answer in zip(jobs, enqueued, strict=True):
            log.info(
                WORK_ASKED,
                queue=job.queue.name,
                job_id=answer.job_id,
                deal_id=job.deal_id,
                deduplicated=answer.deduplicated,
            )
        return enqueued


def _refusal(job: Job, subject: Subject | None) -> Rejected | None:
    kind = job.operation.subject_type
    if subject is None or not _same_id(subject.deal_id, job.deal_id):
        what = "deal" if kind is SubjectType.brief else kind.value
        told = {"deal": "There is no such deal.", "email": "There is no such e-mail in the deal."}
        return NotFound(told.get(what, f"There is no such {what} in the deal."), code=f"{what}_not_found")
    if kind is SubjectType.brief and not subject.is_active:
        return Invalid("Only active deals get briefs.", code="deal_not_active")
    return None


def _choose(kind: type[Choice], word: str, *, code: str, what: str) -> Choice:
    try:
        return kind(word)
    except ValueError:
        valid = [member.value for member in kind]
        message = f"There is no {what} {word[:60]!r}; there is {', '.join(valid)}."
        raise Invalid(message, code=code, details={"valid": valid}) from None


def _connect_path(kind: SourceType, deal_id: str) -> str:
    return f"/api/sources/{kind.value}/connect?deal={deal_id}"


def _how_to_connect(kind: SourceType, deal_id: str) -> str:
    if kind is SourceType.folder:
        return f"add one: POST /api/deals/{deal_id}/sources."
    return f"connect one: {_connect_path(kind, deal_id)}"


def _same_id(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _file_name(name: str) -> str:
    last = _text(re.split(r"[/\\]", name.strip())[-1], code="invalid_name", what="A document's file name")
    if last in (".", ".."):
        raise Invalid("A document needs a file name.", code="invalid_name")
    return last


def _text(text: str, *, code: str, what: str, limit: int = MAX_TEXT_LENGTH) -> str:
    """One line of text without surrounding space."""
    line = text.strip()
    if not 1 <= len(line) <= limit or any(unicodedata.category(char) in ("Cc", "Cs") for char in line):
        raise Invalid(f"{what} has 1 to {limit} characters and no control characters.", code=code)
    return line


def _zone_name(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        message = f"There is no time zone {name[:60]!r}; use an IANA name such as America/New_York."
        raise Invalid(message, code="unknown_time_zone") from None


def _measure(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()
