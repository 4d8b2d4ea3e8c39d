"""Random lives of jobs, through the scripts on a real Valkey, against the model in memory.

After every step the counters equal the sets, and both equal what the model says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from redis import Redis
from redis.exceptions import ResponseError

from dealpulse.local.stack import Stack
from dealpulse.queue.scripts import (
    BURY,
    CANCEL,
    CHANGE,
    ENQUEUE,
    PAUSE,
    RESUME,
    BatchOpening,
    BuryRequest,
    CancelRequest,
    ChangeRequest,
    ClaimedRow,
    Ending,
    EnqueueRequest,
    Item,
    PauseRequest,
    RenewRequest,
    ResumeRequest,
    TurnReply,
    TurnRequest,
)
from queue_engine.model import HOUR, Kept, Live, Model
from queue_engine.observed import Observed
from queue_engine.plain import PlainQueue
from queue_engine.turns import Found, Turn

WORK, AFTER = "dealpulse:queue:documentProcessing", "dealpulse:queue:dailyBrief"
QUEUES = (WORK, AFTER)
WORKERS = ("anna", "bert", "carl")
DEALS = {f"job-{number}": ("deal-a", "deal-b", "")[number % 3] for number in range(9)}
JOBS, FOREIGN = tuple(DEALS), ("foreign-0", "foreign-1")
LONG, MOMENT = 60_000, 1

job_ids = st.sampled_from(JOBS)
priorities = st.sampled_from(("critical", "high", "normal", "low"))
queues = st.sampled_from((WORK, WORK, WORK, AFTER))
workers = st.sampled_from(WORKERS)
deals = st.sampled_from(("deal-a", "deal-b"))
positions = st.lists(st.integers(0, 20), max_size=3, unique=True)


@dataclass(frozen=True)
class Holding:
    """A claim as its worker knows it, who may have lost it since."""

    row: ClaimedRow
    token: str
    queue: str


@dataclass(frozen=True)
class End:
    outcome: str
    delay: int = 0
    burn: bool = False
    untraced: bool = False


ends = st.sampled_from(
    (
        End("completed"),
        End("completed"),
        End("completed", untraced=True),
        End("failed"),
        End("cancelled"),
        End("again"),
        End("again", burn=True),
        End("again", delay=HOUR, burn=True),
        End("again", delay=HOUR),
    )
)


class QueueMachine(RuleBasedStateMachine):
    def __init__(self, plain: PlainQueue) -> None:
        super().__init__()
        self.plain = plain
        self.slack = 0
        self.numbers = count(1)
        self.holdings: dict[str, list[Holding]] = {worker: [] for worker in WORKERS}
        self.unanswered: dict[str, TurnRequest] = {}

    @initialize(
        per_deal=st.sampled_from((0, 1, 2)),
        limit=st.sampled_from((0, 0, 2, 3)),
        kept=st.sampled_from(((100, 500), (3, 2), (1, 0), (0, 1))),
    )
    def begin(self, per_deal: int, limit: int, kept: tuple[int, int]) -> None:
        self.plain.redis.flushdb()
        keep = {"completed": kept[0], "failed": kept[1], "cancelled": 100}
        self.model = Model(per_deal=per_deal, limit=limit, keep=keep)

    # --- asking for work --------------------------------------------------------------------------------------------

    def _item(self, job_id: str, *, priority: str, delay: int, meaning: str = "", batch: str = "") -> Item:
        payload = f'{{"number":{next(self.numbers)}}}'
        ceiling = HOUR // 2 * (next(self.numbers) % 3)
        if meaning == "debounce":
            delay = HOUR
        return Item(
            job_id,
            WORK,
            payload,
            "f",
            DEALS[job_id],
            priority=priority,
            delay=delay,
            meaning=meaning,
            ceiling=ceiling,
            batch=batch,
        )

    @rule(
        ids=st.lists(job_ids, min_size=1, max_size=4),
        priority=priorities,
        delay=st.sampled_from((0, 0, HOUR)),
        meaning=st.sampled_from(("", "", "again", "replace", "missing", "debounce")),
        batch=st.sampled_from((None, None, 0, 1)),
    )
    def enqueue(self, ids: list[str], priority: str, delay: int, meaning: str, batch: int | None) -> None:
        opening, name = None, ""
        if batch is not None and meaning != "missing":
            name = f"batch-{batch}"
            then = Item(f"after:{name}", AFTER, f'{{"after":"{name}"}}', "f", "deal-a", priority=priority)
            opening = BatchOpening(name, then)
        items = [self._item(one, priority=priority, delay=delay, meaning=meaning, batch=name) for one in ids]
        known = self.model.batches.get(name)
        now = self._begin()
        if known is not None and known.fired:
            with pytest.raises(ResponseError, match="BATCHENDED"):
                self.plain.run(ENQUEUE, EnqueueRequest(items, opening))
            return
        if opening is not None and opening.callback is not None:
            self.model.open_batch(name, opening.callback)
        new = self.plain.run(ENQUEUE, EnqueueRequest(items, opening))
        self._end(now)
        assert new == [int(self.model.enqueue(item, now)) for item in items]
        if any(self.model.live[item.id].score <= now and fresh for item, fresh in zip(items, new, strict=True)):
            assert self.plain.redis.llen(f"{WORK}:wake") == 1

    @rule(job_id=st.sampled_from(FOREIGN), delay=st.sampled_from((0, HOUR)))
    def enqueue_as_arq_does(self, job_id: str, delay: int) -> None:
        if job_id in self.model.live:
            return
        redis, now = self.plain.redis, self.plain.now()
        redis.delete(f"arq:result:{job_id}")
        payload = f'{{"number":{next(self.numbers)}}}'
        redis.psetex(f"arq:job:{job_id}", 24 * HOUR, payload)
        redis.zadd(WORK, {job_id: now + delay})
        job = Live(job_id, WORK, "", payload, "low", now + delay, now + delay, score=now + delay, foreign=True)
        self.model.live[job_id] = job

    # --- turns ------------------------------------------------------------------------------------------------------

    @rule(
        worker=workers,
        queue=queues,
        wanted=st.integers(0, 4),
        running=st.sampled_from((0, 0, 1)),
        ended=positions,
        end=st.lists(ends, min_size=3, max_size=3),
        fate=st.sampled_from(("holds", "holds", "holds", "lapses", "crashes", "hears nothing")),
    )
    def take_turn(
        self, worker: str, queue: str, wanted: int, running: int, ended: list[int], end: list[End], fate: str
    ) -> None:
        held = [holding for holding in self.holdings[worker] if holding.queue == queue]
        chosen = [held[position] for position in ended if position < len(held)]
        request = TurnRequest(
            queue=queue,
            worker=worker,
            registered_ms=MOMENT if fate == "crashes" else LONG,
            seq=next(self.numbers),
            repeated=False,
            wanted=wanted,
            running=running,
            lease=MOMENT if fate in ("lapses", "crashes") else LONG,
            per_deal=self.model.per_deal,
            limit=self.model.limit,
            keep_completed=self.model.keep["completed"],
            keep_failed=self.model.keep["failed"],
            finishing=[self._ending(holding, how) for holding, how in zip(chosen, end, strict=False)],
        )
        if wanted:
            self.plain.redis.lpop(f"{queue}:wake")
        self._turn(request, hears=fate != "hears nothing")

    def _ending(self, holding: Holding, end: End) -> Ending:
        row = holding.row
        foreign = row.id in FOREIGN
        return Ending(
            row.id,
            holding.token,
            end.outcome,
            row.run,
            row.deal,
            row.attempt,
            row.due,
            delay=end.delay,
            burn=end.burn,
            fn="f" if foreign else None,
            arq="{}",
            untraced=end.untraced and foreign,
        )

    def _turn(self, request: TurnRequest, *, hears: bool) -> None:
        reply, claims = self.plain.turn(request)
        verdict = Turn(self.model, request, reply, {row.id: payload for row, payload in claims})
        verdict.judge(self._found())
        token = f"{request.worker}#{request.seq}"
        if hears:
            # What has ended stays in hand as well: reporting it twice must change nothing.
            self.holdings[request.worker] += [Holding(row, token, request.queue) for row, _ in claims]
            self.unanswered.pop(request.worker, None)
        else:
            self.unanswered[request.worker] = request
        if request.lease == MOMENT:
            self.plain.wait_until_after(reply.now + MOMENT)
        self._marker_tells_others(request, reply)
        self._next_due_is_true(request, reply, looks_again=verdict.looks_again)

    def _found(self) -> dict[str, Found]:
        names = [*self.model.live, *(batch.callback.id for batch in self.model.batches.values())]
        with self.plain.redis.pipeline(transaction=False) as together:
            for name in names:
                together.hmget(f"dealpulse:job:{name}", "run", "state")
                together.zscore(AFTER if name.startswith("after:") else WORK, name)
            answers = together.execute()
        return {
            name: Found((row[0] or b"").decode(), (row[1] or b"").decode(), int(score or 0))
            for name, row, score in zip(names, answers[::2], answers[1::2], strict=True)
        }

    def _marker_tells_others(self, request: TurnRequest, reply: TurnReply) -> None:
        all_wanted = len(reply.claims) >= request.wanted or reply.reserve
        if all_wanted and not self.model.is_paused(request.queue, "") and self.model.due(request.queue, reply.now):
            assert self.plain.redis.llen(f"{request.queue}:wake") == 1

    def _next_due_is_true(self, request: TurnRequest, reply: TurnReply, *, looks_again: bool) -> None:
        if len(reply.claims) >= request.wanted:
            return
        later = [job.score for job in self.model.live.values() if job.queue == request.queue and job.score > reply.now]
        if not request.repeated and not looks_again:
            assert reply.next_due == min((score - reply.now for score in later), default=-1)

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def ask_for_a_lost_answer(self, data: st.DataObject) -> None:
        request = self.unanswered[data.draw(st.sampled_from(sorted(self.unanswered)))]
        request.repeated = True
        self._turn(request, hears=True)

    @rule(worker=workers, queue=queues)
    def heartbeat(self, worker: str, queue: str) -> None:
        held = [holding for holding in self.holdings[worker] if holding.queue == queue]
        pairs = sorted({(holding.row.id, holding.token) for holding in held})
        now = self.plain.now()
        reply = self.plain.renew(RenewRequest(queue, worker, LONG, ("worker", worker), "", False, LONG, pairs))
        self.slack = self.plain.now() - now
        self.model.registered_until[worker] = now + LONG
        lost, called_off = [], []
        for job_id, token in pairs:
            job = self.model.live.get(job_id)
            if job is None or job.token != token or job.state != "active":
                lost.append(job_id)
                continue
            job.lease_end = job.score = int(self.plain.redis.zscore(queue, job_id) or 0)
            assert now + LONG <= job.lease_end <= now + LONG + self.slack
            job.called_off = job.called_off or job.aborted
            called_off += [job_id] * job.called_off
        assert (sorted(reply.lost), sorted(reply.called_off)) == (sorted(lost), sorted(called_off))

    # --- what operators do ------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from((*JOBS, *FOREIGN, "after:batch-0")))
        job, now = self.model.live.get(job_id), self._begin()
        told = self.plain.run(CANCEL, CancelRequest(job_id))
        self._end(now)
        if job is None or not job.run:
            ended = self.model.latest.get(job_id)
            assert told == (ended.outcome.encode() if ended else None)
            return
        assert told.decode() == ("delayed" if job.state == "waiting" and job.due > now else job.state)
        if job.state == "active":
            job.called_off = True
        else:
            self.model.end(job, "cancelled", now)

    @rule(job_id=st.sampled_from((*JOBS, *FOREIGN)), promote=st.booleans(), priority=st.one_of(st.just(""), priorities))
    def change(self, job_id: str, promote: bool, priority: str) -> None:
        now = self._begin()
        self.plain.run(CHANGE, ChangeRequest(job_id, promote, priority))
        self._end(now)
        job = self.model.live.get(job_id)
        if job is not None and job.run:
            self.model.change(job, now, promote=promote, priority=priority)

    @rule(queue=queues, deal=st.one_of(st.just(""), deals), paused=st.booleans())
    def pause_or_resume(self, queue: str, deal: str, paused: bool) -> None:
        self.plain.run(PAUSE, PauseRequest(queue, deal, paused))
        (self.model.paused.add if paused else self.model.paused.discard)(f"{queue} {deal}")
        if deal and not paused:
            assert self.plain.run(RESUME, ResumeRequest(queue, deal)) == 0
            for job in self.model.of(queue, "parked"):
                if job.deal == deal:
                    job.line_up(self.plain.now())

    @precondition(lambda self: any(run.outcome != "completed" for run in self.model.kept.values()))
    @rule(data=st.data(), replay=st.booleans(), spacing=st.sampled_from((0, HOUR)))
    def replay_or_discard(self, data: st.DataObject, replay: bool, spacing: int) -> None:
        runs = sorted(run.run for run in self.model.kept.values() if run.outcome != "completed" and run.queue == WORK)
        if not runs:
            return
        first = self.model.kept[data.draw(st.sampled_from(runs))]
        chosen = [run for run in runs if self.model.kept[run].outcome == first.outcome][:3]
        now = self._begin()
        request = BuryRequest(WORK, first.outcome, [*chosen, "0:nobody"], replay, spacing=spacing)
        _, *words = self.plain.run(BURY, request)
        self._end(now)
        expected, delay = [], 0
        for kept in [self.model.kept[run] for run in chosen]:
            expected.append(self._bury(kept, now, replay=replay, delay=delay))
            delay += spacing if expected[-1] == b"replayed" else 0
        assert words == [*expected, b"unknown"]

    def _bury(self, kept: Kept, now: int, *, replay: bool, delay: int) -> bytes:
        job = self.model.live.get(kept.id)
        if replay and job is not None and job.run:
            return b"busy"
        self.model.forget(kept.run)
        if not replay:
            return b"discarded"
        item = Item(kept.id, WORK, kept.payload, "f", kept.deal, priority=kept.priority, delay=delay)
        self.model.enqueue(item, now)
        self.model.live[kept.id].foreign = kept.nameless
        return b"replayed"

    @rule(job_id=st.sampled_from((*JOBS, *FOREIGN)))
    def abort_as_arq_does(self, job_id: str) -> None:
        now, job = self.plain.now(), self.model.live.get(job_id)
        if job is None:
            self.model.stale_marks.add(job_id)
        else:
            self.model.stale_marks.discard(job_id)
            job.aborted = True
            if job.score > now:
                self.plain.redis.zadd(job.queue, {job_id: 1})
                job.score = 1
        self.plain.redis.zadd("arq:abort", {job_id: now})
        self.plain.wait_until_after(now)

    # --- time passes ------------------------------------------------------------------------------------------------

    @rule(job_id=st.sampled_from((*JOBS, *FOREIGN)))
    def a_delay_passes(self, job_id: str) -> None:
        job = self.model.live.get(job_id)
        if job is None or job.state != "waiting" or job.score <= self.plain.now():
            return
        job.due = job.score = self.plain.now() - 1
        self.plain.redis.zadd(job.queue, {job_id: job.score})
        if job.run:
            self.plain.redis.hset(f"dealpulse:job:{job_id}", "due", job.due)
            self.plain.redis.zadd(f"{job.queue}:delayed", {job_id: job.due})

    @rule()
    def the_minute_of_the_parked_passes(self) -> None:
        for job in self.model.of(WORK, "parked") + self.model.of(AFTER, "parked"):
            job.score = self.plain.now() - 1
            self.plain.redis.zadd(job.queue, {job.id: job.score})

    # --- what holds after every step --------------------------------------------------------------------------------

    def _begin(self) -> int:
        return self.plain.now()

    def _end(self, began: int) -> None:
        self.slack = self.plain.now() - began

    @invariant()
    def redis_holds_what_the_model_says(self) -> None:
        if hasattr(self, "model"):
            Observed(self.plain, self.model, self.slack).agree(QUEUES)
            self.slack = 0


@pytest.fixture
def plain(stack: Stack) -> PlainQueue:
    return PlainQueue(Redis.from_url(stack.redis_url))


def test_every_history_of_a_queue_is_one_the_model_allows(plain: PlainQueue) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: QueueMachine(plain),
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
