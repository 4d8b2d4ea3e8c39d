"""Worker processes that die, are told to stop at a bad moment, or cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.local.binaries import valkey_server
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, DocumentState, OperationState
from dealpulse.outbox import request
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.connection import answer
from dealpulse.settings import Settings
from dealpulse.store import Store
from worker.workers import Start

LEASE_SECONDS = 15


@pytest.fixture
async def document(store: Store, deal: Deal, tmp_path: Path) -> Document:
    """A stored text file large enough to be caught while it is read."""
    file = tmp_path / "contract.txt"
    file.write_text("This Agreement may be terminated upon a change of control of the Supplier.\n" * 2000)
    await store.files.upload("deals/test/contract", file, content_type="text/plain")
    return await store.documents.create(
        deal.id,
        name="contract.txt",
        path="contract.txt",
        mime_type="text/plain",
        size_bytes=file.stat().st_size,
        content_hash="0" * 64,
        storage_key="deals/test/contract",
    )


@asynccontextmanager
async def redis_on(port: int, folder: Path, *options: str) -> AsyncIterator[None]:
    """A Redis of its own that a test may kill."""
    process = await asyncio.create_subprocess_exec(
        str(valkey_server()),
        *options,
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def until_active(client: QueueClient) -> None:
    async with asyncio.timeout(20):
        while (await client.stats())[DOCUMENTS.name].active == 0:
            await asyncio.sleep(0.002)


async def test_a_job_whose_worker_is_killed_is_finished_by_another_within_its_lease(
    start: Start, store: Store, client: QueueClient, deal: Deal, document: Document
) -> None:
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    async with start("DocumentWorkerSettings") as first, start("DocumentWorkerSettings") as second:
        await first.says("worker_started")
        await second.says("worker_started")
        second.process.send_signal(signal.SIGSTOP)
        await request([ingest], operations=store.operations, queue=client)
        await until_active(client)
        first.process.kill()
        killed = time.monotonic()
        second.process.send_signal(signal.SIGCONT)
        await second.says("job_finished", lambda line: line.get("job_id") == ingest.id)
        assert time.monotonic() - killed < LEASE_SECONDS + 10
        await second.says("job_finished", lambda line: line.get("job_id") != ingest.id)
        # The line comes from the worker, a moment before Redis hears of it.
        async with asyncio.timeout(20):
            while (await client.stats())[DOCUMENTS.name].active:
                await asyncio.sleep(0.002)
    view = await client.job(ingest.id)
    assert view is not None
    assert (view.state, view.attempts) == ("completed", 1), "the crash took no attempt"
    assert (await client.stats())[DOCUMENTS.name].totals["completed"] == 2, "the reading and the analysis, once each"
    assert {one.state for one in await store.operations.of_deal(deal.id)} == {OperationState.done}
    assert (await store.documents.get(document.id)).state is DocumentState.ready


async def test_a_job_that_took_three_workers_down_is_dead_and_its_row_says_so(
    start: Start, store: Store, client: QueueClient, settings: Settings, deal: Deal, document: Document
) -> None:
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    await request([ingest], operations=store.operations, queue=client)
    pool = await create_pool(settings.redis)
    await answer(pool.hset(f"dealpulse:job:{ingest.id}", "crashes", "3"))
    await pool.aclose(close_connection_pool=True)
    async with start("DocumentWorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    (operation,) = await store.operations.of_deal(deal.id)
    assert (operation.state, operation.error_code) == (OperationState.failed, "crashed")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_still_waiting_for_redis_stops_at_once_when_told(
    start: Start, free_port: int, sent: signal.Signals
) -> None:
    async with start("EmailWorkerSettings", REDIS_URL=f"redis://127.0.0.1:{free_port}") as worker:
        await worker.says("redis_awaited")
        told = time.monotonic()
        worker.process.send_signal(sent)
        assert await worker.ends() == 0
    assert time.monotonic() - told < 10


async def test_a_worker_that_lost_redis_stops_at_once_when_told(start: Start, free_port: int, tmp_path: Path) -> None:
    async with start("WorkerSettings", REDIS_URL=f"redis://127.0.0.1:{free_port}") as worker:
        async with redis_on(free_port, tmp_path):
            await worker.says("worker_started")
        await worker.says("redis_lost")
        told = time.monotonic()
        worker.process.terminate()
        assert await worker.ends() == 0
    assert time.monotonic() - told < 10
    assert worker.lines[-1]["event"] == "worker_stopped"


async def test_a_second_signal_hands_the_running_job_back_at_once(
    start: Start, store: Store, client: QueueClient, deal: Deal, document: Document
) -> None:
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    async with start("DocumentWorkerSettings") as worker:
        await worker.says("worker_started")
        await request([ingest], operations=store.operations, queue=client)
        await until_active(client)
        worker.process.terminate()
        await worker.says("worker_draining")
        worker.process.terminate()
        assert await worker.ends() == 0
    view = await client.job(ingest.id)
    assert view is not None
    assert (view.state, view.attempts) in [("waiting", 0), ("completed", 1)], "handed back, unless it was quicker"


async def test_a_wrong_redis_password_ends_the_worker_and_says_so(start: Start, free_port: int, tmp_path: Path) -> None:
    url = f"redis://:wrong@127.0.0.1:{free_port}"
    async with (
        redis_on(free_port, tmp_path, "--requirepass", "right"),
        start("EmailWorkerSettings", REDIS_URL=url) as worker,
    ):
        assert await worker.ends() == 1
    assert "REDIS_PASSWORD" in json.dumps(worker.lines)
    assert "wrong" not in json.dumps([line for line in worker.lines if line["event"] != "process_failed"])


@pytest.mark.parametrize("name", ["NoSuchWorkerSettings", "Nonsense"])
async def test_a_class_that_does_not_exist_is_said_in_json(start: Start, name: str) -> None:
    async with start(name) as worker:
        assert await worker.ends() == 1
    assert worker.lines


async def test_a_check_without_redis_fails_in_json(start: Start, free_port: int) -> None:
    async with start("EmailWorkerSettings", "--check", REDIS_URL=f"redis://127.0.0.1:{free_port}") as check:
        assert await check.ends() == 1
    assert check.lines


async def test_a_queue_that_does_not_exist_is_said_in_json(clean_stack: Stack, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dealpulse.worker", "laundry"),
        env={"PATH": os.environ["PATH"], **clean_stack.environment()},
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    (line,) = [json.loads(line) for line in printed.splitlines()]
    assert process.returncode == 2
    assert (line["event"], line["code"]) == ("startup_failed", "unknown_queue")


async def test_a_worker_finds_its_redis_through_sentinel(
    start: Start, clean_stack: Stack, free_port: int, tmp_path: Path, store: Store, deal: Deal, document: Document
) -> None:
    redis = Settings.load(environ=clean_stack.environment(), directory=tmp_path).redis
    watched = tmp_path / "sentinel.conf"
    password = redis.password.reveal() if redis.password else ""
    watched.write_text(
        f"sentinel monitor deals {redis.host} {redis.port} 1\n"
        + (f"sentinel auth-pass deals {password}\n" if password else "")
    )
    variables = {
        "REDIS_SENTINELS": f"127.0.0.1:{free_port}",
        "REDIS_SENTINEL_MASTER": "deals",
        "REDIS_PASSWORD": password,
        "REDIS_URL": "",
    }
    process = await asyncio.create_subprocess_exec(
        *(str(valkey_server()), str(watched), "--sentinel", "--port", str(free_port)),
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        settings = Settings.load(environ=clean_stack.environment() | variables, directory=tmp_path)
        pool = await create_pool(settings.redis)
        async with start("DocumentWorkerSettings", **variables) as worker:
            await worker.says("worker_started")
            ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
            await request([ingest], operations=store.operations, queue=QueueClient(pool))
            await worker.says("job_finished", lambda line: line.get("job_id") == ingest.id)
            worker.process.terminate()
            assert await worker.ends() == 0
            async with start("DocumentWorkerSettings", "--burst", **variables) as burst:
                assert await burst.ends() == 0
            async with start("DocumentWorkerSettings", "--check", **variables) as check:
                await check.ends()
        await pool.aclose(close_connection_pool=True)
    finally:
        process.kill()
        await process.wait()
