"""An e-mail is judged in the light of its whole thread, whichever worker was quicker."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dealpulse.ai.local import LocalEngine
from dealpulse.errors import Awaiting
from dealpulse.extraction.contract import Limits
from dealpulse.jobs import EmailOperation, ProcessEmail, SyncType
from dealpulse.local.stack import Stack
from dealpulse.models import Deal
from dealpulse.processors.emails import process_email
from dealpulse.queue import QueueClient
from dealpulse.store import Store
from processors.conftest import Run
from processors.test_room import write_mail


async def test_an_email_is_analysed_once_those_that_came_with_it_are_read(
    clean_stack: Stack, room: Path, sync: Run, store: Store, queue: QueueClient, deal: Deal
) -> None:
    write_mail(room / "consent.eml", attachment="A paper.\n")
    await sync(SyncType.full)
    (email,) = await store.emails.of_deal(deal.id)

    async def analyse() -> dict[str, object]:
        return await process_email(
            ProcessEmail(email.id, deal.id, EmailOperation.analyze),
            store=store,
            queue=queue,
            engine=LocalEngine(),
            limits=Limits(),
            time_zone=ZoneInfo("UTC"),
        )

    assert (await analyse())["engine"] == "local"
    await store.operations.ask([ProcessEmail(email.id, deal.id, EmailOperation.parse).operation])
    with pytest.raises(Awaiting) as awaited:
        await analyse()
    assert awaited.value.retry_after
    # One that cannot be read for long holds up nobody.
    connection = await asyncpg.connect(clean_stack.database_url)
    try:
        await connection.execute("update emails set updated_at = updated_at - $1::interval", timedelta(minutes=10))
    finally:
        await connection.close()
    assert (await analyse())["engine"] == "local"
