"""Operations that are done for now, and asked for again later."""

from __future__ import annotations

import asyncio

import asyncpg

from dealpulse.models import Deal, OperationState
from dealpulse.store import Store
from store.samples import operation

ID = "00000000-0000-4000-8000-00000000000{}"


async def test_nothing_is_asked_for_before_it_is_due(store: Store, deal: Deal) -> None:
    one = operation(ID.format(1), deal.id)
    await store.operations.mark(one, OperationState.done)
    await store.operations.ask_later(one)

    assert await store.operations.ask_due(limit=10) == []
    assert [each.state for each in await store.operations.of_deal(deal.id)] == [OperationState.done]


async def test_what_is_due_is_pending_and_handed_out_once(store: Store, deal: Deal) -> None:
    one = operation(ID.format(1), deal.id)
    await store.operations.mark(one, OperationState.done)
    await store.operations.ask_later(one, seconds=0)

    assert await store.operations.ask_due(limit=10) == [one]
    assert [each.state for each in await store.operations.of_deal(deal.id)] == [OperationState.pending]
    assert await store.operations.ask_due(limit=10) == []


async def test_one_that_runs_meanwhile_runs_again_afterwards(store: Store, deal: Deal) -> None:
    one = operation(ID.format(1), deal.id)
    await store.operations.mark(one, OperationState.running)
    await store.operations.ask_later(one, seconds=0)
    await store.operations.ask_due(limit=10)
    await store.operations.mark(one, OperationState.done)

    assert [each.state for each in await store.operations.of_deal(deal.id)] == [OperationState.pending]


async def test_putting_off_again_moves_the_time(store: Store, deal: Deal) -> None:
    one = operation(ID.format(1), deal.id)
    await store.operations.ask_later(one, seconds=0)
    await store.operations.ask_later(one, seconds=60)
    assert await store.operations.ask_due(limit=10) == []


async def test_the_longest_due_come_first_and_no_more_than_asked(
    store: Store, database: asyncpg.Connection, deal: Deal
) -> None:
    some = [operation(ID.format(number), deal.id) for number in range(4)]
    for each in some:
        await store.operations.ask_later(each, seconds=0)
    await database.execute(
        "update deferred_operations set due_at = due_at - interval '1 h' where subject_id = $1", some[3].subject_id
    )

    assert await store.operations.ask_due(limit=2) == [some[3], some[0]]
    assert await store.operations.ask_due(limit=10) == some[1:3]


async def test_two_sweeps_at_once_hand_each_out_once(store: Store, deal: Deal) -> None:
    some = [operation(ID.format(number), deal.id) for number in range(9)]
    for each in some:
        await store.operations.ask_later(each, seconds=0)
    swept = await asyncio.gather(*(store.operations.ask_due(limit=5) for _ in range(4)))
    asked = [each.subject_id for sweep in swept for each in sweep] + [
        each.subject_id for each in await store.operations.ask_due(limit=10)
    ]
    assert sorted(asked) == [each.subject_id for each in some]


async def test_a_deal_that_goes_takes_what_was_put_off_with_it(
    store: Store, database: asyncpg.Connection, deal: Deal
) -> None:
    await store.operations.ask_later(operation(ID.format(1), deal.id), seconds=0)
    await database.execute("delete from deals where id = $1", deal.id)
    assert await store.operations.ask_due(limit=10) == []
