"""The event stream: everything that happens, in order, from any point on; and whoever fell behind is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Unavailable
from dealpulse.jobs import DOCUMENTS, EMAILS, DocumentOperation, EmailOperation, ProcessDocument, ProcessEmail
from dealpulse.local.stack import Stack
from dealpulse.queue import Event, Events, Missed, QueueClient, Quiet, create_pool
from dealpulse.queue.connection import answer
from dealpulse.queue.events import BEGINNING, News
from dealpulse.settings import Settings
from queue_engine.endings import document, drain, succeed

STREAM = "dealpulse:events"


@pytest.fixture
async def hasty_pool(clean_stack: Stack) -> AsyncIterator[ArqRedis]:
    """One whose connections soon give up, so that a quiet reader soon says so."""
    environment = clean_stack.environment() | {"REDIS_SOCKET_TIMEOUT": "0.4"}
    opened = await create_pool(Settings.load(environ=environment, directory=clean_stack.data_dir).redis)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def events(hasty_pool: ArqRedis) -> Events:
    return Events(hasty_pool)


async def until(news: AsyncIterator[News], enough: Callable[[News], bool]) -> list[News]:
    """What comes, up to the first that is ``enough``."""
    heard = []
    async with asyncio.timeout(20):
        async for one in news:
            heard.append(one)
            if enough(one):
                return heard
    raise AssertionError("it ended")


async def until_quiet(news: AsyncIterator[News]) -> list[News]:
    """What comes until nothing does."""
    return (await until(news, lambda one: isinstance(one, Quiet)))[:-1]


def told(heard: list[News]) -> list[tuple[str, str | None]]:
    return [(one.kind, one.job_id) for one in heard if isinstance(one, Event)]


async def last_entry(pool: ArqRedis) -> str:
    newest = await answer(pool.xrevrange(STREAM, count=1))
    return str(newest[0][0].decode())


async def listening(news: AsyncIterator[News]) -> str:
    """Return when the reader has found its place."""
    (quiet,) = await until(news, lambda one: isinstance(one, Quiet))
    return quiet.position


async def test_a_jobs_life_is_told_in_order(client: QueueClient, pool: ArqRedis, events: Events) -> None:
    await client.enqueue(document(1))
    await drain(pool, succeed)
    await client.pause(DOCUMENTS, "deal-1")
    heard = await until_quiet(events.follow(BEGINNING))
    job = document(1).id
    assert told(heard) == [("enqueued", job), ("started", job), ("completed", job), ("paused", None)]
    assert all(isinstance(one, Event) for one in heard)
    first = heard[0]
    assert isinstance(first, Event)
    assert (first.queue, first.deal_id) == (DOCUMENTS.name, "deal-1")
    view = await client.job(job)
    assert view is not None
    assert view.enqueued_at is not None
    assert abs((first.at - view.enqueued_at).total_seconds()) < 1


async def test_who_starts_now_hears_only_what_comes(client: QueueClient, events: Events) -> None:
    await client.enqueue(document(1))
    news = events.follow()
    await listening(news)
    await client.enqueue(document(2))
    assert told(await until_quiet(news)) == [("enqueued", document(2).id)]


async def test_who_starts_before_there_is_a_stream_hears_the_first_event(client: QueueClient, events: Events) -> None:
    news = events.follow()
    await listening(news)
    await client.enqueue(document(1))
    assert told(await until_quiet(news)) == [("enqueued", document(1).id)]


async def test_reading_goes_on_from_any_position_without_a_gap(client: QueueClient, events: Events) -> None:
    for number in range(3):
        await client.enqueue(document(number))
    heard = await until_quiet(events.follow(BEGINNING))
    for place, one in enumerate(heard):
        assert await until_quiet(events.follow(one.position)) == heard[place + 1 :]


async def test_who_stops_within_what_happened_at_once_hears_all_of_it_again(
    client: QueueClient, events: Events
) -> None:
    await client.enqueue(document(1))
    await client.enqueue_many([document(2), document(3), document(4)])
    heard = await until_quiet(events.follow(BEGINNING))
    assert [one.position == heard[0].position for one in heard] == [True, True, True, False]
    assert await until_quiet(events.follow(heard[2].position)) == heard[1:]
    assert await until_quiet(events.follow(heard[3].position)) == []


async def test_only_one_queue_or_one_deal_is_heard_of(client: QueueClient, events: Events) -> None:
    await client.enqueue_many(
        [
            ProcessDocument("d", "deal-1", DocumentOperation.analyze),
            ProcessDocument("e", "deal-2", DocumentOperation.analyze),
            ProcessEmail("m", "deal-2", EmailOperation.analyze),
        ]
    )
    assert told(await until_quiet(events.follow(BEGINNING, queue=EMAILS))) == [("enqueued", "mail:m:analyze")]
    of_deal = await until_quiet(events.follow(BEGINNING, deal_id="deal-2"))
    assert told(of_deal) == [("enqueued", "doc:e:analyze"), ("enqueued", "mail:m:analyze")]
    both = await until_quiet(events.follow(BEGINNING, queue=DOCUMENTS, deal_id="deal-2"))
    assert told(both) == [("enqueued", "doc:e:analyze")]


async def test_a_quiet_readers_position_moves_on_with_what_is_not_for_it(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    news = events.follow(queue=EMAILS)
    before = await listening(news)
    await client.enqueue(document(1))
    after = await listening(news)
    assert before != after
    assert after.startswith(await last_entry(pool))


async def test_forgetting_what_was_read_is_no_loss(client: QueueClient, pool: ArqRedis, events: Events) -> None:
    news = events.follow()
    await listening(news)
    await client.enqueue(document(1))
    (read,) = await until_quiet(news)
    await pool.xtrim(STREAM, maxlen=0, approximate=False)
    await client.enqueue(document(2))
    assert told(await until_quiet(news)) == [("enqueued", document(2).id)]
    (again,) = await until_quiet(events.follow(read.position))
    assert told([again]) == [("enqueued", document(2).id)]


async def test_who_falls_behind_what_is_kept_is_told_and_reads_on(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    news = events.follow()
    await listening(news)
    await client.enqueue(document(1))
    (read,) = await until_quiet(news)
    for number in range(2, 6):
        await client.enqueue(document(number))
    await pool.xtrim(STREAM, maxlen=3, approximate=False)
    for reader in (news, events.follow(read.position)):
        heard = await until_quiet(reader)
        assert isinstance(heard[0], Missed)
        assert told(heard) == [("enqueued", document(number).id) for number in (3, 4, 5)]
        assert await until_quiet(events.follow(heard[0].position)) == heard[1:]


async def test_a_position_without_a_number_is_taken_for_lost_once_it_is_forgotten(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    await client.enqueue(document(1))
    entry = await last_entry(pool)
    await client.enqueue(document(2))
    assert told(await until_quiet(events.follow(entry))) == [("enqueued", document(2).id)]
    await pool.xtrim(STREAM, maxlen=1, approximate=False)
    heard = await until_quiet(events.follow(entry))
    assert [type(one) for one in heard] == [Missed, Event]


async def test_the_beginning_is_what_is_kept(client: QueueClient, pool: ArqRedis, events: Events) -> None:
    await client.enqueue(document(1))
    await client.enqueue(document(2))
    await pool.xtrim(STREAM, maxlen=1, approximate=False)
    assert told(await until_quiet(events.follow(BEGINNING))) == [("enqueued", document(2).id)]


async def test_a_redis_that_lost_its_data_is_a_loss_and_reading_goes_on(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    await client.enqueue(document(1))
    news = events.follow()
    await listening(news)
    await pool.flushdb()
    missed = await until(news, lambda one: isinstance(one, Missed))
    assert told(missed) == []
    await client.enqueue(document(2))
    assert told(await until_quiet(news)) == [("enqueued", document(2).id)]


async def test_a_stream_that_began_anew_is_a_loss(client: QueueClient, pool: ArqRedis, events: Events) -> None:
    await client.enqueue(document(1))
    (read,) = await until_quiet(events.follow(BEGINNING))
    await pool.flushdb()
    await client.enqueue(document(2))
    heard = await until_quiet(events.follow(read.position))
    assert [type(one) for one in heard] == [Missed, Event]


async def test_a_failover_that_lost_the_last_event_is_a_loss(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    await client.enqueue(document(1))
    await client.enqueue(document(2))
    *_, read = await until_quiet(events.follow(BEGINNING))
    await pool.xdel(STREAM, await last_entry(pool))
    await client.enqueue(document(3))
    heard = await until_quiet(events.follow(read.position))
    assert [type(one) for one in heard] == [Missed, Event]


async def test_many_readers_of_a_busy_stream_hear_everything_once(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    readers = [events.follow() for _ in range(3)]
    for reader in readers:
        await listening(reader)

    def is_last(one: News) -> bool:
        return isinstance(one, Event) and one.kind == "completed" and one.job_id == document(599).id

    hearing = [asyncio.create_task(until(reader, is_last)) for reader in readers]
    for first in range(0, 600, 3):
        await client.enqueue_many([document(number) for number in range(first, first + 3)])
    await drain(pool, succeed)
    for heard in await asyncio.gather(*hearing):
        assert not any(isinstance(one, Missed) for one in heard)
        enqueued = [job for kind, job in told(heard) if kind == "enqueued"]
        assert enqueued == [document(number).id for number in range(600)]


async def test_an_entry_of_somebody_elses_making_is_passed_over(
    client: QueueClient, pool: ArqRedis, events: Events
) -> None:
    await pool.xadd(STREAM, {"e": b"\xff\xff"})
    await pool.xadd(STREAM, {"other": "field"})
    await client.enqueue(document(1))
    assert told(await until_quiet(events.follow(BEGINNING))) == [("enqueued", document(1).id)]


@pytest.mark.parametrize("position", ["", "now", "1-", "-1", "1-2-3", "1-2@", "1-2@x", "٣-4", "1-2\n"])
async def test_what_is_no_position_is_refused(events: Events, position: str) -> None:
    with pytest.raises(Invalid) as refused:
        await anext(events.follow(position))
    assert refused.value.code == "invalid_position"


async def test_a_redis_that_is_away_is_told_as_such(clean_stack: Stack) -> None:
    away = clean_stack.environment() | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    pool = await create_pool(Settings.load(environ=away, directory=clean_stack.data_dir).redis)
    for position in (None, BEGINNING):
        with pytest.raises(Unavailable):
            await anext(Events(pool).follow(position))
    await pool.aclose(close_connection_pool=True)


async def test_a_reader_that_goes_gives_its_connection_back(
    client: QueueClient, hasty_pool: ArqRedis, events: Events
) -> None:
    news = events.follow()
    await listening(news)
    waiting = asyncio.ensure_future(anext(news))
    async with asyncio.timeout(10):
        while not (await answer(hasty_pool.info("clients")))["blocked_clients"]:
            await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await answer(hasty_pool.ping())
    await client.enqueue(document(1))
    assert await answer(hasty_pool.get("nothing")) is None, "no answer of the cancelled reading comes instead"
