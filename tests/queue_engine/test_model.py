"""Random lives of jobs, through the scripts on a real Valkey, against the model in memory.

After every step the counters equal the sets, and both equal what the model says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis import Redis

from dealpulse.local.stack import Stack
from queue_engine.model import HOUR, Model
from queue_engine.operators import AFTER, WORK
from queue_engine.plain import PlainQueue
from queue_engine.play import DEALS, FOREIGN, WORKERS, Asking, End, Fate, Play

One = TypeVar("One")

priorities = st.sampled_from(("critical", "high", "normal", "low"))
queues = st.sampled_from((WORK, WORK, WORK, WORK, AFTER))
workers = st.sampled_from(WORKERS)
running = st.sampled_from((0, 0, 1))
askings = st.builds(
    Asking,
    st.lists(st.sampled_from(tuple(DEALS)), min_size=1, max_size=6),
    priorities,
    st.sampled_from((0, 0, 0, HOUR)),
    st.sampled_from(("", "", "again", "replace", "missing", "debounce")),
    st.sampled_from((0, HOUR // 2, 5 * HOUR)),
    st.sampled_from(("", "", "batch-0", "batch-1", "batch-2")),
)
fates = st.sampled_from((Fate.holds, Fate.holds, Fate.holds, Fate.is_late, Fate.dies, Fate.loses_answer))
ends = st.sampled_from(
    (
        End("completed"),
        End("completed"),
        End("completed", untraced=True),
        End("failed"),
        End("failed"),
        End("cancelled"),
        End("again"),
        End("again", burn=True),
        End("again", delay=HOUR, burn=True),
    )
)
places = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 5, 8))
"""Mostly what it runs; what has ended long since is told again now and then."""
which = st.integers(0, 59)
"""One of those there are then. What is drawn must not depend on that: it may differ by what falls into one ms."""

STEPS: Mapping[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "enqueue": st.tuples(askings),
    "enqueue_elsewhere": st.tuples(st.sampled_from(FOREIGN), st.sampled_from((0, HOUR))),
    "claim": st.tuples(workers, queues, st.integers(1, 4), running, fates),
    "finish": st.tuples(
        which,
        st.lists(st.tuples(places, ends), min_size=1, max_size=3),
        st.integers(0, 2),
        running,
        st.sampled_from((True, True, False)),
    ),
    "ask_for_lost_answer": st.tuples(which),
    "heartbeat": st.tuples(workers, queues),
    "pass_time": st.tuples(which),
    "cancel": st.tuples(which),
    "abort": st.tuples(which),
    "change": st.tuples(which, st.booleans(), st.just("") | priorities),
    "bury": st.tuples(which, st.booleans(), st.sampled_from((0, HOUR))),
    "pause": st.tuples(queues, st.sampled_from(("deal-a", "deal-b", "deal-a", "deal-b", ""))),
    "resume": st.tuples(which),
}
OFTEN = ("enqueue",) * 3 + ("claim",) * 8 + ("finish",) * 6 + ("ask_for_lost_answer",) * 2 + ("pass_time", "resume")
steps = st.sampled_from((*OFTEN, *STEPS)).flatmap(lambda what: st.tuples(st.just(what), STEPS[what]))


class QueueMachine(RuleBasedStateMachine):
    """One rule, so that every example may do everything, the common more often than the rare."""

    play: Play

    def __init__(self, plain: PlainQueue) -> None:
        super().__init__()
        self._plain = plain

    @initialize(
        per_deal=st.sampled_from((0, 1, 2)),
        limit=st.sampled_from((0, 0, 2, 3)),
        kept=st.sampled_from(((100, 500), (3, 2), (1, 0), (0, 1))),
    )
    def begin(self, per_deal: int, limit: int, kept: tuple[int, int]) -> None:
        self._plain.redis.flushdb()
        keep = {"completed": kept[0], "failed": kept[1], "cancelled": 100}
        self.play = Play(self._plain, Model(per_deal=per_deal, limit=limit, keep=keep))

    @rule(step=steps)
    def step(self, step: tuple[str, tuple[Any, ...]]) -> None:
        what, arguments = step
        getattr(self, f"_{what}")(*arguments)

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        if hasattr(self, "play"):
            self.play.compare()

    def _enqueue(self, asking: Asking) -> None:
        self.play.enqueue(asking)

    def _enqueue_elsewhere(self, job_id: str, delay: int) -> None:
        self.play.enqueue_as_arq_does(job_id, delay)

    def _claim(self, worker: str, queue: str, wanted: int, running: int, fate: Fate) -> None:
        self.play.claim(worker, queue, wanted=wanted, running=running, fate=fate)

    def _finish(self, number: int, how: Sequence[tuple[int, End]], wanted: int, running: int, hears: bool) -> None:
        busy = [name for name in WORKERS if self.play.holdings[name]]
        if busy:
            self.play.finish(pick(busy, number), how, wanted=wanted, running=running, hears=hears)
        else:
            self._claim(pick(WORKERS, number), WORK, wanted + 1, running, Fate.holds)

    def _ask_for_lost_answer(self, number: int) -> None:
        if self.play.unanswered:
            self.play.ask_for_lost_answer(pick(sorted(self.play.unanswered), number))

    def _heartbeat(self, worker: str, queue: str) -> None:
        self.play.heartbeat(worker, queue)

    def _pass_time(self, number: int) -> None:
        if self.play.model.live:
            self.play.pass_time(pick(sorted(self.play.model.live), number))

    def _some_job(self, number: int) -> str:
        return pick([*sorted(self.play.model.live), "job-0", FOREIGN[0], "nobody"], number)

    def _cancel(self, number: int) -> None:
        self.play.cancel(self._some_job(number))

    def _abort(self, number: int) -> None:
        self.play.abort_as_arq_does(self._some_job(number))

    def _change(self, number: int, promote: bool, priority: str) -> None:
        self.play.change(self._some_job(number), promote=promote, priority=priority)

    def _bury(self, number: int, replay: bool, spacing: int) -> None:
        runs = [run.run for run in self.play.model.kept.values() if run.queue == WORK and run.outcome != "completed"]
        if runs:
            self.play.bury(pick(runs, number), replay=replay, spacing=spacing)

    def _pause(self, queue: str, deal: str) -> None:
        self.play.pause(queue, deal, paused=True)

    def _resume(self, number: int) -> None:
        if self.play.model.paused:
            queue, deal = pick(sorted(self.play.model.paused), number).split(" ")
            self.play.pause(queue, deal, paused=False)


def pick(what: Sequence[One], number: int) -> One:
    return what[number % len(what)]


@pytest.fixture
def plain(stack: Stack) -> Iterator[PlainQueue]:
    with Redis.from_url(stack.redis_url) as redis:
        yield PlainQueue(redis)


def test_every_history_of_a_queue_is_one_the_model_allows(plain: PlainQueue) -> None:
    run_state_machine_as_test(
        lambda: QueueMachine(plain),  # type: ignore[arg-type]  # what makes a machine does as well as its class
        settings=settings(stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)),
    )
