"""Requests for work: what is written, what is enqueued, what is refused before either."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from dealpulse.errors import Invalid, NotFound
from dealpulse.intake import Intake
from dealpulse.jobs import DocumentOperation, EmailOperation
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, OperationState, SourceType
from dealpulse.queue import QueueClient
from dealpulse.store import Store

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("zone", "date"),
    [
        (None, "2026-03-02"),
        ("Pacific/Kiritimati", "2026-03-03"),
        ("Etc/GMT+12", "2026-03-02"),
        ("Pacific/Auckland", "2026-03-03"),
    ],
)
async def test_a_brief_is_of_the_deals_local_date(intake: Intake, store: Store, zone: str | None, date: str) -> None:
    deal = await store.deals.create("Alder", time_zone=zone)
    enqueued = await intake.queue_daily_brief(deal.id)
    assert enqueued.job_id == f"brief:{deal.id}:{date}"


async def test_a_deal_with_a_misspelt_zone_still_gets_its_brief(
    intake: Intake, store: Store, clean_stack: Stack
) -> None:
    deal = await store.deals.create("Alder")
    database = await asyncpg.connect(clean_stack.database_url)
    await database.execute("update deals set time_zone = 'Mars/Olympus' where id = $1", deal.id)
    await database.close()
    assert (await intake.queue_daily_brief(deal.id)).job_id == f"brief:{deal.id}:2026-03-02"


async def test_triggering_covers_the_active_deals_each_on_its_own_date(intake: Intake, store: Store) -> None:
    here = await store.deals.create("Here")
    there = await store.deals.create("There", time_zone="Pacific/Kiritimati")
    gone = await store.deals.create("Gone")
    await store.deals.archive(gone.id)

    triggered = await intake.trigger_daily_briefs()

    assert {(each.deal_id, each.enqueued.job_id) for each in triggered} == {
        (here.id, f"brief:{here.id}:2026-03-02"),
        (there.id, f"brief:{there.id}:2026-03-03"),
    }
    assert all(not each.enqueued.deduplicated for each in triggered)
    assert all(each.enqueued.deduplicated for each in await intake.trigger_daily_briefs())


async def test_more_deals_than_one_page_of_supabase_are_all_triggered(
    intake: Intake, queue: QueueClient, clean_stack: Stack
) -> None:
    database = await asyncpg.connect(clean_stack.database_url)
    await database.execute(
        "insert into deals (name, status) select 'Deal ' || n, 'active' from generate_series(1, 1100) n"
    )
    await database.close()
    assert len(await intake.trigger_daily_briefs()) == 1100
    assert (await intake.get_queue_stats())["dailyBrief"].waiting == 1100


async def test_what_is_asked_is_written_down_and_known_as_queued(
    intake: Intake, store: Store, queue: QueueClient
) -> None:
    deal = await store.deals.create("Alder")
    enqueued = await intake.queue_daily_brief(deal.id, datetime.date(2026, 2, 1))
    rows = await store.operations.of_deal(deal.id)
    assert [(row.name, row.state) for row in rows] == [("2026-02-01", OperationState.queued)]
    job = await queue.job(enqueued.job_id)
    assert job is not None
    assert (job.state, job.deal_id) == ("waiting", deal.id)


async def _document(store: Store, deal: Deal) -> Document:
    return await store.documents.create(
        deal.id, name="a.txt", path="a.txt", mime_type=None, size_bytes=1, content_hash="a" * 64, storage_key="k"
    )


@pytest.mark.parametrize("operation", list(DocumentOperation))
async def test_every_document_operation_can_be_asked_for(
    intake: Intake, store: Store, operation: DocumentOperation
) -> None:
    deal = await store.deals.create("Alder")
    document = await _document(store, deal)
    enqueued = await intake.queue_document_processing(document.id, deal.id, operation.value)
    assert enqueued.job_id == f"doc:{document.id}:{operation.value}"


@pytest.mark.parametrize("operation", list(EmailOperation))
async def test_every_email_operation_can_be_asked_for(intake: Intake, store: Store, operation: EmailOperation) -> None:
    deal = await store.deals.create("Alder")
    email = await store.emails.create(deal.id, name="a", path="a", content_hash="a" * 64, storage_key="k")
    enqueued = await intake.queue_email_processing(email.id, deal.id, operation.value)
    assert enqueued.job_id == f"mail:{email.id}:{operation.value}"


async def test_sources_of_one_type_are_synced_together(intake: Intake, store: Store) -> None:
    deal = await store.deals.create("Alder")
    folders = [await store.sources.create(deal.id, SourceType.folder, path, path) for path in ("/a", "/b")]
    await store.sources.create(deal.id, SourceType.gmail, "Mail", "me")
    enqueued = await intake.queue_source_sync(deal.id, "folder", "full")
    assert {each.job_id for each in enqueued} == {f"sync:{source.id}" for source in folders}


async def test_a_refused_request_writes_and_enqueues_nothing(intake: Intake, store: Store, queue: QueueClient) -> None:
    deal, other = await store.deals.create("Alder"), await store.deals.create("Birch")
    document = await _document(store, deal)
    refused: list[tuple[Callable[[], Awaitable[object]], type[Exception], str]] = [
        (lambda: intake.queue_daily_brief(UNKNOWN), NotFound, "deal_not_found"),
        (lambda: intake.queue_document_processing(document.id, other.id, "analyze"), NotFound, "document_not_found"),
        (lambda: intake.queue_document_processing(document.id, deal.id, "parse"), Invalid, "unknown_operation"),
        (lambda: intake.queue_email_processing(document.id, deal.id, "analyze"), NotFound, "email_not_found"),
        (lambda: intake.queue_source_sync(deal.id, "folder", "full"), NotFound, "source_not_found"),
        (lambda: intake.queue_source_sync(deal.id, "folders", "full"), Invalid, "unknown_source_type"),
        (lambda: intake.queue_source_sync(deal.id, "folder", "partial"), Invalid, "unknown_sync_type"),
    ]
    for ask, kind, code in refused:
        with pytest.raises((Invalid, NotFound)) as caught:
            await ask()
        assert (type(caught.value), caught.value.code) == (kind, code)
    assert await store.operations.of_deal(deal.id) == []
    assert all(figures.waiting == 0 for figures in (await queue.stats()).values())


async def test_an_upload_keeps_bytes_name_and_hash_and_asks_for_reading(
    intake: Intake, store: Store, tmp_path: Path
) -> None:
    deal = await store.deals.create("Alder")
    for content in (b"", b"text", bytes(range(256)) * 1000):
        (tmp_path / "file").write_bytes(content)
        uploaded = await intake.upload_document(
            deal.id, name="C:\\share\\Vertrag – 2026.txt", path=tmp_path / "file", mime_type="not a type"
        )
        document = uploaded.document
        assert (document.name, document.mime_type) == ("Vertrag – 2026.txt", "application/octet-stream")
        assert uploaded.enqueued.job_id == f"doc:{document.id}:ingest"
        await store.files.download(document.storage_key, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content


async def test_a_later_clock_means_a_later_brief(intake: Intake, store: Store) -> None:
    deal = await store.deals.create("Alder")
    tomorrow = replace(intake, clock=lambda: intake.clock() + datetime.timedelta(days=1))
    first, second = await intake.queue_daily_brief(deal.id), await tomorrow.queue_daily_brief(deal.id)
    assert (first.job_id[-10:], second.job_id[-10:]) == ("2026-03-02", "2026-03-03")
