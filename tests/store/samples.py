"""Values to store, each with only what a test cares about spelled out."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

from dealpulse.models import (
    Action,
    Address,
    Blocker,
    BlockerStatus,
    Brief,
    BriefStatus,
    CalendarEvent,
    Citation,
    Classification,
    Confidence,
    Deal,
    Document,
    DocumentAnalysis,
    Email,
    EmailAnalysis,
    EngineName,
    Finding,
    KeyFact,
    Operation,
    Origin,
    Page,
    PageKind,
    RiskCategory,
    Sentiment,
    SentimentLabel,
    Severity,
    SubjectType,
    Summary,
    TextMethod,
    Verification,
    Workstream,
    WorkstreamScore,
)
from dealpulse.store import Store, StoredEmailContent, SyncedItem

LOCAL = Origin(engine=EngineName.local, model="local-1", confidence=Confidence.low)
CLAUDE = Origin(engine=EngineName.claude, model="claude-test", confidence=Confidence.normal)
NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id nothing has."""

SUMMARY = Summary(
    document_type="lease",
    summary="A lease of the Ferris Street plant.",
    parties=("Larkspur Tooling", "Ferris Holdings"),
    amounts=(KeyFact(name="rent", value="USD 18,000 a month"),),
)
CLASSIFICATION = Classification(
    primary=Workstream.real_estate, workstreams=(WorkstreamScore(workstream=Workstream.real_estate, score=0.75),)
)
SENTIMENT = Sentiment(label=SentimentLabel.negative, score=-0.5, reason="Their counsel is losing patience.")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def page(number: int, text: str, *, start: int = 0) -> Page:
    return Page(number=number, kind=PageKind.page, text=text, char_start=start, char_end=start + len(text))


SCANNED_PAGE = Page(
    number=2,
    kind=PageKind.sheet,
    text="Größe: 5 µm",
    char_start=6,
    char_end=17,
    label="Sheet 1",
    method=TextMethod.ocr,
    confidence=0.875,
    rotation=90,
    warnings=("low_contrast",),
)


def citation(quote: str = "may terminate", *, page: int | None = 1) -> Citation:
    return Citation(quote=quote, page=page, verification=Verification.verified, start=0, end=len(quote))


def finding(
    fingerprint: str,
    *,
    severity: Severity = Severity.P2,
    title: str = "A risk",
    quote: str = "may terminate",
    category: RiskCategory = RiskCategory.change_of_control,
) -> Finding:
    return Finding(
        category=category,
        severity=severity,
        action=Action.investigate,
        title=title,
        explanation=f"{title}, explained.",
        citation=citation(quote),
        fingerprint=fingerprint,
    )


def findings(*found: Finding) -> DocumentAnalysis:
    return DocumentAnalysis(findings=found)


def blocker(
    fingerprint: str,
    *,
    title: str = "Consent of the landlord",
    opened_on: date = date(2026, 3, 2),
    status: BlockerStatus = BlockerStatus.open,
) -> Blocker:
    return Blocker(
        title=title,
        owner="Dana Whitlock",
        due_date=date(2026, 3, 20),
        needed_action="Get the consent signed.",
        opened_on=opened_on,
        citation=citation("still waiting for the landlord"),
        fingerprint=fingerprint,
        status=status,
    )


def blockers(*told: Blocker) -> EmailAnalysis:
    return EmailAnalysis(blockers=told)


def content(subject: str = "Landlord consent", *, sent_at: datetime | None = None) -> StoredEmailContent:
    return StoredEmailContent(
        message_id="<1@larkspur.example>",
        in_reply_to=None,
        thread_key="<root@larkspur.example>",
        subject=subject,
        sender=Address(address="dana@larkspur.example", name="Dana Whitlock"),
        to=(Address(address="counsel@ferris.example"),),
        cc=(),
        sent_at=sent_at or datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        body_text="We are still waiting for the landlord.",
        full_text="We are still waiting for the landlord.\n\n-- \nDana",
        events=(CalendarEvent(summary="Call", start=datetime(2026, 3, 5, 15, tzinfo=UTC), method="REQUEST"),),
    )


def brief(deal_id: str, day: date = date(2026, 3, 3), *, markdown: str = "# Brief") -> Brief:
    return Brief(
        deal_id=deal_id,
        brief_date=day,
        status=BriefStatus.complete,
        markdown=markdown,
        content={"risks": [{"title": "A risk", "pages": [1, 2]}], "counts": {"P0": 0}},
        origin=LOCAL,
    )


def item(
    external_id: str, *, kind: str = "document", text: str | None = "one", version: str = "1", name: str | None = None
) -> SyncedItem:
    """A synced item whose content is ``text``; None is unchanged content."""
    return SyncedItem(
        external_id=external_id,
        kind="email" if kind == "email" else "document",
        name=name or external_id,
        path=f"Legal/{name or external_id}",
        version=version,
        mime_type=None,
        size_bytes=len(text or ""),
        web_link=None,
        content_hash=None if text is None else sha256(text),
        storage_key=None if text is None else f"deals/{sha256(text)}",
    )


def operation(subject_id: str, deal_id: str, name: str = "ingest") -> Operation:
    return Operation(subject_type=SubjectType.document, subject_id=subject_id, name=name, deal_id=deal_id)


async def stored_document(
    store: Store, deal: Deal, name: str = "lease.pdf", *, text: str = "one", email_id: str | None = None
) -> Document:
    return await store.documents.create(
        deal.id,
        name=name,
        path=f"Legal/{name}",
        mime_type="application/pdf",
        size_bytes=len(text),
        content_hash=sha256(text),
        storage_key=f"deals/{sha256(text)}",
        email_id=email_id,
    )


async def stored_email(
    store: Store, deal: Deal, name: str = "1.eml", *, sent_at: datetime | None = None, subject: str = "Landlord consent"
) -> Email:
    """Stored and read."""
    email = await store.emails.create(
        deal.id, name=name, path=f"Mail/{name}", content_hash=sha256(name), storage_key=f"deals/{sha256(name)}"
    )
    await store.emails.save_content(email.id, content(subject, sent_at=sent_at))
    return await store.emails.get(email.id)
