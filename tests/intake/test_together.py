"""What many ask for at the same moment goes as one question, and each is answered as if alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import structlog

from dealpulse.errors import Unavailable
from dealpulse.outbox import Together


class Work:
    """Notes what it is asked and answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.goes_on = asyncio.Event()
        self.fault: Exception | None = None
        self.callers: list[object] = []

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.asked.append(list(items))
        self.callers.append(structlog.contextvars.get_contextvars().get("caller"))
        await self.goes_on.wait()
        if self.fault is not None:
            raise self.fault
        return [-item for item in items]


async def asking(together: Together[int, int], items: Sequence[int]) -> list[asyncio.Task[int]]:
    """All of them ask before anything else happens."""
    tasks = [asyncio.create_task(together(item)) for item in items]
    await asyncio.sleep(0)
    return tasks


async def test_one_alone_is_asked_at_once_and_the_others_go_together() -> None:
    work = Work()
    together = Together(work, most=3)
    first = await asking(together, [1])
    await asyncio.sleep(0)
    rest = await asking(together, [2, 3, 4, 5])
    work.goes_on.set()
    assert await asyncio.gather(*first, *rest) == [-1, -2, -3, -4, -5]
    assert work.asked == [[1], [2, 3, 4], [5]]


async def test_a_fault_is_everybodys_of_that_question_and_nobodys_of_the_next() -> None:
    work = Work()
    together = Together(work, most=10)
    work.fault = Unavailable("Redis is away.", dependency="redis")
    tasks = await asking(together, [1, 2])
    work.goes_on.set()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in told)
    work.fault = None
    assert await together(3) == -3


async def test_who_leaves_keeps_nobody_waiting() -> None:
    work = Work()
    together = Together(work, most=10)
    gone, stays = await asking(together, [1, 2])
    gone.cancel()
    work.goes_on.set()
    assert await stays == -2
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_what_is_done_for_all_is_done_in_nobodys_name() -> None:
    work = Work()
    work.goes_on.set()
    with structlog.contextvars.bound_contextvars(caller="ops"):
        await Together(work, most=10)(1)
    assert work.callers == [None]
