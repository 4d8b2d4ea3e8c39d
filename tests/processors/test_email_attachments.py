"""An attachment the storage will not take fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dealpulse.health import Health
from dealpulse.jobs import EmailOperation, ProcessEmail
from dealpulse.local.stack import Stack
from dealpulse.models import DocumentState
from dealpulse.processors.emails import process_email
from dealpulse.settings import Settings
from dealpulse.worker.runtime import Runtime, open_runtime

MESSAGE = (
    b"From: Dana Reyes <dana@example.com>\nSubject: Files\nMessage-ID: <files-1@example.com>\nMIME-Version: 1.0\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n"
    b"--b\nContent-Type: text/plain\n\nBoth attached.\n"
    b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=small.txt\n\nThe rent is due.\n"
    b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=large.txt\n\n"
    + b"x" * 4_000
    + b"\n--b--\n"
)


@pytest.fixture
async def runtime(clean_stack: Stack) -> AsyncIterator[Runtime]:
    async with open_runtime(Settings.load(environ=clean_stack.environment()), health=Health()) as opened:
        yield opened


async def test_an_attachment_too_large_to_store_fails_alone(runtime: Runtime, tmp_path: Path) -> None:
    store = runtime.store
    deal = await store.deals.create("Project Alder")
    file = tmp_path / "files.eml"
    await asyncio.to_thread(file.write_bytes, MESSAGE)
    await store.files.upload("deals/x/files", file, content_type="message/rfc822")
    email = await store.emails.create(
        deal.id, name="files.eml", path="files.eml", content_hash="f" * 64, storage_key="deals/x/files"
    )
    storage = store.database.client.storage
    await storage.update_bucket("deal-files", {"public": False, "file_size_limit": 1_000})
    try:
        await process_email(
            ProcessEmail(email.id, deal.id, EmailOperation.parse),
            store=store,
            queue=runtime.queue,
            engine=runtime.engine,
            limits=runtime.limits,
            time_zone=runtime.settings.time_zone,
        )
    finally:
        await storage.update_bucket("deal-files", {"public": False, "file_size_limit": 50 << 20})
    assert (await store.emails.get(email.id)).state is DocumentState.ready
    documents = {one.name: one for one in await store.documents.of_deal(deal.id)}
    assert documents["small.txt"].state is DocumentState.new
    assert (documents["large.txt"].state, documents["large.txt"].failure_code) == (DocumentState.failed, "too_large")
