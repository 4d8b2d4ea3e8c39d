"""Ends that are hard to put into words, and clocks that are off: a job is reported all the same, and truly."""

from __future__ import annotations

import functools
import time
from datetime import UTC, datetime, timedelta

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job as ArqJob

from dealpulse.errors import DealPulseError, Permanent, Transient
from dealpulse.jobs import DOCUMENTS
from dealpulse.queue import Debounce, QueueClient
from dealpulse.queue.engine import Again, Claimed, Dead, Done, Outcome
from dealpulse.queue.serializer import RemoteError, deserialize
from queue_engine.endings import document, until_idle
from queue_engine.engines import running_engine, turn
from queue_engine.test_engine import Recorder

HALF_A_CHARACTER = "Vertr\udce4ge.pdf"
"""As Python reads a file's name that is no UTF-8."""


class Unspeakable(DealPulseError):
    """Breaks whoever asks what it says."""

    @property
    def message(self) -> str:
        raise RuntimeError("no words")

    @message.setter
    def message(self, told: str) -> None: ...


async def test_a_dead_letter_may_name_a_file_whose_name_is_no_text(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder(Dead("process_document", Permanent(f"{HALF_A_CHARACTER} is damaged.", code="corrupt")))
    await client.enqueue(document())
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    view = await client.job(document().id)
    assert view is not None
    assert (view.state, view.error_code, view.error_message) == ("failed", "corrupt", "Vertr?ge.pdf is damaged.")
    assert [fault.message for fault in view.faults] == ["Vertr?ge.pdf is damaged."]
    with pytest.raises(RemoteError, match="is damaged"):
        await ArqJob(document().id, pool, _queue_name=DOCUMENTS.key, _deserializer=deserialize).result(timeout=1)


async def test_a_retry_may_name_one_too_and_is_no_dead_letter(client: QueueClient, pool: ArqRedis) -> None:
    outcomes: list[Outcome] = [
        Done("process_document"),
        Again("process_document", 0.0, burn=True, error=Transient(f"{HALF_A_CHARACTER} is locked.")),
    ]

    async def handler(_job: Claimed) -> Outcome:
        return outcomes.pop()

    await client.enqueue(document())
    async with running_engine(pool, handler):
        await until_idle(client)
    view = await client.job(document().id)
    assert view is not None
    assert (view.state, view.attempts) == ("completed", 2)


async def test_an_end_that_cannot_be_written_down_is_a_dead_letter_and_not_run_again(
    client: QueueClient, pool: ArqRedis
) -> None:
    recorder = Recorder(Dead("process_document", Unspeakable("")))
    await client.enqueue(document())
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        await until_idle(client)
    view = await client.job(document().id)
    assert view is not None
    assert (view.state, view.error_code) == ("failed", "untold_outcome")
    assert len(recorder.seen) == 1


@pytest.mark.parametrize("seconds", [-120, 120])
async def test_a_producer_s_clock_decides_neither_when_a_job_runs_nor_what_is_said_of_it(
    pool: ArqRedis, seconds: int
) -> None:
    client = QueueClient(pool, clock=functools.partial(skewed, seconds))
    minute = timedelta(minutes=1)
    await client.enqueue(document(1))
    await client.enqueue(document(2), run_at=datetime.now(UTC) + minute)
    await client.enqueue(document(3), debounce=Debounce(minute, ceiling=minute))
    states = {number: view and view.state for number in (1, 2, 3) if (view := await client.job(document(number).id))}
    assert states == {1: "waiting", 2: "delayed", 3: "delayed"}
    assert [claim.id for claim in (await turn(pool, wanted=5)).claims] == [document(1).id]
    worker = await client.workers()
    assert [each.worker for each in worker] == ["other"]


def skewed(seconds: int) -> float:
    return time.time() + seconds
