"""Engines of one process that ask at the same time, one of them for a job that must run alone."""

from __future__ import annotations

import asyncio

import pytest
from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS, EMAILS, EmailOperation, ProcessEmail
from dealpulse.queue import QueueClient
from dealpulse.queue.engine import Claimed, Done, Engine, EngineSettings, Outcome
from dealpulse.queue.room import Room
from queue_engine.endings import document
from queue_engine.engines import turn


@pytest.mark.parametrize("first", [DOCUMENTS, EMAILS])
async def test_a_process_that_starts_does_not_run_others_beside_a_job_that_must_be_alone(
    client: QueueClient, pool: ArqRedis, first: object
) -> None:
    room, seen = Room(), asyncio.Queue[tuple[str, int]]()

    async def handler(job: Claimed) -> Outcome:
        # Whoever else has been let in shows up before the others of this loop have had their turn.
        for _ in range(50):
            await asyncio.sleep(0)
        seen.put_nowait((job.job_id, room.running))
        return Done("process")

    def engine(queue: str) -> Engine:
        settings = EngineSettings(queue=queue, concurrency=5)
        return Engine(settings, redis=pool, handler=handler, worker="one process", room=room)

    await client.enqueue(document())
    await turn(pool, "gone", lease=1, registered=1)
    async with asyncio.timeout(10):
        while (await client.stats())[DOCUMENTS.name].active:
            await asyncio.sleep(0)
    await client.enqueue_many([ProcessEmail(str(number), "deal", EmailOperation.parse) for number in range(9)])
    engines = [engine(queue.key) for queue in sorted((DOCUMENTS, EMAILS), key=lambda queue: queue is not first)]
    running = [asyncio.create_task(each.run()) for each in engines]
    async with asyncio.timeout(20):
        told = dict([await seen.get() for _ in range(10)])
    for each in engines:
        each.drain()
    await asyncio.gather(*running)
    assert told[document().id] == 1


async def test_an_engine_that_was_turned_away_asks_when_the_other_has_its_answer() -> None:
    room, rung = Room(), []
    room.join("a", lambda: rung.append("a"))
    room.join("b", lambda: rung.append("b"))
    room.asks("a", 5)
    assert (room.admits("a"), room.admits("b")) == (True, False)
    room.answered("a", 5)
    assert rung == ["b"]
    assert room.admits("b")


async def test_engines_of_a_process_that_is_at_work_ask_whenever_they_like() -> None:
    room = Room()
    room.join("a", lambda: None)
    room.join("b", lambda: None)
    room.entered()
    room.asks("a", 5)
    assert room.admits("b")
