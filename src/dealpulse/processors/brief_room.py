"""The inventory of a deal room: what came in, what could not be read and what to do about it, what nobody looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dealpulse.errors import BudgetExceeded
from dealpulse.models import (
    Document,
    DocumentState,
    Email,
    EngineName,
    Operation,
    OperationState,
    RiskCategory,
    Source,
    SourceState,
    SubjectType,
    Workstream,
)
from dealpulse.processors.brief_facts import BriefRisk, Gap, NotLookedAt, Reader, UnreadItem
from dealpulse.store.documents import FaintlyRead

UNDER_WAY: Final = frozenset({OperationState.pending, OperationState.queued, OperationState.running})
_ROOM: Final = frozenset({SubjectType.document, SubjectType.email, SubjectType.source})
"""What is read, and not what is written of it."""

_ADVICE: Final[Mapping[str, str]] = {
    "encrypted": "Ask for it without its password.",
    "empty_file": "Ask for it again: it arrived empty.",
    "truncated": "Ask for it again: it arrived incomplete.",
    "corrupt": "Ask for it again, best as a PDF.",
    "unsupported_type": "Ask for it as a PDF.",
    "wrong_extension": "Ask for it again under its right name.",
    "too_large": "Ask for it in parts.",
    "bomb": "Ask for it unpacked, file by file.",
    "timed_out": "Ask for it in parts, or raise EXTRACTION_SECONDS.",
    "out_of_memory": "Ask for it in parts, or raise EXTRACTION_MEMORY_MB.",
    "no_text": "Ask for a better scan, or read it yourself.",
    "refused": "Read it yourself: the model would not answer.",
    "context_too_long": "Ask for it in parts.",
}
_ADVICE_OTHERWISE: Final = "Read it yourself, and have its analysis run again."

_REQUESTS: Final[Mapping[Workstream, str]] = {
    Workstream.corporate_legal: "the charter and bylaws, the cap table, and the board and shareholder minutes of three "
    "years",
    Workstream.material_contracts: "the contracts with the ten largest customers and suppliers, with every amendment",
    Workstream.financial: "the audited statements of three years, the current trial balance, and the debt schedule",
    Workstream.tax: "the income, sales and payroll tax returns of three years, and every letter from a tax authority",
    Workstream.hr: "a census of all staff with pay, the executives' contracts, and the benefit and pension plans",
    Workstream.ip: "a schedule of patents, marks and domains, the invention assignments, and an open-source scan",
    Workstream.insurance: "the policies in force, and the loss runs of five years",
    Workstream.litigation: "counsel's list of pending and threatened claims, and the settlements of five years",
}
"""What a deal room is expected to hold something about, and what to ask for where it does not."""
_WORKSTREAM_OF: Final = {
    RiskCategory.ip_ownership.value: Workstream.ip,
    RiskCategory.open_source.value: Workstream.ip,
    RiskCategory.tax.value: Workstream.tax,
    RiskCategory.insurance.value: Workstream.insurance,
    RiskCategory.litigation.value: Workstream.litigation,
    RiskCategory.key_person.value: Workstream.hr,
    RiskCategory.misclassification.value: Workstream.hr,
    RiskCategory.earnings_quality.value: Workstream.financial,
}
"""A risk found shows that something was there to read."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """All that is known of a deal's documents, e-mails and sources."""

    documents: Sequence[Document] = ()
    emails: Sequence[Email] = ()
    operations: Sequence[Operation] = ()
    sources: Sequence[Source] = ()
    gone: Sequence[Document] = ()
    """Documents no source has any more."""
    faint: Sequence[FaintlyRead] = ()

    @property
    def items(self) -> list[Document | Email]:
        return [*self.documents, *self.emails]


def name_of(item: Document | Email) -> str:
    """What people call it: a document by its file name, an e-mail by its subject."""
    return (item.subject or item.name) if isinstance(item, Email) else item.name


def under_way(operations: Sequence[Operation]) -> frozenset[str]:
    """Ids of documents, e-mails and sources with work that is not done."""
    return frozenset(one.subject_id for one in operations if one.state in UNDER_WAY and one.subject_type in _ROOM)


def soon_done(operations: Sequence[Operation]) -> frozenset[str]:
    """Those of :func:`under_way` that are worth waiting for: what is put off until tomorrow is not."""
    return under_way([one for one in operations if one.error_code != BudgetExceeded.code])


def pending(room: Room) -> tuple[str, ...]:
    busy = under_way(room.operations)
    names = [name_of(item) for item in room.items if item.id in busy]
    return (*names, *(f"the source {source.name}" for source in room.sources if source.id in busy))


def unread(room: Room) -> tuple[UnreadItem, ...]:
    """What failed in reading or in analysis, and what was read and then never analysed."""
    busy = under_way(room.operations)
    failed: dict[str, Operation] = {}
    for operation in room.operations:
        if operation.state is OperationState.failed:
            failed.setdefault(operation.subject_id, operation)
    return tuple(_unread(item, failed.get(item.id)) for item in room.items if item.id not in busy and _is_dark(item))


def _is_dark(item: Document | Email) -> bool:
    listing = isinstance(item, Document) and item.only_lists
    return item.state is not DocumentState.ready or (item.origin is None and not listing)


def _unread(item: Document | Email, failed: Operation | None) -> UnreadItem:
    if item.state is DocumentState.failed:
        code, reason = item.failure_code, item.failure_reason or "The file could not be read."
    elif failed is not None:
        code, reason = failed.error_code, failed.error_message or "Its analysis failed."
    else:
        code, reason = None, "It was never analysed: that was cancelled, or nobody asked for it."
    return UnreadItem(name=name_of(item), reason=reason, advice=_ADVICE.get(code or "", _ADVICE_OTHERWISE))


def not_looked_at(room: Room) -> tuple[NotLookedAt, ...]:
    return tuple(_not_looked_at(room))


def _not_looked_at(room: Room) -> Iterator[NotLookedAt]:
    for source in room.sources:
        for skipped in source.skipped:
            yield NotLookedAt(name=skipped.path, reason=skipped.reason)
        if source.state is SourceState.needs_consent:
            yield NotLookedAt(name=source.name, reason="The source must be connected again; nothing new comes from it.")
        elif source.state is SourceState.paused:
            yield NotLookedAt(name=source.name, reason="The source is paused; nothing new comes from it.")
        elif source.last_error:
            yield NotLookedAt(name=source.name, reason=f"The source could not be synced. {source.last_error}")


def readers(room: Room) -> tuple[Reader, ...]:
    documents = Counter(one.origin for one in room.documents if one.origin)
    emails = Counter(one.origin for one in room.emails if one.origin)
    found = {(origin.engine, origin.model): origin for origin in (*documents, *emails)}
    return tuple(
        Reader(engine=engine, model=model, documents=documents[origin], emails=emails[origin])
        for (engine, model), origin in sorted(found.items())
    )


def stood_in_for(room: Room, expected: EngineName) -> int:
    """How many items the offline engine analysed although ``expected`` is another."""
    if expected is EngineName.local:
        return 0
    return sum(item.origin is not None and item.origin.engine is EngineName.local for item in room.items)


def gaps(documents: Sequence[Document], risks: Sequence[BriefRisk]) -> tuple[Gap, ...]:
    """Abstains while nothing is classified: an unread room has no gaps, only unread files."""
    classified = [document.classification for document in documents if document.classification]
    if not classified:
        return ()
    covered = {entry.workstream for one in classified for entry in one.workstreams}
    covered |= {one.primary for one in classified}
    covered |= {stream for risk in risks for stream in (_WORKSTREAM_OF.get(risk.category),) if stream}
    return tuple(
        Gap(workstream=stream, request=f"Ask for {papers}, or for a statement that there are none.")
        for stream, papers in _REQUESTS.items()
        if stream not in covered
    )


def newest(items: Sequence[Document | Email]) -> datetime | None:
    return max((item.created_at for item in items), default=None)
