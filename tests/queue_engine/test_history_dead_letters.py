"""Dead letters: grouped by what they died of, run again at a chosen pace, or thrown away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from arq.connections import ArqRedis

from dealpulse.errors import Invalid, Transient
from dealpulse.jobs import DOCUMENTS, DocumentOperation, Priority, ProcessDocument
from dealpulse.queue import Buried, History, Kept, Letters, QueueClient
from dealpulse.queue.connection import answer
from dealpulse.queue.engine import Claimed, Dead, Done, Outcome
from queue_engine.endings import die, document, drain, end, gone, now_ms, succeed, until_idle
from queue_engine.engines import running_engine, turn

KEY = DOCUMENTS.key


@pytest.fixture
def history(pool: ArqRedis) -> History:
    return History(pool)


async def let_die(pool: ArqRedis, numbers: Sequence[int], error: Exception | None = None) -> None:
    """Dead letters of these documents, one after the other."""
    for number in numbers:
        await end(pool, [document(number)], lambda _: Dead("process_document", error or gone()))


async def test_letters_of_the_same_fault_are_one_group(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await let_die(pool, [1, 2, 3])
    await let_die(pool, [4, 5], Transient("The file is locked.", code="locked"))
    await let_die(pool, [6], gone())
    newest, other = await history.dead_groups(KEY)
    assert (newest.error_class, newest.code, newest.message) == ("Permanent", "gone", "The file is gone.")
    assert (newest.count, newest.job_ids) == (4, tuple(document(number).id for number in (6, 3, 2, 1)))
    assert (other.error_class, other.code, other.count, other.function) == (
        "Transient",
        "locked",
        2,
        "process_document",
    )
    assert newest.first_at < other.first_at <= other.last_at < newest.last_at
    assert newest.fingerprint != other.fingerprint
    in_group = await history.dead_letters(KEY, Letters(fingerprint=other.fingerprint))
    assert [letter.job_id for letter in in_group] == [document(5).id, document(4).id]


async def test_no_letters_are_no_groups(history: History) -> None:
    assert await history.dead_groups(KEY) == []
    assert await history.dead_letters(KEY, Letters(job_id="nothing")) == []


async def test_a_replayed_letter_runs_again_as_it_was_asked_for(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await client.enqueue(document(1), priority=Priority.high)
    await drain(pool, die)
    (letter,) = await history.dead_letters(KEY)
    payload = await answer(pool.hget(f"dealpulse:job:{letter.job_id}", "payload"))
    assert await history.replay(KEY, [letter.run]) == {letter.run: Buried.replayed}
    assert await answer(pool.get(f"arq:job:{letter.job_id}")) == payload
    view = await client.job(letter.job_id)
    assert view is not None
    assert (view.state, view.attempts, view.priority, view.deal_id) == ("waiting", 0, "high", "deal-1")
    assert (view.faults, view.error_class, view.function) == ((), None, "process_document")
    assert view.run != letter.run
    assert await history.dead_letters(KEY) == []
    assert await history.run(letter.run) is None
    assert not await answer(pool.exists(f"arq:result:{letter.job_id}"))


async def test_a_replayed_letter_is_claimed_at_once_by_an_engine_that_waits(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    (letter,) = await history.dead_letters(KEY)
    seen = asyncio.Event()

    async def handler(_job: Claimed) -> Outcome:
        seen.set()
        return Done("process_document")

    async with running_engine(pool, handler):
        await history.replay(KEY, [letter.run])
        await asyncio.wait_for(seen.wait(), 20)
        await until_idle(client)
    assert (await client.stats())[DOCUMENTS.name].completed == 1


async def test_a_throttle_spaces_the_whole_lot(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await end(pool, [document(number) for number in range(230)], die)
    runs = [letter.run for letter in await history.dead_letters(KEY)]
    began = await now_ms(pool)
    buried = await history.replay(KEY, runs, per_second=4)
    ended = await now_ms(pool)
    assert set(buried.values()) == {Buried.replayed}
    due = [int(await answer(pool.hget(f"dealpulse:job:{run.partition(':')[2]}", "due"))) for run in runs]
    assert began <= due[0] <= ended
    gaps = [later - sooner for sooner, later in itertools.pairwise(due)]
    assert all(gap >= 250 for gap in gaps)
    assert sum(gaps) <= 229 * 250 + (ended - began)
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.failed, stats.delayed) == (0, 229)


async def test_without_a_throttle_all_are_due_at_once(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await end(pool, [document(number) for number in range(120)], die)
    await history.replay(KEY, [letter.run for letter in await history.dead_letters(KEY)])
    stats = (await client.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.delayed, stats.failed) == (120, 0, 0)


async def test_a_letter_whose_job_is_live_stays(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await let_die(pool, [1, 2])
    await client.enqueue(document(1))
    letters = {letter.job_id: letter for letter in await history.dead_letters(KEY)}
    assert (letters[document(1).id].live, letters[document(2).id].live) == (True, False)
    one, two = letters[document(1).id].run, letters[document(2).id].run
    assert await history.replay(KEY, [one, two]) == {one: Buried.busy, two: Buried.replayed}
    assert [letter.run for letter in await history.dead_letters(KEY)] == [one]


async def test_of_two_letters_of_one_job_one_runs_and_the_other_stays(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    await let_die(pool, [1])
    newer, older = [letter.run for letter in await history.dead_letters(KEY, Letters(job_id=document(1).id))]
    assert await history.replay(KEY, [newer, older]) == {newer: Buried.replayed, older: Buried.busy}
    assert [letter.run for letter in await history.dead_letters(KEY)] == [older]


async def test_a_letter_of_a_job_that_ran_since_can_run_again(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    await end(pool, [document(1)], succeed)
    (letter,) = await history.dead_letters(KEY)
    assert not letter.live
    assert (letter.error_class, letter.code) == ("Permanent", "gone")
    assert await history.replay(KEY, [letter.run]) == {letter.run: Buried.replayed}
    (completed,) = (await history.runs(KEY, Kept.completed)).runs
    whole = await history.run(completed.run)
    assert whole is not None
    assert whole.state == "completed", "the run in between is still kept"
    view = await client.job(document(1).id)
    assert view is not None
    assert view.state == "waiting"


async def test_a_cancelled_job_can_run_again(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await client.enqueue(document(1))
    await client.cancel(document(1).id)
    (view,) = (await history.runs(KEY, Kept.cancelled)).runs
    assert await history.replay(KEY, [view.run], kept=Kept.cancelled) == {view.run: Buried.replayed}
    again = await client.job(document(1).id)
    assert again is not None
    assert again.state == "waiting"
    (claim,) = (await turn(pool)).claims
    assert claim.id == document(1).id


async def test_a_letter_kept_no_longer_is_unknown(history: History) -> None:
    assert await history.replay(KEY, ["1:doc:x"]) == {"1:doc:x": Buried.unknown}
    assert await history.discard(KEY, ["1:doc:x", "nonsense"]) == {
        "1:doc:x": Buried.unknown,
        "nonsense": Buried.unknown,
    }


async def test_a_letter_without_its_payload_can_only_be_thrown_away(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    (letter,) = await history.dead_letters(KEY)
    await answer(pool.hdel(f"dealpulse:job:{letter.job_id}", "payload"))
    assert await history.replay(KEY, [letter.run]) == {letter.run: Buried.empty}
    assert await history.discard(KEY, [letter.run]) == {letter.run: Buried.discarded}


async def test_a_discarded_letter_leaves_nothing_behind(client: QueueClient, pool: ArqRedis, history: History) -> None:
    await let_die(pool, [1])
    await let_die(pool, [1, 2])
    runs = [letter.run for letter in await history.dead_letters(KEY)]
    assert set((await history.discard(KEY, runs)).values()) == {Buried.discarded}
    assert (await client.stats())[DOCUMENTS.name].failed == 0
    assert await pool.keys("dealpulse:job:*") == await pool.keys("dealpulse:run:*") == []
    assert not await answer(pool.exists(f"{KEY}:earlier"))


async def test_discarding_a_letter_leaves_the_same_job_alone_where_it_lives(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    await client.enqueue(document(1))
    (letter,) = await history.dead_letters(KEY)
    await history.discard(KEY, [letter.run])
    view = await client.job(document(1).id)
    assert view is not None
    assert view.state == "waiting"
    (claim,) = (await turn(pool)).claims
    assert claim.id == document(1).id


async def test_letters_can_be_thrown_away_where_memory_is_full(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    await let_die(pool, [1])
    (letter,) = await history.dead_letters(KEY)
    await pool.config_set("maxmemory", "1")
    try:
        assert await history.discard(KEY, [letter.run]) == {letter.run: Buried.discarded}
    finally:
        await pool.config_set("maxmemory", "0")


@pytest.mark.parametrize("per_second", [0, -1, float("nan"), 1e-9])
async def test_a_pace_that_is_none_is_refused(history: History, per_second: float) -> None:
    with pytest.raises(Invalid) as refused:
        await history.replay(KEY, [], per_second=per_second)
    assert refused.value.code == "invalid_rate"


async def test_our_own_jobs_are_known_by_their_payload_and_others_are_not(
    client: QueueClient, pool: ArqRedis, history: History
) -> None:
    ours = document(1)
    await client.enqueue(ours)
    await pool.enqueue_job("process_document", "d", "deal", _job_id="defaults", _queue_name=KEY)
    await pool.enqueue_job("process_document", "d", "deal", operation="classify", _job_id="named", _queue_name=KEY)
    await pool.enqueue_job("process_document", "d", "deal", "translate", _job_id="no-operation", _queue_name=KEY)
    await pool.enqueue_job("process_document", 7, "deal", "classify", _job_id="no-text", _queue_name=KEY)
    await pool.enqueue_job("process_document", "d" * 70_000, "deal", _job_id="large", _queue_name=KEY)
    await pool.enqueue_job("somebody_elses", _job_id="foreign", _queue_name=KEY)
    await answer(pool.set("arq:job:pickled", b"\x80\x04N."))
    expected = {
        ours.id: ours,
        "defaults": ProcessDocument("d", "deal", DocumentOperation.summarize),
        "named": ProcessDocument("d", "deal", DocumentOperation.classify),
    }
    others = ("no-operation", "no-text", "large", "foreign", "pickled", "unknown")
    assert {name: await history.job_asked(name) for name in (*expected, *others)} == expected | dict.fromkeys(others)

    await drain(pool, die)
    letters = {letter.job_id: letter.run for letter in await history.dead_letters(KEY)}
    assert letters.keys() == {*expected, *others} - {"pickled", "unknown"}
    assert await history.jobs_of(list(letters.values())) == {letters[name]: job for name, job in expected.items()}
