"""Workers as processes: plain ``arq`` commands against the real stack."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus

from dealpulse.jobs import DOCUMENTS, DocumentOperation, GenerateDailyBrief, ProcessDocument
from dealpulse.local.binaries import valkey_server
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, DocumentState, OperationState
from dealpulse.outbox import request
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.connection import answer
from dealpulse.queue.serializer import RemoteError, deserialize
from dealpulse.settings import Settings
from dealpulse.store import Store
from worker.workers import Start

CLASSES = [
    "WorkerSettings",
    "DailyBriefWorkerSettings",
    "DocumentWorkerSettings",
    "EmailWorkerSettings",
    "SourceSyncWorkerSettings",
]


@pytest.fixture
async def document(store: Store, deal: Deal, tmp_path: Path) -> Document:
    """A stored text file that nobody has read yet."""
    file = tmp_path / "contract.txt"
    file.write_text("This Agreement may be terminated by the Customer upon a change of control of the Supplier.")
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


@pytest.mark.parametrize("class_name", CLASSES)
async def test_a_burst_of_nothing_ends_at_once_with_only_json_on_its_streams(start: Start, class_name: str) -> None:
    async with start(class_name, "--burst") as worker:
        assert await worker.ends() == 0
    events = [line["event"] for line in worker.lines]
    assert "worker_started" in events
    assert events[-1] == "worker_stopped"
    assert all({"timestamp", "level", "event", "logger", "service"} <= line.keys() for line in worker.lines)


async def test_a_document_goes_through_a_burst_of_all_queues(
    start: Start, store: Store, client: QueueClient, deal: Deal, document: Document
) -> None:
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    await request([ingest], operations=store.operations, queue=client)
    async with start("WorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    read = await store.documents.get(document.id)
    assert read.state is DocumentState.ready
    assert read.summary is not None
    states = {operation.name: operation.state for operation in await store.operations.of_deal(deal.id)}
    assert states == {"ingest": OperationState.done, "analyze": OperationState.done}
    assert [finding.category.value for finding in await store.findings.of_deal(deal.id)] == ["change_of_control"]


async def test_a_bare_enqueue_from_another_program_is_served(
    start: Start,
    clean_stack: Stack,
    tmp_path: Path,
    store: Store,
    pool: ArqRedis,
    client: QueueClient,
    deal: Deal,
    document: Document,
) -> None:
    ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
    await request([ingest], operations=store.operations, queue=client)
    async with start("DocumentWorkerSettings", "--burst") as worker:
        await worker.ends()
    program = (
        "import asyncio, sys\n"
        "from dealpulse.queue import create_pool\n"
        "from dealpulse.settings import Settings\n"
        "async def main():\n"
        "    pool = await create_pool(Settings.load().redis)\n"
        "    job = await pool.enqueue_job('process_document', *sys.argv[1:3], 'summarize', _queue_name=sys.argv[3])\n"
        "    print(job.job_id)\n"
        "asyncio.run(main())\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        document.id,
        deal.id,
        DOCUMENTS.key,
        env=clean_stack.environment(),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await other.communicate()
    job = ArqJob(printed.decode().strip(), pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize)
    async with start("DocumentWorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    assert await job.status() is JobStatus.complete
    assert (await job.result(timeout=1))["engine"] == "local"


async def test_a_job_on_arqs_own_queue_runs_in_place(start: Start, store: Store, pool: ArqRedis, deal: Deal) -> None:
    job = await pool.enqueue_job("generate_daily_brief", deal.id, "2026-11-20")
    assert job is not None
    async with start("WorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    assert await store.briefs.get(deal.id, date(2026, 11, 20)) is not None


async def test_a_pickled_job_is_a_dead_letter_that_says_so(start: Start, pool: ArqRedis, client: QueueClient) -> None:
    pool.job_serializer = None
    job = await pool.enqueue_job("process_document", "a", "b", "summarize", _queue_name=DOCUMENTS.key)
    assert job is not None
    async with start("DocumentWorkerSettings", "--burst") as worker:
        assert await worker.ends() == 0
    view = await client.job(job.job_id)
    assert view is not None
    assert (view.state, view.error_code) == ("failed", "pickled_job")
    watched = ArqJob(job.job_id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize)
    with pytest.raises(RemoteError, match="pickled"):
        await watched.result(timeout=1)


async def test_check_tells_whether_a_worker_runs(start: Start) -> None:
    async with start("EmailWorkerSettings", "--check") as check:
        assert await check.ends() == 1
    async with start("EmailWorkerSettings") as worker:
        await worker.says("worker_started")
        await worker.says("worker_status")
        async with asyncio.timeout(20):
            while True:
                async with start("EmailWorkerSettings", "--check") as check:
                    if await check.ends() == 0:
                        break


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopped_worker_finishes_its_job_and_exits_with_zero(
    start: Start, sent: signal.Signals, store: Store, client: QueueClient, deal: Deal, document: Document
) -> None:
    async with start("DocumentWorkerSettings") as worker:
        await worker.says("worker_started")
        ingest = ProcessDocument(document.id, deal.id, DocumentOperation.ingest)
        await request([ingest], operations=store.operations, queue=client)
        async with asyncio.timeout(20):
            while (view := await client.job(ingest.id)) is None or view.state == "waiting":
                await asyncio.sleep(0.005)
        worker.process.send_signal(sent)
        assert await worker.ends() == 0
    assert (await store.documents.get(document.id)).state is DocumentState.ready
    view = await client.job(ingest.id)
    assert view is not None
    assert (view.state, view.attempts) == ("completed", 1)


async def test_every_worker_says_how_it_is(start: Start) -> None:
    async with start("WorkerSettings") as worker:
        line = await worker.says("worker_status")
    assert line["healthy"] is True


async def test_wrong_settings_end_the_worker_with_one_line_that_names_them(start: Start) -> None:
    wrong = {"TIMEZONE": "Mars/Olympus", "EMAIL_CONCURRENCY": "many"}
    async with start("WorkerSettings", **wrong) as worker:
        assert await worker.ends() == 2
    (line,) = worker.lines
    assert line["event"] == "startup_failed"
    assert "TIMEZONE" in str(line["faults"])
    assert "EMAIL_CONCURRENCY" in str(line["faults"])


async def test_a_job_the_queue_lost_is_enqueued_again_by_the_sweep(
    start: Start, store: Store, client: QueueClient, pool: ArqRedis, deal: Deal
) -> None:
    brief = GenerateDailyBrief(deal.id, date(2026, 11, 20))
    await request([brief], operations=store.operations, queue=client)
    await answer(pool.flushdb())
    async with start("DailyBriefWorkerSettings", RECONCILE_SECONDS="1") as worker:
        await worker.says("worker_started")
        await worker.says("reconciled")
        await worker.says("job_finished", lambda line: line.get("job_id") == brief.id)
    assert await store.briefs.get(deal.id, brief.date) is not None


@asynccontextmanager
async def redis_on(port: int, folder: Path) -> AsyncIterator[None]:
    """A Redis of its own that a test may kill."""
    process = await asyncio.create_subprocess_exec(
        str(valkey_server()),
        *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def test_a_worker_waits_for_a_redis_that_is_not_there_yet_and_for_one_that_goes_away(
    start: Start, clean_stack: Stack, tmp_path: Path, free_port: int, store: Store, deal: Deal
) -> None:
    url = f"redis://127.0.0.1:{free_port}"
    settings = Settings.load(environ=clean_stack.environment() | {"REDIS_URL": url}, directory=tmp_path)
    brief = GenerateDailyBrief(deal.id, date(2026, 11, 20))
    async with start("DailyBriefWorkerSettings", REDIS_URL=url) as worker:
        await worker.says("redis_awaited")
        async with redis_on(free_port, tmp_path):
            await worker.says("worker_started")
        await worker.says("redis_lost")
        async with redis_on(free_port, tmp_path):
            await worker.says("redis_back")
            pool = await create_pool(settings.redis)
            await request([brief], operations=store.operations, queue=QueueClient(pool))
            await pool.aclose(close_connection_pool=True)
            await worker.says("job_finished", lambda line: line.get("job_id") == brief.id)
            worker.process.terminate()
            assert await worker.ends() == 0
