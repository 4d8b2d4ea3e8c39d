"""Whether what an engine's turn did is what the model allows, and the model after it."""

from __future__ import annotations

from dataclasses import dataclass

from dealpulse.queue.scripts import ClaimedRow, TurnReply, TurnRequest
from queue_engine.model import ALONE_SCORE, Live, Model

PARKED_MS = 60_000


@dataclass(frozen=True)
class Found:
    """Where a job stands after the turn: its record's run and state, and its score in the queue (0: none)."""

    run: str
    state: str
    score: int


class Turn:
    """One turn of a worker, as the model judges it."""

    def __init__(self, model: Model, request: TurnRequest, reply: TurnReply, payloads: dict[str, str]) -> None:
        self.model, self.request, self.reply, self.payloads = model, request, reply, payloads
        self.now, self.queue = reply.now, request.queue
        self.token = f"{request.worker}#{request.seq}"
        self.freed: set[str] = set()
        """Deals that have had room for another job."""
        self.freed_late: set[str] = set()
        """Those whose room came too late for this turn's claim."""
        self.due: list[Live] = []
        self.order: list[tuple[int, str]] = []
        self.room = request.wanted
        self.looks_again = False
        """Something due was left to the next turn."""

    def judge(self, found: dict[str, Found]) -> None:
        """``found``: every id of the queue."""
        model, request, reply = self.model, self.request, self.reply
        model.registered_until[request.worker] = self.now + request.registered_ms
        refused, self.freed = model.finish(request.finishing, self.now)
        assert sorted(reply.refused) == sorted(refused)
        seq, ids = model.taken.get((self.queue, request.worker), (0, []))
        if request.repeated and request.wanted and seq == request.seq:
            self._repeat(ids)
            self._settle(found, examined=False)
            return
        if request.wanted:
            model.come_due(self.queue, self.now)
        self.due = model.due(self.queue, self.now)
        if model.limit:
            leased = sum(job.lease_end > self.now for job in model.of(self.queue, "active"))
            self.room = max(0, min(request.wanted, model.limit - leased))
        if model.is_paused(self.queue, ""):
            self.room = 0
        self._claim()
        self._settle(found, examined=len(reply.claims) < self.room and not reply.alone and not reply.reserve)
        for deal in {row.deal for row in reply.claims if row.deal and model.per_deal}:
            assert sum(job.deal == deal for job in model.of(self.queue, "active")) <= model.per_deal

    def _repeat(self, ids: list[str]) -> None:
        mine = [self.model.live[name] for name in ids if name in self.model.live]
        mine = [job for job in mine if job.state == "active" and job.token == self.token]
        assert [row.id for row in self.reply.claims] == [job.id for job in mine]
        for job, row in zip(mine, self.reply.claims, strict=True):
            self._lease(job)
            self._told_truly(job, row)
        assert self.reply.alone == any(job.must_be_alone for job in mine)

    # --- claims -----------------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        model, reply = self.model, self.reply
        assert len(reply.claims) <= self.room
        jobs = [model.live[row.id] for row in reply.claims]
        for job, row in zip(jobs, reply.claims, strict=True):
            self._take(job, row)
        alone = [job for job in jobs if job.must_be_alone]
        assert reply.alone == bool(alone)
        if alone:
            assert len(jobs) == 1
            assert self.request.running == 0
        if jobs:
            model.taken[self.queue, self.request.worker] = (self.request.seq, [job.id for job in jobs])

    def _take(self, job: Live, row: ClaimedRow) -> None:
        model = self.model
        readmitted = job.state == "parked" and job.deal in self.freed
        assert job.score <= self.now or readmitted, f"{job.id} is not due"
        if not readmitted:
            self.order.append((job.score, job.id))
        assert not job.called_off
        assert not job.aborted
        assert not (job.deal and model.is_paused(self.queue, job.deal))
        if job.state == "active":
            assert job.lease_end <= self.now, f"{job.id} runs already"
            model.lapse(job, self.now)
            self.freed_late.add(job.deal)
        if not job.run:
            job.run, job.due, job.enqueued = row.run, job.score, job.score
            model.latest.pop(job.id, None)
            model.stale_marks.discard(job.id)
        job.state, job.token = "active", self.token
        job.attempts += 1
        self._lease(job)
        self._told_truly(job, row)
        if job.crashes:
            model.alone.pop(self.queue, None)

    def _lease(self, job: Live) -> None:
        job.lease_end = job.score = self.now + self.request.lease

    def _told_truly(self, job: Live, row: ClaimedRow) -> None:
        job.run = row.run if job.run == "?" else job.run
        told = (row.run, row.deal, row.attempt, row.crashes, row.batches.split(), row.foreign)
        assert told == (job.run, job.deal, job.attempts, job.crashes, job.batches, job.foreign)
        assert self.payloads[job.id] == job.payload
        assert row.size == len(job.payload)

    # --- what was not claimed ---------------------------------------------------------------------------------------

    def _settle(self, found: dict[str, Found], *, examined: bool) -> None:
        """``examined``: everything due was looked at."""
        claimed = {row.id for row in self.reply.claims}
        left = [job for job in self.model.live.values() if job.queue == self.queue and job.id not in claimed]
        lapsed = [job for job in left if job.state == "active" and job.lease_end <= self.now]
        self.freed_late |= {job.deal for job in lapsed if found[job.id].state != "active"}
        self.freed |= self.freed_late
        self.looks_again = self.reply.reserve or bool(self.freed_late - {""})
        for job in left:
            where = found[job.id]
            if job.state == "active" and job.lease_end <= self.now and where.state != "active":
                self.model.lapse(job, self.now)
            self._moved(job, where)
        self._first_come_first_served(left)
        waiting = [job for job in left if job.must_be_alone and job.state == "waiting" and job.id in self.model.live]
        if self.reply.reserve:
            assert waiting
            assert not claimed
            assert self.request.running > 0
            assert self.model.alone.get(self.queue, self.request.worker) == self.request.worker
            self.model.alone[self.queue] = self.request.worker
        if examined:
            self._nothing_forgotten()
        if all(job.id in self.model.live for job in left):
            self._no_room_is_left_over()

    def _no_room_is_left_over(self) -> None:
        """Whatever a deal may run more of has come back from where it was kept back."""
        kept_back = {job.deal for job in self.model.of(self.queue, "parked")}
        for deal in kept_back & self.freed:
            waiting = [job for job in self.model.of(self.queue, "waiting") if job.index == "waiting"]
            ready = sum(job.deal == deal for job in [*waiting, *self.model.of(self.queue, "active")])
            assert self.model.is_paused(self.queue, deal) or ready >= self.model.per_deal > 0

    def _moved(self, job: Live, where: Found) -> None:
        due = job in self.due
        if where.score == 0:
            assert where.state == "cancelled"
            assert due
            assert job.called_off or job.aborted, f"{job} {where}"
            job.run = where.run if job.run in ("", "?") else job.run
            self.model.end(job, "cancelled", self.now)
            return
        if not job.run:
            assert where.score == job.score
            return
        moved = (job.state, where.state)
        if moved[0] == moved[1] and where.score == job.score:
            return
        if moved == ("parked", "waiting") and job.deal in self.freed:
            assert not self.model.is_paused(self.queue, job.deal)
            job.return_to_line(self.now, where.score)
        elif where.state == "parked":
            assert due or job.deal in self.freed
            if moved[0] != "parked":
                assert self.model.is_kept_back(job) or job.deal in self.freed
            assert where.score == self.now + PARKED_MS
            job.state, job.score = "parked", where.score
        elif moved in (("active", "waiting"), ("parked", "waiting")) or where.score == ALONE_SCORE != job.score:
            assert due
            assert job.must_be_alone
            assert self.request.running or self.reply.claims
            job.state, job.index, job.score = "waiting", "waiting", ALONE_SCORE
        elif moved == ("active", "active"):
            assert due
            assert where.score == job.lease_end
            job.called_off, job.score = job.called_off or job.aborted, where.score

    def _first_come_first_served(self, left: list[Live]) -> None:
        """Whoever could have been claimed and was not stands behind all who were."""
        assert self.order == sorted(self.order)
        for job in left:
            passed_over = job in self.due and job.state == "waiting" and job.id in self.model.live
            kept_back = self.model.is_kept_back(job) or job.deal in self.freed_late
            if passed_over and not (kept_back or job.must_be_alone):
                assert all((job.score, job.id) > place for place in self.order), f"{job.id} was passed over"

    def _nothing_forgotten(self) -> None:
        """With room to spare, whatever is due has a reason to be where it is."""
        for job in self.due:
            if job.id not in self.model.live or job.token == self.token or job.deal in self.freed_late:
                continue
            assert not (job.called_off or job.aborted) or job.state == "active"
            if job.state == "active":
                assert job.lease_end > self.now
                assert job.score == job.lease_end
            elif job.state == "parked":
                assert self.model.is_kept_back(job)
                assert job.score > self.now
            else:
                assert job.must_be_alone
                assert self.request.running or self.reply.claims
                assert self.reply.claims or self.model.alone.get(self.queue, self.request.worker) != self.request.worker
