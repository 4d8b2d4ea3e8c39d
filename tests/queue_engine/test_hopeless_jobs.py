"""Jobs that cannot be run: each is a dead letter that says why, and the worker lives on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid
from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.queue import QueueClient
from dealpulse.queue.client import MAX_PAYLOAD_BYTES
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Outcome
from dealpulse.worker.execute import Policy, Runnable, execute
from queue_engine.engines import running_engine
from queue_engine.test_engine import until_idle
from worker.test_execute import Rows

Handler = Callable[[Claimed], Coroutine[Any, Any, Outcome]]


async def give(_ctx: object, what: str) -> object:
    """What a job returns, by its argument."""
    endless: list[object] = []
    endless.append(endless)
    return {"nothing": None, "object": object(), "endless": endless, "much": "x" * (2 << 20)}[what]


@pytest.fixture
def handler() -> Handler:
    return functools.partial(
        execute,
        functions={"give": Runnable(give, Policy(attempts=3, backoff_base=5.0, time_limit=10.0))},
        context={},
        operations=Rows(),
        queue=DOCUMENTS.name,
    )


async def put(pool: ArqRedis, job_id: str, payload: bytes) -> None:
    """As a program without our client may."""
    await answer(pool.set(f"arq:job:{job_id}", payload))
    await answer(pool.zadd(DOCUMENTS.key, {job_id: 1}))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x00\xff\xfe", "undecodable_job"),
        (b"", "expired"),
        (b"\x80\x04K\x01.", "pickled_job"),
        (b'{"t":null,"f":"give"}', "undecodable_job"),
        (b'{"t":null,"f":"fly","a":[],"k":{},"et":1}', "unknown_function"),
        (b'{"t":null,"f":"give","a":["object"],"k":{},"et":1}', "unserialisable_result"),
        (b'{"t":null,"f":"give","a":["endless"],"k":{},"et":1}', "unserialisable_result"),
        (b'{"t":null,"f":"give","a":["much"],"k":{},"et":1}', "result_too_large"),
        (b'{"t":null,"f":"give","a":["' + b"x" * (5 << 20) + b'"],"k":{},"et":1}', "payload_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_it_is_a_dead_letter_with_its_reason_and_the_next_job_runs(
    client: QueueClient, pool: ArqRedis, handler: Handler, payload: bytes, code: str
) -> None:
    await put(pool, "hopeless", payload)
    async with running_engine(pool, handler):
        await put(pool, "fine", b'{"t":null,"f":"give","a":["nothing"],"k":{},"et":1}')
        await until_idle(client)
    hopeless, fine = await client.job("hopeless"), await client.job("fine")
    assert hopeless is not None
    assert fine is not None
    assert (hopeless.state, hopeless.error_code, hopeless.attempts) == ("failed", code, 1)
    assert hopeless.error_message
    assert fine.state == "completed"


async def test_a_payload_of_five_megabytes_is_refused_where_it_is_enqueued(client: QueueClient) -> None:
    with pytest.raises(Invalid, match="pass its id") as refused:
        await client.enqueue(ProcessDocument("x" * (5 << 20), "deal", DocumentOperation.analyze))
    assert refused.value.code == "payload_too_large"
    assert (await client.stats())[DOCUMENTS.name].waiting == 0


async def test_none_of_a_bulk_is_enqueued_when_one_of_it_is_too_large(client: QueueClient) -> None:
    jobs = [ProcessDocument(name, "deal", DocumentOperation.analyze) for name in ("a", "x" * MAX_PAYLOAD_BYTES, "b")]
    with pytest.raises(Invalid):
        await client.enqueue_many(jobs)
    assert (await client.stats())[DOCUMENTS.name].waiting == 0


async def test_an_id_that_is_no_text_is_thrown_away_and_the_next_job_runs(
    client: QueueClient, pool: ArqRedis, handler: Handler
) -> None:
    await answer(pool.zadd(DOCUMENTS.key, {b"\xff\xfe": 1}))
    await answer(pool.zadd(DOCUMENTS.key, {"Vertrag-Ü-文": 2}))
    await answer(pool.set("arq:job:Vertrag-Ü-文", b'{"t":null,"f":"give","a":["nothing"],"k":{},"et":1}'))
    async with running_engine(pool, handler):
        await until_idle(client)
    view = await client.job("Vertrag-Ü-文")
    assert view is not None
    assert view.state == "completed"
    assert await answer(pool.zcard(DOCUMENTS.key)) == 0
