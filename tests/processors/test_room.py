"""A folder through sync, reading and analysis to rows: what comes, changes, goes, and cannot be read."""

from __future__ import annotations

import os
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import asyncpg
import pytest

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
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, DocumentState, OperationState, Source, SourceState
from dealpulse.queue import QueueClient
from dealpulse.store import Store
from processors.conftest import Run

CHANGE_OF_CONTROL = "This Agreement may be terminated by the Customer upon a change of control of the Supplier.\n"
TODAY = date(2026, 11, 20)


def write_mail(path: Path, *, attachment: str) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "Dana Reyes <dana@example.com>", "team@example.com"
    message["Subject"], message["Message-ID"] = "Consent", "<consent-1@example.com>"
    message["Date"] = "Mon, 09 Mar 2026 10:00:00 -0500"
    message.set_content("We are still waiting for the signed consent from Harbor Bank, due 12 March 2026.\n")
    message.add_attachment(attachment.encode(), maintype="text", subtype="plain", filename="consent.txt")
    path.write_bytes(bytes(message))


async def documents(store: Store, deal: Deal) -> dict[str, DocumentState]:
    return {document.path: document.state for document in await store.documents.of_deal(deal.id)}


async def states(store: Store, deal: Deal) -> set[OperationState]:
    return {operation.state for operation in await store.operations.of_deal(deal.id)}


@pytest.fixture
def filled(room: Path) -> Path:
    (room / "contracts").mkdir()
    (room / "contracts" / "supply.txt").write_text(CHANGE_OF_CONTROL)
    (room / "note.txt").write_text("The board met on Monday and approved the budget.\n")
    write_mail(room / "consent.eml", attachment=CHANGE_OF_CONTROL)
    return room


async def test_a_full_sync_leaves_every_file_read_and_analysed(
    filled: Path, sync: Run, store: Store, deal: Deal
) -> None:
    await sync(SyncType.full)
    assert await documents(store, deal) == {
        "contracts/supply.txt": DocumentState.ready,
        "note.txt": DocumentState.ready,
        "consent.eml/consent.txt": DocumentState.ready,
    }
    (email,) = await store.emails.of_deal(deal.id)
    assert (email.state, email.subject) == (DocumentState.ready, "Consent")
    assert email.sentiment is not None
    (finding,) = await store.findings.of_deal(deal.id)
    assert {citation.document_name for citation in finding.citations} == {"supply.txt", "consent.txt"}
    assert await states(store, deal) == {OperationState.done}


async def test_an_incremental_sync_reads_only_what_is_new_or_changed(
    filled: Path, sync: Run, store: Store, deal: Deal, queue: QueueClient, source: Source
) -> None:
    await sync(SyncType.full)
    before = {document.path: document for document in await store.documents.of_deal(deal.id)}
    (filled / "note.txt").write_text("The board met on Tuesday.\n")
    (filled / "new.txt").write_text("A new paper.\n")
    await sync()
    after = {document.path: document for document in await store.documents.of_deal(deal.id)}
    assert after.keys() - before.keys() == {"new.txt"}
    assert [page.text for page in await store.documents.pages(after["note.txt"].id)] == ["The board met on Tuesday."]
    assert after["note.txt"].id == before["note.txt"].id
    view = await queue.job(SyncSource(source.id, deal.id, SyncType.incremental).id)
    assert view is not None
    assert isinstance(view.result, dict)
    assert (view.result["listed"], view.result["changed"]) == (4, 2)


async def test_a_file_that_is_gone_takes_what_it_said_with_it(
    filled: Path, sync: Run, store: Store, deal: Deal
) -> None:
    await sync(SyncType.full)
    (filled / "contracts" / "supply.txt").unlink()
    (filled / "consent.eml").unlink()
    await sync()
    assert await documents(store, deal) == {"note.txt": DocumentState.ready}
    assert await store.emails.of_deal(deal.id) == []
    assert await store.blockers.of_deal(deal.id) == []
    assert [finding.status.value for finding in await store.findings.of_deal(deal.id)] in ([], ["resolved"])


async def test_a_renamed_file_is_one_document_under_its_new_name(
    filled: Path, sync: Run, store: Store, deal: Deal
) -> None:
    await sync(SyncType.full)
    (filled / "note.txt").rename(filled / "minutes.txt")
    await sync()
    found = await documents(store, deal)
    assert found["minutes.txt"] is DocumentState.ready
    assert "note.txt" not in found


async def test_a_deleted_file_that_comes_back_is_read_again(filled: Path, sync: Run, store: Store, deal: Deal) -> None:
    await sync(SyncType.full)
    supply = filled / "contracts" / "supply.txt"
    supply.unlink()
    await sync()
    supply.write_text(CHANGE_OF_CONTROL)
    await sync()
    assert (await documents(store, deal))["contracts/supply.txt"] is DocumentState.ready
    (finding,) = await store.findings.of_deal(deal.id)
    assert "supply.txt" in {citation.document_name for citation in finding.citations}


async def test_a_file_that_cannot_be_read_says_why_and_the_others_go_on(
    filled: Path, sync: Run, store: Store, deal: Deal
) -> None:
    (filled / "broken.pdf").write_bytes(b"%PDF-1.7\n" + os.urandom(100))
    (filled / "empty.docx").touch()
    await sync(SyncType.full)
    found = {document.path: document for document in await store.documents.of_deal(deal.id)}
    for name in ("broken.pdf", "empty.docx"):
        assert found[name].state is DocumentState.failed
        assert found[name].failure_reason
    assert [found[name].state for name in ("note.txt", "contracts/supply.txt")] == [DocumentState.ready] * 2


async def test_a_name_that_is_no_text_costs_the_other_files_nothing(
    filled: Path, sync: Run, store: Store, deal: Deal
) -> None:
    (filled / os.fsdecode(b"caf\xe9.txt")).write_text("A menu.\n")
    await sync(SyncType.full)
    await sync()
    assert len(await documents(store, deal)) == 4
    assert set((await documents(store, deal)).values()) == {DocumentState.ready}


async def test_every_job_run_twice_leaves_the_same_rows(
    clean_stack: Stack, filled: Path, sync: Run, run: Run, store: Store, deal: Deal, source: Source
) -> None:
    await sync(SyncType.full)
    await run(GenerateDailyBrief(deal.id, TODAY))
    before = await rows(clean_stack)
    papers = [document.id for document in await store.documents.of_deal(deal.id)]
    mails = [email.id for email in await store.emails.of_deal(deal.id)]
    # What asks for further work goes first: asked for while it runs, the same work would be asked for once more.
    await run(SyncSource(source.id, deal.id, SyncType.full))
    await run(*(ProcessEmail(mail, deal.id, EmailOperation.parse) for mail in mails))
    await run(*(ProcessDocument(paper, deal.id, DocumentOperation.ingest) for paper in papers))
    asking: list[Job] = [
        ProcessDocument(paper, deal.id, name)
        for paper in papers
        for name in DocumentOperation
        if name is not DocumentOperation.ingest
    ]
    for name in EmailOperation:
        if name is not EmailOperation.parse:
            asking += [ProcessEmail(mail, deal.id, name) for mail in mails]
    await run(*asking)
    await run(GenerateDailyBrief(deal.id, TODAY))
    assert await states(store, deal) == {OperationState.done}
    assert await rows(clean_stack) == before


_CONTENT = """
select (to_jsonb(t) - array['updated_at', 'seen_in_sync', 'generated_at', 'content', 'markdown'])::text from {} t
"""


async def rows(stack: Stack) -> dict[str, list[str]]:
    """Every row of a deal's content, without the times of writing and the sync that last saw it."""
    tables = ("documents", "document_pages", "findings", "finding_citations", "emails", "blockers", "blocker_mentions")
    connection = await asyncpg.connect(stack.database_url)
    try:
        return {
            table: sorted(row[0] for row in await connection.fetch(_CONTENT.format(table)))
            for table in (*tables, "briefs")
        }
    finally:
        await connection.close()


async def test_a_paused_source_is_left_alone(filled: Path, sync: Run, store: Store, deal: Deal, source: Source) -> None:
    await store.sources.set_state(source.id, SourceState.paused)
    await sync(SyncType.full)
    assert await documents(store, deal) == {}


async def test_a_source_that_was_to_be_reconnected_is_active_once_a_sync_succeeds(
    filled: Path, sync: Run, store: Store, source: Source
) -> None:
    await store.sources.set_state(source.id, SourceState.needs_consent, error="Reconnect the source.")
    await sync()
    after = await store.sources.get(source.id)
    assert (after.state, after.last_error) == (SourceState.active, None)
    assert after.last_synced_at is not None


async def test_a_sync_that_cannot_work_says_why_at_its_source_and_deletes_nothing(
    filled: Path, sync: Run, store: Store, deal: Deal, source: Source
) -> None:
    await sync(SyncType.full)
    os.rename(filled, filled.parent / "elsewhere")
    await sync()
    after = await store.sources.get(source.id)
    assert after.state is SourceState.active
    assert "does not exist" in str(after.last_error)
    assert len(await documents(store, deal)) == 3
