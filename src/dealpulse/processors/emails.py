"""What the e-mail queue does: read a message with its attachments, and ask about what it says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from dealpulse.ai.contract import Engine
from dealpulse.errors import Awaiting, NotFound, Permanent, Unreadable
from dealpulse.extraction import extract_email
from dealpulse.extraction.contract import Attachment, Limits
from dealpulse.jobs import DocumentOperation, EmailOperation, Job, ProcessDocument, ProcessEmail
from dealpulse.models import DocumentState, Email, SubjectType
from dealpulse.outbox import request
from dealpulse.processors.accounts import OnAccount
from dealpulse.processors.inner_files import stored
from dealpulse.processors.operations import EMAIL_OPERATIONS
from dealpulse.processors.operations.contract import EmailText
from dealpulse.processors.scratch import downloaded, scratch_folder
from dealpulse.queue import QueueClient
from dealpulse.store import Store
from dealpulse.store.emails import StoredEmailContent

_THREAD_PATIENCE: Final = 300.0
"""Seconds after an e-mail was read for which its analysis waits for the others."""
_FIRST_LOOK: Final = 1.0


async def process_email(
    job: ProcessEmail, *, store: Store, queue: QueueClient, engine: Engine, limits: Limits, time_zone: ZoneInfo
) -> dict[str, object]:
    """Do one operation on one e-mail and return what was done, in numbers.

    Running it twice leaves the same rows.

    Raises:
        NotFound: there is no such e-mail in this deal (any more).
        Unreadable: the message cannot be read; its row says why.
    """
    email = await store.emails.get(job.email_id)
    if email.deal_id != job.deal_id:
        raise NotFound("The e-mail belongs to another deal.", code="email_not_found")
    if email.state is DocumentState.deleted:
        return {"skipped": "deleted"}
    if job.name is EmailOperation.parse:
        return await _parse(email, store=store, queue=queue, limits=limits)
    return await _ask(email, job, store=store, engine=engine, time_zone=time_zone)


async def _parse(email: Email, *, store: Store, queue: QueueClient, limits: Limits) -> dict[str, object]:
    follow_up: list[Job] = [ProcessEmail(email.id, email.deal_id, EmailOperation.analyze)]
    async with scratch_folder() as attachments_dir:
        try:
            async with downloaded(store.files, email.storage_key) as path:
                content = await extract_email(path, name=email.name, attachments_dir=attachments_dir, limits=limits)
        except Unreadable as error:
            await store.emails.mark_failed(email.id, code=error.code, reason=error.message)
            raise
        for attachment in content.attachments:
            follow_up += await _keep(attachment, email, store=store)
    await store.emails.save_content(
        email.id,
        StoredEmailContent(
            message_id=content.message_id,
            in_reply_to=content.in_reply_to,
            thread_key=content.thread_key,
            subject=content.subject,
            sender=content.sender,
            to=content.to,
            cc=content.cc,
            sent_at=content.sent_at,
            body_text=content.body_text,
            full_text=content.full_text,
            events=content.events,
            warnings=content.warnings,
        ),
    )
    await request(follow_up, operations=store.operations, queue=queue)
    return {"attachments": len(content.attachments)}


async def _keep(attachment: Attachment, email: Email, *, store: Store) -> list[Job]:
    """Store the attachment as a document of its own; its reading follows. One too large to store fails alone."""
    where = await stored(attachment, deal_id=email.deal_id, files=store.files)
    document = await store.documents.create(
        email.deal_id,
        name=attachment.name,
        path=f"{email.path}/{attachment.name}",
        mime_type=attachment.mime_type,
        size_bytes=attachment.size_bytes,
        content_hash=where.content_hash,
        storage_key=where.key,
        email_id=email.id,
    )
    if where.refusal is not None:
        await store.documents.mark_failed(document.id, code=where.refusal.code, reason=where.refusal.message)
        return []
    return [ProcessDocument(document.id, email.deal_id, DocumentOperation.ingest)]


async def _ask(
    email: Email, job: ProcessEmail, *, store: Store, engine: Engine, time_zone: ZoneInfo
) -> dict[str, object]:
    if email.state is DocumentState.failed:
        raise Permanent(f"The e-mail could not be read: {email.failure_reason}", code="email_unreadable")
    if email.state is DocumentState.new:
        raise Permanent("The e-mail has not been read yet; ask for its parsing first.", code="not_parsed")
    _, deal, thread = await asyncio.gather(
        _wait_for_the_thread(email, store),
        store.deals.get(email.deal_id),
        store.emails.thread(email.deal_id, email.thread_key or ""),
    )
    zone = deal.zone(time_zone)
    sent_at = _sent(email)
    earlier = sorted((one for one in thread if one.id != email.id and _sent(one) <= sent_at), key=_sent)
    text = _text(email, zone, tuple(_text(one, zone) for one in earlier))
    async with OnAccount(engine, store=store, deal_id=email.deal_id, email_id=email.id) as on_account:
        result = await EMAIL_OPERATIONS[job.name].run(text, engine=on_account)
        await store.emails.save_analysis(email.id, result.analysis, result.origin)
    if result.provisional:
        await store.operations.ask_later(job.operation)
    return {"engine": result.origin.engine.value, "blockers": len(result.analysis.blockers or ())}


async def _wait_for_the_thread(email: Email, store: Store) -> None:
    """Which thread an e-mail belongs to is known once it is read: all of those that came with this one, first.

    What is asked then depends on the thread alone, not on which worker was quicker: asked again it costs nothing.
    """
    age = (datetime.now(UTC) - email.updated_at).total_seconds()
    if age >= _THREAD_PATIENCE:
        return
    if await store.operations.any_under_way(email.deal_id, SubjectType.email, EmailOperation.parse):
        raise Awaiting("Other e-mails of the deal are still being read.", retry_after=max(_FIRST_LOOK, age / 2))


def _sent(email: Email) -> datetime:
    """When it was sent; a message without a readable date counts from when it came in."""
    return email.sent_at or email.created_at


def _text(email: Email, zone: ZoneInfo, thread: tuple[EmailText, ...] = ()) -> EmailText:
    return EmailText(
        subject=email.subject,
        sender=email.sender,
        sent_at=_sent(email).astimezone(zone),
        body_text=email.body_text,
        thread_key=email.thread_key or email.id,
        to=email.to,
        cc=email.cc,
        thread=thread,
    )
