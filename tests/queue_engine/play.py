"""What producers and workers do to a queue, each done to Redis and to the model, and the two compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import cast

import pytest
from redis.exceptions import ResponseError

from dealpulse.queue.scripts import (
    ENQUEUE,
    BatchOpening,
    ClaimedRow,
    Ending,
    EnqueueRequest,
    Item,
    RenewRequest,
    TurnReply,
    TurnRequest,
)
from queue_engine.model import HOUR, Live, Model
from queue_engine.operators import AFTER, WORK, Operators
from queue_engine.plain import PlainQueue
from queue_engine.turns import Found, Turn

WORKERS = ("anna", "bert", "carl")
DEALS = {f"job-{number}": ("deal-a", "deal-b", "")[number % 3] for number in range(9)}
FOREIGN = ("foreign-0", "foreign-1")
LONG, MOMENT = 60_000, 1


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


class Play(Operators):
    """The whole of it."""

    def __init__(self, plain: PlainQueue, model: Model) -> None:
        super().__init__(plain, model)
        self.numbers = count(1)
        self.holdings: dict[str, list[Holding]] = {worker: [] for worker in WORKERS}
        self.unanswered: dict[str, TurnRequest] = {}

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
        self.took(now)
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
        """``ends``: which of what it ever claimed, those first that it still runs, and how."""
        held = sorted(self.holdings[worker], key=self._is_lost)
        held = [holding for holding in held if holding.queue == held[0].queue]
        finishing = [self._ending(held[place % len(held)], end) for place, end in ends]
        once = list({ending.id: ending for ending in finishing}.values())
        self._turn(self._request(worker, held[0].queue, wanted, running, finishing=once), hears=hears)

    def _is_lost(self, holding: Holding) -> bool:
        job = self.model.live.get(holding.row.id)
        return job is None or job.state != "active" or job.token != holding.token

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
        self.took(now)
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
