"""A source's life over HTTP: made, looked at, tried, paused, resumed, synced, removed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from arq.worker import create_worker

from dealpulse.jobs import QUEUES, SOURCE_SYNC
from dealpulse.local.stack import Stack
from dealpulse.models import Connection, Deal, Provider, Source, SourceState, SourceType
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.worker.entry import build_class
from web.test_access import ADMIN, ANNA, bearing, user_token

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room"
    folder.mkdir()
    (folder / "note.txt").write_text("The board met on Monday.\n")
    return folder


@pytest.fixture
def settings(clean_stack: Stack, room: Path) -> Settings:
    own = {"API_TRUST_LOOPBACK": "true", "API_TOKENS": f"root:admin:{ADMIN}", "FOLDER_SOURCE_ROOTS": str(room.parent)}
    users = {"SUPABASE_JWT_SECRET": clean_stack.jwt_secret}
    return Settings.load(environ={**clean_stack.environment(), **own, **users})


@pytest.fixture
async def source(store: Store, deal: Deal, room: Path) -> Source:
    return await store.sources.create(deal.id, SourceType.folder, "Room", str(room))


@pytest.fixture
def path(source: Source) -> str:
    return f"/api/deals/{source.deal_id}/sources/{source.id}"


@pytest.fixture
def work(settings: Settings) -> Callable[[], Awaitable[None]]:
    """Workers of all queues work until nothing is left to do."""

    async def until_done() -> None:
        worker = create_worker(build_class("WorkerSettings", settings, QUEUES), burst=True, handle_signals=False)
        try:
            await worker.async_run()
        finally:
            await worker.close()

    return until_done


async def tested(api: httpx.AsyncClient, path: str, work: Callable[[], Awaitable[None]], queue: QueueClient) -> object:
    """What a test of the source answers while workers are there."""
    asking = asyncio.create_task(api.post(f"{path}/test", json={"waitSeconds": 20}))
    while not (await queue.stats())[SOURCE_SYNC.name].waiting:
        await asyncio.sleep(0.01)
    await work()
    answer = await asking
    assert answer.status_code == 200
    told = answer.json()
    return {name: told[name] for name in ("readable", "name", "code")}


async def test_a_source_is_tried_without_being_read(
    api: httpx.AsyncClient,
    path: str,
    room: Path,
    store: Store,
    source: Source,
    queue: QueueClient,
    work: Callable[[], Awaitable[None]],
) -> None:
    readable = {"readable": True, "name": "room", "code": None}
    assert await tested(api, path, work, queue) == readable
    assert await store.documents.of_deal(source.deal_id) == []
    shutil.rmtree(room)
    told = await tested(api, path, work, queue)
    assert told == {"readable": False, "name": None, "code": "folder_missing"}
    assert (await store.sources.get(source.id)).state is SourceState.active, "trying it changes nothing"


async def test_a_trial_that_no_worker_comes_to_is_told_of_by_its_job(
    api: httpx.AsyncClient, path: str, work: Callable[[], Awaitable[None]]
) -> None:
    answer = await api.post(f"{path}/test", json={"waitSeconds": 0})
    assert (answer.status_code, answer.json()["readable"]) == (200, None)
    await work()
    job = (await api.get(f"/api/jobs/{answer.json()['jobId']}")).json()["job"]
    assert (job["state"], job["result"]["readable"]) == ("completed", True)
    for wait in ("x", -1, 21, 1e9):
        assert (await api.post(f"{path}/test", json={"waitSeconds": wait})).status_code == 400


async def test_a_paused_source_is_left_alone_until_it_is_resumed(
    api: httpx.AsyncClient, path: str, source: Source, queue: QueueClient, work: Callable[[], Awaitable[None]]
) -> None:
    assert (await api.post(f"{path}/sync", json={"syncType": "full"})).json()["jobId"] == f"sync:{source.id}"
    paused = await api.post(f"{path}/pause")
    assert paused.json()["source"]["state"] == "paused"
    assert (await queue.stats())[SOURCE_SYNC.name].waiting == 0, "what waited is called off"
    refused = await api.post(f"{path}/sync", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "source_paused")

    resumed = await api.post(f"{path}/resume")

    assert resumed.json()["source"]["state"] == "active"
    again = await api.post(f"{path}/resume")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "source_not_paused")
    await work()
    shown = (await api.get(path)).json()["source"]
    assert shown["lastSyncedAt"] is not None
    assert len((await api.get(f"/api/deals/{source.deal_id}/documents")).json()["documents"]) == 1


async def test_a_sync_is_of_a_known_kind(api: httpx.AsyncClient, path: str) -> None:
    refused = await api.post(f"{path}/sync", json={"syncType": "half"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unknown_sync_type")


@pytest.mark.parametrize(("wish", "left"), [("", 1), ("?documents=keep", 1), ("?documents=delete", 0)])
async def test_a_removed_source_leaves_its_documents_unless_they_are_to_go(
    api: httpx.AsyncClient,
    path: str,
    store: Store,
    source: Source,
    queue: QueueClient,
    work: Callable[[], Awaitable[None]],
    wish: str,
    left: int,
) -> None:
    await api.post(f"{path}/sync", json={})
    await work()
    await api.post(f"{path}/sync", json={})
    assert (await api.delete(f"{path}?documents=burn")).status_code == 400

    answer = await api.delete(f"{path}{wish}")

    assert answer.json() == {"success": True, "items": 1, "deleted": not left}
    documents = (await api.get(f"/api/deals/{source.deal_id}/documents")).json()["documents"]
    assert [one["state"] for one in documents] == ["ready"] * left
    assert (await api.get(path)).status_code == 404
    assert (await queue.stats())[SOURCE_SYNC.name].waiting == 0
    asked = [one for one in await store.operations.of_deal(source.deal_id) if one.subject_id == source.id]
    assert asked == []


async def test_a_source_is_made_with_an_account_of_its_deal(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    other = await store.deals.create("Project Birch")
    mine, foreign = [
        await store.connections.add(
            Connection(
                id=f"{number}{UNKNOWN[1:]}",
                deal_id=owner.id,
                provider=Provider.google,
                account="dana@example.com",
                sealed_tokens="v1.",
            )
        )
        for number, owner in ((1, deal), (2, other))
    ]
    body = {"type": "gdrive", "location": "room"}
    address = f"/api/deals/{deal.id}/sources"
    refused = await api.post(address, json={**body, "connectionId": foreign.id})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "connection_not_found")
    made = (await api.post(address, json={**body, "connectionId": mine.id})).json()["source"]
    assert made["connectionId"] == mine.id
    assert (made["notifiedUntil"], made["notificationError"]) == (None, None)
    again = (await api.post(address, json={**body, "name": "Renamed"})).json()["source"]
    assert (again["id"], again["name"], again["connectionId"]) == (made["id"], "Renamed", mine.id)


async def test_a_source_is_its_own_deal_s_alone(
    api: httpx.AsyncClient, store: Store, source: Source, clean_stack: Stack
) -> None:
    other = await store.deals.create("Project Birch")
    wrong = f"/api/deals/{other.id}/sources/{source.id}"
    right = f"/api/deals/{source.deal_id.upper()}/sources/{source.id}"
    assert (await api.get(right)).status_code == 200
    for method, path in (
        ("GET", wrong),
        ("DELETE", wrong),
        ("POST", f"{wrong}/test"),
        ("POST", f"{wrong}/pause"),
        ("POST", f"{wrong}/resume"),
        ("GET", wrong.replace(source.id, UNKNOWN)),
        ("GET", wrong.replace(source.id, "nonsense")),
    ):
        answer = await api.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "source_not_found"), (method, path)
    await store.deals.add_member(source.deal_id, ANNA, "member")
    headers = bearing(user_token(clean_stack))
    assert (await api.get(right, headers=headers)).status_code == 200
    assert (await api.post(f"{right}/sync", json={}, headers=headers)).status_code == 200
    assert (await api.post(f"{right}/pause", headers=headers)).status_code == 403
    assert (await api.delete(right, headers=headers)).status_code == 403
    assert (await api.get(wrong, headers=headers)).status_code == 404


@pytest.mark.parametrize("kind", ["gdrive", "gmail", "sharepoint", "outlook"])
async def test_a_sync_of_what_the_deal_has_none_of_names_where_to_connect_it(
    api: httpx.AsyncClient, deal: Deal, kind: str
) -> None:
    answer = await api.post("/api/queue/source-sync", json={"dealId": deal.id, "sourceType": kind})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "source_not_found")
    assert error["details"]["connect"] == f"/api/sources/{kind}/connect?deal={deal.id}"
    assert error["details"]["connect"] in error["message"]
    assert (await api.get(error["details"]["connect"])).status_code == 501, "it is there, and says what is not set"


async def test_a_sweep_leaves_out_what_is_not_to_be_synced(store: Store, source: Source, deal: Deal) -> None:
    archived = await store.deals.create("Old")
    await store.sources.create(archived.id, SourceType.gdrive, "Room", "old")
    await store.deals.archive(archived.id)
    waits = await store.sources.create(deal.id, SourceType.gmail, "Mail", "me")
    await store.sources.set_state(waits.id, SourceState.needs_consent)
    broken = await store.sources.create(deal.id, SourceType.gdrive, "Broken", "gone")
    assert {one.id for one in await store.sources.to_sweep()} == {source.id, broken.id}
    await store.sources.set_state(broken.id, SourceState.active, error="The folder is gone.")
    assert [one.id for one in await store.sources.to_sweep()] == [source.id]
    yesterday = {"updated_at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}
    table = store.database.client.table("sources")
    await store.database.write(table.update(yesterday).eq("id", broken.id).select("id"))
    assert {one.id for one in await store.sources.to_sweep()} == {source.id, broken.id}
    await store.sources.remove(broken.id, delete_items=False)
    await store.sources.set_state(source.id, SourceState.paused)
    assert await store.sources.to_sweep() == []
