"""What happens to sources at set times, in real worker processes: a sweep syncs them, subscriptions are seen to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from arq.connections import ArqRedis

from dealpulse.jobs import SOURCE_SYNC
from dealpulse.models import Deal, SourceState, SourceType
from dealpulse.queue.schedule import SWEEP_TICK, Scheduler, schedules
from dealpulse.settings import Settings
from dealpulse.store import Store
from worker.workers import Start


async def test_a_sweep_syncs_every_active_source_though_nobody_told_of_anything(
    start: Start, store: Store, deal: Deal, pool: ArqRedis, settings: Settings, tmp_path: Path
) -> None:
    rooms = [tmp_path / name for name in ("one", "two", "paused")]
    for room in rooms:
        room.mkdir()
    one, two, paused = [await store.sources.create(deal.id, SourceType.folder, room.name, str(room)) for room in rooms]
    await store.sources.set_state(paused.id, SourceState.paused)
    known = schedules(settings)
    due = next(each for each in known if each.name == SWEEP_TICK).latest(datetime.now(UTC))
    scheduler = Scheduler(pool, known, queue=SOURCE_SYNC.key, make_up=timedelta(hours=1))
    await scheduler.tick(SWEEP_TICK, due)
    async with start("SourceSyncWorkerSettings", "--burst", FOLDER_SOURCE_ROOTS=str(tmp_path)) as worker:
        assert await worker.ends() == 0
    synced = {source.id for source in await store.sources.of_deal(deal.id) if source.last_synced_at is not None}
    assert synced == {one.id, two.id}


async def test_a_worker_asks_vendors_to_tell_of_changes_where_they_can_reach_it(
    start: Start, store: Store, deal: Deal
) -> None:
    source = await store.sources.create(deal.id, SourceType.gdrive, "Room", "room")
    async with start("SourceSyncWorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    assert await store.subscriptions.of_sources([source.id]) == {}
    async with start("SourceSyncWorkerSettings", "--burst", PUBLIC_URL="https://dp.example") as worker:
        assert await worker.ends() == 0
    kept = (await store.subscriptions.of_sources([source.id]))[source.id]
    assert kept.last_error is not None, "nobody connected an account for it"
    assert (await store.sources.get(source.id)).state is SourceState.active
