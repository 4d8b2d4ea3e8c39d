"""What producers, workers and operators do to a queue, each done to Redis and to the model, and the two compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import cast

import pytest
from redis.exceptions import ResponseError

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
FOREIGN = ("foreign-0", "foreign-1")
LONG, MOMENT = 60_000, 1
SKEW = 120_001


@dataclass(frozen=True)
class Holding:
    """A claim as its worker knows it, who may have lost it since."""

    row: ClaimedRow
    token: str
    queue: str


class Fate(Enum):
    """Of a worker that claims."""

    holds = auto()
    is_late = auto()
    """Its leases run out while it lives."""
    dies = auto()
    loses_answer = auto()


@dataclass(frozen=True)
class End:
    """How a run ends. ``delay`` in ms."""

    outcome: str
    delay: int = 0
    burn: bool = False
    untraced: bool = False


@dataclass(frozen=True)
class Asking:
    """What is asked for at once. ``delay`` and ``ceiling`` in ms."""

    ids: Sequence[str]
    priority: str
    delay: int = 0
    meaning: str = ""
    ceiling: int = 0
    batch: str = ""


class Play:
    """``slack`` is how many ms the last step took, for times the model can only guess."""

    def __init__(self, plain: PlainQueue, model: Model) -> None:
        self.plain, self.redis, self.model = plain, plain.redis, model
        self.numbers = count(1)
        self.holdings: dict[str, list[Holding]] = {worker: [] for worker in WORKERS}
        self.unanswered: dict[str, TurnRequest] = {}
        self.slack = 0

    def compare(self) -> None:
        """Raise ``AssertionError`` where Redis and the model differ."""
        Observed(self.plain, self.model, self.slack).agree(QUEUES)
        self.slack = 0

    def _took(self, began: int) -> None:
        self.slack = self.plain.now() - began

    # --- producers --------------------------------------------------------------------------------------------------

    def enqueue(self, asking: Asking) -> None:
        delay = HOUR if asking.meaning == "debounce" else asking.delay
        items = [
            Item(
                job_id,
                WORK,
                f'{{"number":{next(self.numbers)}}}',
                "f",
                DEALS[job_id],
                priority=asking.priority,
                delay=delay,
                meaning=asking.meaning,
                ceiling=asking.ceiling,
                batch=asking.batch,
            )
            for job_id in asking.ids
        ]
        then = Item(f"after:{asking.batch}", AFTER, "{}", "f", "deal-a", priority=asking.priority, meaning="again")
        request = EnqueueRequest(items, BatchOpening(asking.batch, then) if asking.batch else None)
        if asking.batch in self.model.batches and self.model.batches[asking.batch].fired:
            with pytest.raises(ResponseError, match="BATCHENDED"):
                self.plain.run(ENQUEUE, request)
            return
        if asking.batch:
            self.model.open_batch(asking.batch, then)
        now = self.plain.now()
        new = self.plain.run(ENQUEUE, request)
        self._took(now)
        assert new == [int(self.model.enqueue(item, now)) for item in items]
        if any(fresh and self.model.live[item.id].score <= now for item, fresh in zip(items, new, strict=True)):
            assert self.redis.llen(f"{WORK}:wake") == 1

    def enqueue_as_arq_does(self, job_id: str, delay: int) -> None:
        if job_id in self.model.live:
            return
        now, payload = self.plain.now(), f'{{"number":{next(self.numbers)}}}'
        self.redis.delete(f"arq:result:{job_id}")
        self.redis.psetex(f"arq:job:{job_id}", 24 * HOUR, payload)
        self.redis.zadd(WORK, {job_id: now + delay})
        job = Live(job_id, WORK, "", payload, "low", now + delay, now + delay, score=now + delay, foreign=True)
        self.model.live[job_id] = job

    # --- workers ----------------------------------------------------------------------------------------------------

    def claim(self, worker: str, queue: str, *, wanted: int, running: int, fate: Fate) -> None:
        self._turn(self._request(worker, queue, wanted, running, fate=fate), hears=fate is not Fate.loses_answer)

    def finish(self, worker: str, ends: Sequence[tuple[int, End]], *, wanted: int, running: int, hears: bool) -> None:
        """``ends``: which of what it ever claimed, counted from the last, and how."""
        queue = self.holdings[worker][-1].queue
        held = [holding for holding in self.holdings[worker] if holding.queue == queue]
        finishing = [self._ending(held[-1 - place % len(held)], end) for place, end in ends]
        once = list({ending.id: ending for ending in finishing}.values())
        self._turn(self._request(worker, queue, wanted, running, finishing=once), hears=hears)

    def ask_for_lost_answer(self, worker: str) -> None:
        request = self.unanswered[worker]
        request.repeated = True
        self._turn(request, hears=True)

    def _request(
        self,
        worker: str,
        queue: str,
        wanted: int,
        running: int,
        *,
        fate: Fate = Fate.holds,
        finishing: Sequence[Ending] = (),
    ) -> TurnRequest:
        return TurnRequest(
            queue=queue,
            worker=worker,
            registered_ms=MOMENT if fate is Fate.dies else LONG,
            seq=next(self.numbers),
            repeated=False,
            wanted=wanted,
            running=running,
            lease=MOMENT if fate in (Fate.is_late, Fate.dies) else LONG,
            per_deal=self.model.per_deal,
            limit=self.model.limit,
            keep_completed=self.model.keep["completed"],
            keep_failed=self.model.keep["failed"],
            finishing=finishing,
        )

    def _ending(self, holding: Holding, end: End) -> Ending:
        row, foreign = holding.row, holding.row.id in FOREIGN
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
        if request.wanted:
            self.redis.lpop(f"{request.queue}:wake")
        reply, claims = self.plain.turn(request)
        verdict = Turn(self.model, request, reply, {row.id: payload for row, payload in claims})
        verdict.judge(self._found())
        if hears:
            # What has ended stays in hand as well: reporting it twice must change nothing.
            token = f"{request.worker}#{request.seq}"
            self.holdings[request.worker] += [Holding(row, token, request.queue) for row, _ in claims]
            self.unanswered.pop(request.worker, None)
        else:
            self.unanswered[request.worker] = request
        self._marker_tells_others(request, reply)
        if not request.repeated and not verdict.looks_again:
            self._next_due_is_true(request, reply)
        if request.lease == MOMENT:
            self.plain.wait_until_after(reply.now + MOMENT)

    def _found(self) -> dict[str, Found]:
        names = [*self.model.live, *(batch.callback.id for batch in self.model.batches.values())]
        with self.redis.pipeline(transaction=False) as together:
            for name in names:
                together.hmget(f"dealpulse:job:{name}", ["run", "state"])
                together.zscore(AFTER if name.startswith("after:") else WORK, name)
            answers = together.execute()
        return {
            name: Found((row[0] or b"").decode(), (row[1] or b"").decode(), int(score or 0))
            for name, row, score in zip(names, answers[::2], answers[1::2], strict=True)
        }

    def _marker_tells_others(self, request: TurnRequest, reply: TurnReply) -> None:
        all_wanted = len(reply.claims) >= request.wanted or reply.reserve
        if all_wanted and not self.model.is_paused(request.queue, "") and self.model.due(request.queue, reply.now):
            assert self.redis.llen(f"{request.queue}:wake") == 1

    def _next_due_is_true(self, request: TurnRequest, reply: TurnReply) -> None:
        if len(reply.claims) >= request.wanted:
            return
        scores = [job.score for job in self.model.live.values() if job.queue == request.queue]
        assert reply.next_due == min((score - reply.now for score in scores if score > reply.now), default=-1)

    def heartbeat(self, worker: str, queue: str) -> None:
        pairs = sorted({(held.row.id, held.token) for held in self.holdings[worker] if held.queue == queue})
        now = self.plain.now()
        reply = self.plain.renew(RenewRequest(queue, worker, LONG, ("worker", worker), "", False, LONG, pairs))
        self._took(now)
        self.model.registered_until[worker] = now + LONG
        lost, called_off = [], []
        for job_id, token in pairs:
            job = self.model.live.get(job_id)
            if job is None or job.token != token or job.state != "active":
                lost.append(job_id)
                continue
            job.lease_end = job.score = int(cast(float, self.redis.zscore(queue, job_id)) or 0)
            assert now + LONG <= job.lease_end <= now + LONG + self.slack
            job.called_off = job.called_off or job.aborted
            called_off += [job_id] * job.called_off
        assert (sorted(reply.lost), sorted(reply.called_off)) == (sorted(lost), sorted(called_off))

    # --- operators --------------------------------------------------------------------------------------------------

    def cancel(self, job_id: str) -> None:
        job, now = self.model.live.get(job_id), self.plain.now()
        told = self.plain.run(CANCEL, CancelRequest(job_id))
        self._took(now)
        if job is None or not job.run:
            ended = self.model.latest.get(job_id)
            assert told == (ended.outcome.encode() if ended else None)
            return
        assert told.decode() == ("delayed" if job.state == "waiting" and job.due > now else job.state)
        if job.state == "active":
            job.called_off = True
        else:
            self.model.end(job, "cancelled", now)

    def change(self, job_id: str, *, promote: bool, priority: str) -> None:
        now = self.plain.now()
        self.plain.run(CHANGE, ChangeRequest(job_id, promote, priority))
        self._took(now)
        job = self.model.live.get(job_id)
        if job is not None and job.run:
            self.model.change(job, now, promote=promote, priority=priority)

    def pause(self, queue: str, deal: str, *, paused: bool) -> None:
        self.plain.run(PAUSE, PauseRequest(queue, deal, paused))
        (self.model.paused.add if paused else self.model.paused.discard)(f"{queue} {deal}")
        if deal and not paused:
            assert self.plain.run(RESUME, ResumeRequest(queue, deal)) == 0
            for job in self.model.of(queue, "parked"):
                if job.deal == deal:
                    job.line_up(self.plain.now())

    def bury(self, run: str, *, replay: bool, spacing: int) -> None:
        """``run`` and up to two others of its history, and one that is not known."""
        history = self.model.kept[run].outcome
        others = [kept.run for kept in self.model.kept.values() if (kept.queue, kept.outcome) == (WORK, history)]
        chosen = [run, *(other for other in others if other != run)][:3]
        now = self.plain.now()
        _, *words = self.plain.run(BURY, BuryRequest(WORK, history, [*chosen, "0:nobody"], replay, spacing=spacing))
        self._took(now)
        delay = 0
        for kept, word in zip([self.model.kept[one] for one in chosen], words, strict=False):
            assert word.decode() == self._bury(kept, now, replay=replay, delay=delay)
            delay += spacing if word == b"replayed" else 0
        assert words[-1] == b"unknown"

    def _bury(self, kept: Kept, now: int, *, replay: bool, delay: int) -> str:
        job = self.model.live.get(kept.id)
        if replay and job is not None and job.run:
            return "busy"
        self.model.forget(kept.run)
        if not replay:
            return "discarded"
        self.model.enqueue(Item(kept.id, WORK, kept.payload, "f", kept.deal, priority=kept.priority, delay=delay), now)
        self.model.live[kept.id].foreign = kept.nameless
        return "replayed"

    def abort_as_arq_does(self, job_id: str) -> None:
        now, job = self.plain.now(), self.model.live.get(job_id)
        if job is None:
            self.model.stale_marks.add(job_id)
            now -= SKEW
        else:
            self.model.stale_marks.discard(job_id)
            job.aborted = True
            if job.score > now:
                self.redis.zadd(job.queue, {job_id: 1})
                job.score = 1
        self.redis.zadd("arq:abort", {job_id: now})

    # --- time -------------------------------------------------------------------------------------------------------

    def pass_time(self, job_id: str) -> None:
        """An hour for this job, if it is delayed; a minute for all that are parked."""
        late, job = self.plain.now() - 1, self.model.live[job_id]
        if job.state == "waiting" and job.score > late + 1:
            job.due = job.score = late
            self.redis.zadd(job.queue, {job.id: late})
            if job.run:
                self.redis.hset(f"dealpulse:job:{job.id}", "due", str(late))
                self.redis.zadd(f"{job.queue}:delayed", {job.id: late})
        for parked in [job for queue in QUEUES for job in self.model.of(queue, "parked")]:
            parked.score = late
            self.redis.zadd(parked.queue, {parked.id: late})
