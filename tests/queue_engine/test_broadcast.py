"""One reader for all who listen: each hears what it asked for, from where it left off; the slow one hurts nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Unavailable
from dealpulse.jobs import EMAILS
from dealpulse.local.stack import Stack
from dealpulse.queue import Events, Missed, QueueClient, Quiet, create_pool
from dealpulse.queue.broadcast import Broadcast
from dealpulse.queue.connection import answer
from dealpulse.queue.events import BEGINNING, News
from dealpulse.settings import Settings
from queue_engine.endings import document
from queue_engine.test_events import STREAM, told, until, until_quiet


@pytest.fixture
async def hasty_pool(clean_stack: Stack) -> AsyncIterator[ArqRedis]:
    """One whose connections soon give up, so that a quiet reader soon says so."""
    environment = clean_stack.environment() | {"REDIS_SOCKET_TIMEOUT": "0.4"}
    opened = await create_pool(Settings.load(environ=environment, directory=clean_stack.data_dir).redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def broadcast(hasty_pool: ArqRedis) -> Broadcast:
    return Broadcast(Events(hasty_pool))


async def listening(broadcast: Broadcast, **wanted: object) -> tuple[AsyncIterator[News], asyncio.Task[News]]:
    """A listener that has joined, and its first news."""
    news = broadcast.follow(**wanted)  # type: ignore[arg-type]
    first = asyncio.ensure_future(anext(news))
    while len(broadcast._listeners) == 0 or not broadcast._place:
        await asyncio.sleep(0)
    return news, first


async def test_all_hear_of_it_over_one_connection(broadcast: Broadcast, client: QueueClient, pool: ArqRedis) -> None:
    many = [broadcast.follow() for _ in range(50)]
    firsts = [asyncio.ensure_future(anext(news)) for news in many]
    while len(broadcast._listeners) < 50:
        await asyncio.sleep(0)
    blocked = await answer(pool.info("clients"))
    assert blocked["blocked_clients"] <= 1
    await client.enqueue(document(1))
    heard = [await first for first in firsts]
    assert {told([one])[0] for one in heard} == {("enqueued", document(1).id)}
    for news in many:
        await news.aclose()  # type: ignore[attr-defined]  # an async generator
    assert broadcast._reading is None


async def test_each_hears_what_it_asked_for(broadcast: Broadcast, client: QueueClient) -> None:
    news, first = await listening(broadcast, queue=EMAILS)
    everything, _ = await listening(broadcast)
    await client.enqueue(document(1))
    assert isinstance(await first, Quiet)
    assert told(await until_quiet(everything)) == []  # it was the first news
    async with aclosing(news):  # type: ignore[type-var]
        pass


async def test_who_comes_back_reads_on_from_there_without_a_gap_or_an_echo(
    broadcast: Broadcast, client: QueueClient
) -> None:
    await client.enqueue_many([document(1), document(2)])
    there = broadcast.follow(BEGINNING)
    (first, second) = await until(there, lambda one: told([one]) == [("enqueued", document(2).id)])
    await there.aclose()  # type: ignore[attr-defined]
    await client.enqueue(document(3))
    # Somebody else keeps the reader going meanwhile.
    other, waiting = await listening(broadcast)
    back = broadcast.follow(second.position)
    assert told([await anext(back)]) == [("enqueued", document(3).id)]
    await client.enqueue(document(4))
    assert told(await until_quiet(back)) == [("enqueued", document(4).id)]
    assert told([await waiting]) == [("enqueued", document(4).id)]
    assert first.position != second.position
    for news in (other, back):
        await news.aclose()  # type: ignore[attr-defined]


async def test_who_does_not_listen_has_missed_it_and_nobody_else_notices(
    broadcast: Broadcast, client: QueueClient
) -> None:
    slow, slow_first = await listening(broadcast)
    quick, quick_first = await listening(broadcast)
    await client.enqueue(document(0))
    await asyncio.gather(slow_first, quick_first)
    hearing = asyncio.create_task(until(quick, lambda one: told([one]) == [("enqueued", document(1200).id)]))
    for first in range(1, 1201, 100):
        await client.enqueue_many([document(number) for number in range(first, first + 100)])
    assert len(await hearing) == 1200
    missed = await anext(slow)
    assert isinstance(missed, Missed)
    for news in (slow, quick):
        await news.aclose()  # type: ignore[attr-defined]


async def test_a_stream_that_was_lost_is_told_of(broadcast: Broadcast, client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue(document(1))
    (first,) = await until(broadcast.follow(BEGINNING), lambda _: True)
    await answer(pool.delete(STREAM))
    assert isinstance((await until(broadcast.follow(first.position), lambda _: True))[0], Missed)


async def test_a_wrong_position_and_an_absent_redis_are_told(broadcast: Broadcast, absent: ArqRedis) -> None:
    with pytest.raises(Invalid):
        await anext(broadcast.follow("nonsense"))
    with pytest.raises(Unavailable):
        await anext(Broadcast(Events(absent)).follow())
    assert not broadcast._listeners
