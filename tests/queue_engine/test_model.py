"""Random lives of jobs, through the scripts on a real Valkey, against the model in memory.

After every step the counters equal the sets, and both equal what the model says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from redis import Redis

from dealpulse.local.stack import Stack
from queue_engine.model import HOUR, Model
from queue_engine.plain import PlainQueue
from queue_engine.play import AFTER, DEALS, FOREIGN, WORK, WORKERS, Asking, End, Fate, Play

Drawn = TypeVar("Drawn")

priorities = st.sampled_from(("critical", "high", "normal", "low"))
queues = st.sampled_from((WORK, WORK, WORK, WORK, AFTER))
workers = st.sampled_from(WORKERS)
running = st.sampled_from((0, 0, 1))
askings = st.builds(
    Asking,
    st.lists(st.sampled_from(tuple(DEALS)), min_size=1, max_size=4),
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
"""Mostly what it claimed last; what has ended long since is told again now and then."""


class Draw(Protocol):
    def __call__(self, strategy: st.SearchStrategy[Drawn]) -> Drawn: ...


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

    @rule(
        what=st.sampled_from(
            ("enqueue",) * 4
            + ("claim",) * 5
            + ("finish",) * 6
            + ("enqueue_elsewhere", "heartbeat", "ask_for_lost_answer", "pass_time", "pass_time")
            + ("cancel", "abort", "change", "bury", "pause", "resume", "resume")
        ),
        data=st.data(),
    )
    def step(self, what: str, data: st.DataObject) -> None:
        getattr(self, f"_{what}")(data.draw)

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        if hasattr(self, "play"):
            self.play.compare()

    def _enqueue(self, draw: Draw) -> None:
        self.play.enqueue(draw(askings))

    def _enqueue_elsewhere(self, draw: Draw) -> None:
        self.play.enqueue_as_arq_does(draw(st.sampled_from(FOREIGN)), draw(st.sampled_from((0, HOUR))))

    def _claim(self, draw: Draw) -> None:
        worker, queue, wanted = draw(workers), draw(queues), draw(st.integers(1, 4))
        self.play.claim(worker, queue, wanted=wanted, running=draw(running), fate=draw(fates))

    def _finish(self, draw: Draw) -> None:
        busy = [name for name in WORKERS if self.play.holdings[name]]
        if not busy:
            return self._claim(draw)
        how = draw(st.lists(st.tuples(places, ends), min_size=1, max_size=3))
        wanted, hears = draw(st.integers(0, 2)), draw(st.sampled_from((True, True, False)))
        return self.play.finish(draw(st.sampled_from(busy)), how, wanted=wanted, running=draw(running), hears=hears)

    def _ask_for_lost_answer(self, draw: Draw) -> None:
        if not self.play.unanswered:
            return self._claim(draw)
        return self.play.ask_for_lost_answer(draw(st.sampled_from(sorted(self.play.unanswered))))

    def _heartbeat(self, draw: Draw) -> None:
        self.play.heartbeat(draw(workers), draw(queues))

    def _some_job(self, draw: Draw) -> str:
        return draw(st.sampled_from([*sorted(self.play.model.live), "job-0", FOREIGN[0], "nobody"]))

    def _cancel(self, draw: Draw) -> None:
        self.play.cancel(self._some_job(draw))

    def _abort(self, draw: Draw) -> None:
        self.play.abort_as_arq_does(self._some_job(draw))

    def _change(self, draw: Draw) -> None:
        promote, priority = draw(st.booleans()), draw(st.just("") | priorities)
        self.play.change(self._some_job(draw), promote=promote, priority=priority)

    def _bury(self, draw: Draw) -> None:
        runs = [run.run for run in self.play.model.kept.values() if run.queue == WORK and run.outcome != "completed"]
        if runs:
            spacing = draw(st.just(0) | st.just(HOUR))
            self.play.bury(draw(st.sampled_from(runs)), replay=draw(st.booleans()), spacing=spacing)

    def _pause(self, draw: Draw) -> None:
        self.play.pause(draw(queues), draw(st.sampled_from(("", "deal-a", "deal-b"))), paused=True)

    def _resume(self, draw: Draw) -> None:
        if self.play.model.paused:
            queue, deal = draw(st.sampled_from(sorted(self.play.model.paused))).split(" ")
            self.play.pause(queue, deal, paused=False)

    def _pass_time(self, draw: Draw) -> None:
        if self.play.model.live:
            self.play.pass_time(draw(st.sampled_from(sorted(self.play.model.live))))


@pytest.fixture
def plain(stack: Stack) -> Iterator[PlainQueue]:
    with Redis.from_url(stack.redis_url) as redis:
        yield PlainQueue(redis)


def test_every_history_of_a_queue_is_one_the_model_allows(plain: PlainQueue) -> None:
    run_state_machine_as_test(
        lambda: QueueMachine(plain),  # type: ignore[arg-type]  # what makes a machine does as well as its class
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
