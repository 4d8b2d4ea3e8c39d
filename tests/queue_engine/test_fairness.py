"""That no deal starves another, and what operators hold back stays back: caps, pauses, limits over all workers."""

from __future__ import annotations

import asyncio

from arq.connections import ArqRedis

from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.queue import QueueClient
from dealpulse.queue.engine import Claimed, Done, Outcome
from queue_engine.engines import ended, running_engine, turn
from queue_engine.test_engine import Recorder, document, until_idle


def of_deal(deal: str, number: int) -> ProcessDocument:
    return ProcessDocument(f"{deal}-{number}", deal, DocumentOperation.analyze)


class Crowd:
    """Jobs that run until they are let go, and the most that ever ran at once, by deal and in all."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.most_in_all = 0
        self.release = asyncio.Event()
        self._changed = asyncio.Condition()

    async def __call__(self, job: Claimed) -> Outcome:
        async with self._changed:
            self.running[job.deal_id] = self.running.get(job.deal_id, 0) + 1
            self.most[job.deal_id] = max(self.most.get(job.deal_id, 0), self.running[job.deal_id])
            self.most_in_all = max(self.most_in_all, sum(self.running.values()))
            self._changed.notify_all()
        await self.release.wait()
        self.running[job.deal_id] -= 1
        return Done("process_document")

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: sum(self.running.values()) >= count)


async def test_the_five_thousand_jobs_of_one_deal_do_not_keep_another_waiting(
    client: QueueClient, pool: ArqRedis
) -> None:
    await client.enqueue_many([of_deal("large", number) for number in range(5000)])
    await client.enqueue(of_deal("small", 1))
    crowd = Crowd()
    async with running_engine(pool, crowd, concurrency=5, per_deal=4):
        await crowd.reached(5)
        assert crowd.running == {"large": 4, "small": 1}
        stats = (await client.stats())[DOCUMENTS.name]
        assert (stats.active, stats.parked, stats.waiting) == (5, 4996, 0)
        crowd.release.set()
        async with asyncio.timeout(60):
            while (await client.stats())[DOCUMENTS.name].totals["completed"] < 5001:
                await asyncio.sleep(0.05)
    assert crowd.most == {"large": 4, "small": 1}


async def test_the_cap_of_a_deal_holds_over_all_workers(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue_many([of_deal("a", number) for number in range(6)])
    first = await turn(pool, "one", wanted=2, per_deal=3)
    second = await turn(pool, "two", wanted=5, per_deal=3)
    assert (len(first.claims), len(second.claims)) == (2, 1)
    done = await turn(pool, "one", seq=2, wanted=5, per_deal=3, finishing=[ended(first.claims[0], worker="one")])
    assert len(done.claims) == 1, "one ended, so the next of those kept back came up"


async def test_jobs_kept_back_keep_their_order(client: QueueClient, pool: ArqRedis) -> None:
    jobs = [of_deal("a", number) for number in range(5)]
    for job in jobs:
        await client.enqueue(job)
    seen = []
    for seq in range(1, 6):
        (claim,) = (await turn(pool, seq=seq, wanted=3, per_deal=1)).claims
        seen.append(claim.id)
        await turn(pool, seq=seq, wanted=0, per_deal=1, finishing=[ended(claim, seq=seq)])
    assert seen == [job.id for job in jobs]


async def test_one_claim_looks_at_a_hundred_jobs_at_most(client: QueueClient, pool: ArqRedis) -> None:
    await client.enqueue_many([of_deal("large", number) for number in range(150)])
    await client.enqueue(of_deal("small", 1))
    reply = await turn(pool, wanted=5, per_deal=1)
    assert [claim.deal for claim in reply.claims] == ["large"]
    assert reply.next_due == 0, "it says that there may be more"
    assert (await client.stats())[DOCUMENTS.name].parked == 99
    assert [claim.deal for claim in (await turn(pool, seq=2, wanted=4, per_deal=1)).claims] == ["small"]


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    await client.pause(DOCUMENTS)
    await client.enqueue(document())
    assert (await turn(pool)).claims == []
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.paused, stats.waiting) == (True, 1)
    async with running_engine(pool, recorder):
        await client.resume(DOCUMENTS)
        await recorder.reached(1)
        await until_idle(client)


async def test_a_paused_deal_waits_while_others_go_on(client: QueueClient, pool: ArqRedis) -> None:
    recorder = Recorder()
    await client.pause(DOCUMENTS, "a")
    await client.enqueue_many([of_deal("a", 1), of_deal("a", 2), of_deal("b", 1)])
    async with running_engine(pool, recorder):
        await recorder.reached(1)
        async with asyncio.timeout(20):
            while (await client.stats())[DOCUMENTS.name].parked < 2:
                await asyncio.sleep(0.01)
        assert [job.deal_id for job in recorder.seen] == ["b"]
        await client.resume(DOCUMENTS, "a")
        await recorder.reached(3)
        await until_idle(client)


async def test_no_more_run_over_all_workers_than_the_queue_allows(client: QueueClient, pool: ArqRedis) -> None:
    crowd = Crowd()
    await client.enqueue_many([of_deal("a", number) for number in range(20)])
    async with (
        running_engine(pool, crowd, concurrency=5, limit=3, worker="one"),
        running_engine(pool, crowd, concurrency=5, limit=3, worker="two"),
    ):
        await crowd.reached(3)
        crowd.release.set()
        await until_idle(client)
    assert crowd.most_in_all == 3
    assert (await client.stats())[DOCUMENTS.name].totals["completed"] == 20
