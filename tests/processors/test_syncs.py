"""What a sync does when its worker stops, and what follows a source's first one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dealpulse.errors import Interrupted
from dealpulse.intake import Intake
from dealpulse.jobs import DOCUMENTS, SOURCE_SYNC, SyncSource, SyncType
from dealpulse.models import Deal, Source, SourceFolder
from dealpulse.processors.syncs import sync_source
from dealpulse.queue import History, QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.sources.contract import ItemKind, SourceItem, SourcePage, SourcePlace
from dealpulse.store import Store
from processors.conftest import Run


class TwoPages:
    """A source of two files on two pages."""

    async def describe(self) -> SourcePlace:
        return SourcePlace("Two pages")

    async def find(self, external_id: str) -> SourceItem | None:
        return None

    async def pages(self, *, cursor: str | None, folders: Sequence[SourceFolder] = ()) -> AsyncIterator[SourcePage]:
        for number, last in ((1, False), (2, True)):
            item = SourceItem(f"{number}", ItemKind.document, f"{number}.txt", f"{number}.txt", "v1", 5, "text/plain")
            yield SourcePage((item,), cursor=f"after {number}", last=last, complete_listing=last)

    @asynccontextmanager
    async def content(self, item: SourceItem) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield item.name.encode()

        yield chunks()

    async def aclose(self) -> None: ...


async def test_a_sync_whose_worker_stops_ends_at_a_page_with_that_page_saved(
    store: Store, queue: QueueClient, source: Source, settings: Settings
) -> None:
    told: list[str] = []

    async def stop(message: str) -> None:
        told.append(message)
        raise Interrupted("The worker stops.")

    with pytest.raises(Interrupted):
        await sync_source(
            SyncSource(source.id, source.deal_id, SyncType.full),
            store=store,
            queue=queue,
            connect=lambda _: TwoPages(),
            max_file_bytes=settings.extraction.max_file_bytes,
            checkpoint=stop,
        )
    assert told == ["1 listed, 1 new or changed, 0.0 MB"]
    assert [document.name for document in await store.documents.of_deal(source.deal_id)] == ["1.txt"]
    assert (await queue.stats())[DOCUMENTS.name].waiting == 1, "what was saved is being read meanwhile"


@pytest.fixture
async def intake(store: Store, queue: QueueClient, settings: Settings) -> AsyncIterator[Intake]:
    pool = await create_pool(settings.redis)
    yield Intake(store=store, queue=queue, history=History(pool), time_zone=ZoneInfo("America/New_York"))
    await pool.aclose(close_connection_pool=True)


async def test_the_brief_follows_when_all_that_a_first_sync_brought_in_has_been_read(
    room: Path, run: Run, intake: Intake, store: Store, queue: QueueClient, deal: Deal, source: Source
) -> None:
    (room / "supply.txt").write_text("This Agreement may be terminated by the Customer upon a change of control.\n")
    (room / "note.txt").write_text("The board met on Monday and approved the budget.\n")
    await intake.queue_source_sync(deal.id, "folder", "full")
    await run()
    brief = await store.briefs.get(deal.id, intake.local_date(deal))
    assert brief is not None
    assert "supply.txt" in brief.markdown, "it was written after the files had been read"
    assert (await queue.stats())["dailyBrief"].totals["completed"] == 1

    await intake.queue_source_sync(deal.id, "folder", "incremental")
    await run()
    assert (await queue.stats())[SOURCE_SYNC.name].totals["completed"] == 2
    assert (await queue.stats())["dailyBrief"].totals["completed"] == 1, "only the first sync asks for one"


async def test_no_brief_follows_where_none_is_wanted(
    room: Path, run: Run, intake: Intake, queue: QueueClient, deal: Deal, source: Source
) -> None:
    (room / "note.txt").write_text("The board met on Monday and approved the budget.\n")
    await intake.queue_source_sync(deal.id, "folder", "full", brief=False)
    await run()
    assert (await queue.stats())["dailyBrief"].totals["completed"] == 0
