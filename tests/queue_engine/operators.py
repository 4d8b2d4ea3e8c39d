"""What operators do to a queue, and time, each done to Redis and to the model, and the two compared."""

from __future__ import annotations

from dealpulse.queue.scripts import (
    BURY,
    CANCEL,
    CHANGE,
    PAUSE,
    RESUME,
    BuryRequest,
    CancelRequest,
    ChangeRequest,
    Item,
    PauseRequest,
    ResumeRequest,
)
from queue_engine.model import Kept, Model
from queue_engine.observed import Observed
from queue_engine.plain import PlainQueue

WORK, AFTER = "dealpulse:queue:documentProcessing", "dealpulse:queue:dailyBrief"
QUEUES = (WORK, AFTER)
SKEW = 120_001
"""ms; by more than the clocks of two programs may differ."""


class Operators:
    """``slack`` is how many ms the last step took, for times the model can only guess."""

    def __init__(self, plain: PlainQueue, model: Model) -> None:
        self.plain, self.redis, self.model = plain, plain.redis, model
        self.slack = 0

    def compare(self) -> None:
        """Raise ``AssertionError`` where Redis and the model differ."""
        Observed(self.plain, self.model, self.slack).agree(QUEUES)
        self.slack = 0

    def took(self, began: int) -> None:
        """A step that ``began`` then has ended."""
        self.slack = self.plain.now() - began

    def cancel(self, job_id: str) -> None:
        job, now = self.model.live.get(job_id), self.plain.now()
        told = self.plain.run(CANCEL, CancelRequest(job_id))
        self.took(now)
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
        self.took(now)
        job = self.model.live.get(job_id)
        if job is not None and job.run:
            self.model.change(job, now, promote=promote, priority=priority)

    def pause(self, queue: str, deal: str, *, paused: bool) -> None:
        self.plain.run(PAUSE, PauseRequest(queue, deal, paused))
        (self.model.paused.add if paused else self.model.paused.discard)(f"{queue} {deal}")
        if deal and not paused:
            assert self.plain.run(RESUME, ResumeRequest(queue, deal)) == 0
            scores = self.plain.scores(queue)
            for job in self.model.of(queue, "parked"):
                if job.deal == deal:
                    job.return_to_line(self.plain.now(), scores[job.id])

    def bury(self, run: str, *, replay: bool, spacing: int) -> None:
        """``run`` and up to two others of its history, and one that is not known."""
        history = self.model.kept[run].outcome
        others = [kept.run for kept in self.model.kept.values() if (kept.queue, kept.outcome) == (WORK, history)]
        chosen = [run, *(other for other in others if other != run)][:3]
        now = self.plain.now()
        _, *words = self.plain.run(BURY, BuryRequest(WORK, history, [*chosen, "0:nobody"], replay, spacing=spacing))
        self.took(now)
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
