"""The offline engine: never mistaken for Claude, never in the event loop's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

import pytest

from ai.lease import OFFLINE_LEASE, Lease, lease_question
from dealpulse.ai.local import LOCAL_MODEL, LocalEngine
from dealpulse.errors import Permanent
from dealpulse.models import Confidence, EngineName, Origin, Usage


@pytest.fixture
async def local() -> AsyncIterator[LocalEngine]:
    async with aclosing(LocalEngine()) as engine:
        yield engine


async def test_an_answer_is_labelled_local_of_low_confidence_and_free(local: LocalEngine) -> None:
    given = await local.ask(lease_question())
    origin = Origin(engine=EngineName.local, model=LOCAL_MODEL, confidence=Confidence.low)
    assert given.value == OFFLINE_LEASE
    assert given.origin == origin
    assert given.usage == Usage(operation="read_lease", origin=origin)


async def test_the_event_loop_turns_while_an_answer_is_worked_out(local: LocalEngine) -> None:
    released = threading.Event()
    asking = asyncio.create_task(local.ask(replace(lease_question(), offline=_after(released))))
    asyncio.get_running_loop().call_soon(released.set)
    assert (await asking).value == OFFLINE_LEASE


async def test_at_most_two_answers_are_worked_out_at_once(local: LocalEngine) -> None:
    released = threading.Event()
    begun = threading.Semaphore(0)
    question = replace(lease_question(), offline=_after(released, begun))
    asking = [asyncio.create_task(local.ask(question)) for _ in range(5)]
    for _ in range(2):
        assert await asyncio.to_thread(begun.acquire, timeout=5)
    assert not begun.acquire(blocking=False)
    released.set()
    assert len(await asyncio.gather(*asking)) == 5


async def test_a_fault_in_the_offline_answer_is_permanent_and_keeps_its_cause(local: LocalEngine) -> None:
    def fails() -> Lease:
        raise ZeroDivisionError("secret figures")

    with pytest.raises(Permanent) as raised:
        await local.ask(replace(lease_question(), offline=fails))
    assert raised.value.code == "offline_failed"
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert "secret figures" not in raised.value.message


async def test_our_own_errors_pass_unchanged(local: LocalEngine) -> None:
    problem = Permanent("nothing to read", code="no_text")

    def fails() -> Lease:
        raise problem

    with pytest.raises(Permanent) as raised:
        await local.ask(replace(lease_question(), offline=fails))
    assert raised.value is problem


async def test_closing_leaves_no_thread_behind() -> None:
    engine = LocalEngine()
    await engine.ask(lease_question())
    await engine.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("offline-engine")]


def _after(released: threading.Event, begun: threading.Semaphore | None = None) -> Callable[[], Lease]:
    def answers() -> Lease:
        if begun is not None:
            begun.release()
        assert released.wait(timeout=5)
        return OFFLINE_LEASE

    return answers
