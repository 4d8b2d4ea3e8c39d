"""What is asked of rows, how far it is, and what nobody looked after."""

from __future__ import annotations

import uuid
from datetime import timedelta

import asyncpg
import msgspec
import pytest

from dealpulse.errors import NotFound
from dealpulse.models import Deal, Operation, OperationState, SubjectType
from dealpulse.store import Store
from store.samples import NOBODY, operation


def asked_of(deal: Deal, count: int = 1) -> list[Operation]:
    return [operation(str(uuid.UUID(int=n + 1)), deal.id) for n in range(count)]


async def state_of(store: Store, deal: Deal) -> OperationState:
    (only,) = await store.operations.of_deal(deal.id)
    return only.state


async def age(database: asyncpg.Connection, seconds: float) -> None:
    await database.execute(
        "update processing_operations set changed_at = changed_at - $1::interval", timedelta(seconds=seconds)
    )


async def test_what_is_asked_for_is_pending_and_listed(store: Store, deal: Deal) -> None:
    brief = Operation(subject_type=SubjectType.brief, subject_id=deal.id, name="2026-03-03", deal_id=deal.id)
    operations = [*asked_of(deal, 2), brief]

    for _ in range(2):
        await store.operations.ask(operations)

    assert sorted(await store.operations.of_deal(deal.id), key=repr) == sorted(operations, key=repr)


async def test_the_same_thing_may_stand_in_one_request_twice(store: Store, deal: Deal) -> None:
    await store.operations.ask(asked_of(deal) * 2)
    await store.operations.mark_queued(asked_of(deal) * 2)

    assert await state_of(store, deal) is OperationState.queued


async def test_asking_nothing_is_fine(store: Store) -> None:
    await store.operations.ask([])
    await store.operations.mark_queued([])
    await store.operations.touch([])


async def test_only_pending_ones_become_queued(store: Store, deal: Deal) -> None:
    (one,) = asked_of(deal)
    for state in (OperationState.running, OperationState.done, OperationState.failed):
        await store.operations.mark(one, state)
        await store.operations.mark_queued([one])
        assert await state_of(store, deal) is state

    await store.operations.ask([one])
    await store.operations.mark_queued([one])
    assert await state_of(store, deal) is OperationState.queued


async def test_what_went_wrong_is_kept_until_it_is_asked_for_again(store: Store, deal: Deal) -> None:
    (one,) = asked_of(deal)
    await store.operations.mark(one, OperationState.failed, error_code="corrupt", error_message="It is broken.")
    (failed,) = await store.operations.of_deal(deal.id)
    assert (failed.state, failed.error_code, failed.error_message) == (
        OperationState.failed,
        "corrupt",
        "It is broken.",
    )

    await store.operations.ask([one])
    assert await store.operations.of_deal(deal.id) == [one]


@pytest.mark.parametrize("end", [OperationState.done, OperationState.failed])
async def test_what_is_asked_for_while_it_runs_is_pending_when_the_run_ends(
    store: Store, deal: Deal, end: OperationState
) -> None:
    (one,) = asked_of(deal)
    await store.operations.ask([one])
    await store.operations.mark(one, OperationState.running)
    await store.operations.ask([one])
    await store.operations.mark_queued([one])

    for _ in range(2):
        await store.operations.mark(one, end)
        assert await state_of(store, deal) is OperationState.pending

    await store.operations.mark(one, OperationState.running)
    await store.operations.mark(one, end)
    assert await state_of(store, deal) is end


async def test_marking_is_recorded_though_nobody_asked_here_but_not_for_a_deal_that_is_gone(
    store: Store, deal: Deal
) -> None:
    await store.operations.mark(asked_of(deal)[0], OperationState.done)
    assert await state_of(store, deal) is OperationState.done

    with pytest.raises(NotFound):
        await store.operations.mark(operation(NOBODY, NOBODY), OperationState.running)


async def test_stale_are_the_unfinished_ones_left_alone_longest_first(
    store: Store, deal: Deal, database: asyncpg.Connection
) -> None:
    oldest, older, old, finished, given_up, fresh = asked_of(deal, 6)
    for one in (oldest, older, old, finished, given_up):
        await store.operations.ask([one])
        await age(database, 60)
    await store.operations.mark_queued([older])
    await store.operations.mark(old, OperationState.running)
    await store.operations.mark(finished, OperationState.done)
    await store.operations.mark(given_up, OperationState.failed)
    await age(database, 60)
    await store.operations.ask([fresh])

    stale = await store.operations.stale(older_than=30, limit=10)

    assert [(one.subject_id, one.state) for one in stale] == [
        (oldest.subject_id, OperationState.pending),
        (older.subject_id, OperationState.queued),
        (old.subject_id, OperationState.running),
    ]
    assert await store.operations.stale(older_than=30, limit=2) == stale[:2]
    assert await store.operations.stale(older_than=3600, limit=10) == []


async def test_touched_ones_are_stale_no_more(store: Store, deal: Deal, database: asyncpg.Connection) -> None:
    one, other = asked_of(deal, 2)
    await store.operations.ask([one, other])
    await age(database, 60)

    await store.operations.touch([one])

    assert await store.operations.stale(older_than=30, limit=10) == [other]


async def test_touching_does_not_revive_what_is_finished(store: Store, deal: Deal) -> None:
    (one,) = asked_of(deal)
    await store.operations.mark(one, OperationState.done)

    await store.operations.touch([one])

    assert await store.operations.stale(older_than=0, limit=10) == []


async def test_more_can_be_stale_than_one_answer_has_rows(store: Store, deal: Deal) -> None:
    await store.operations.ask(asked_of(deal, 1200))

    assert len(await store.operations.stale(older_than=0, limit=5000)) == 1200


async def test_it_can_be_asked_whether_anything_of_a_kind_is_under_way(store: Store, deal: Deal) -> None:
    other = await store.deals.create("Project Aster")
    reading = msgspec.structs.replace(operation(NOBODY, deal.id, "parse"), subject_type=SubjectType.email)

    async def asked() -> list[bool]:
        kinds = ((deal.id, SubjectType.email), (deal.id, SubjectType.document), (other.id, SubjectType.email))
        return [await store.operations.any_under_way(where, kind, "parse") for where, kind in kinds]

    assert await asked() == [False, False, False]
    await store.operations.ask([reading])
    assert await asked() == [True, False, False]
    await store.operations.mark(reading, OperationState.failed)
    assert await asked() == [False, False, False]
