"""Everything Redis holds of the queue after a step, compared with the model."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import msgspec

from dealpulse.queue import keys
from dealpulse.queue.scripts import StatsRow
from queue_engine.model import OUTCOMES, Live, Model
from queue_engine.plain import PlainQueue

_FIELDS = ("state", "due", "enqueued", "run", "priority", "attempts", "crashes", "token", "again", "batch", "cancel")
_OF_A_QUEUE = (
    *("waiting", "delayed", "active", "parked", *OUTCOMES),
    *("earlier", "deals", "totals", "times", "faults", "control", "wake"),
)
_PASSING = re.compile(r".*:(alone|turn:\w+|minute:\d+|hour:\d+)")
_SHARED = {keys.WORKERS, keys.EVENTS, "arq:abort", "dealpulse:amnesty"}


class Observed:
    """Raises ``AssertionError`` where Redis and the model differ."""

    def __init__(self, plain: PlainQueue, model: Model, slack: int) -> None:
        """``slack``: ms the last step took, for times the model could only guess."""
        self._plain, self._model, self._slack = plain, model, slack
        self._key_names = plain.keys()

    def agree(self, queues: tuple[str, ...]) -> None:
        self._records_agree()
        for queue in queues:
            self._history_agrees(queue)
            self._sets_agree(queue)
            self._counters_agree(queue)
        self._batches_agree()
        self._events_agree(queues)
        self._no_key_is_left_over(queues)
        marks = {job.id for job in self._model.live.values() if job.aborted} | self._model.stale_marks
        assert set(self._plain.scores("arq:abort")) == marks

    # --- jobs -------------------------------------------------------------------------------------------------------

    def _records_agree(self) -> None:
        jobs = list(self._model.live.values())
        with self._plain.redis.pipeline(transaction=False) as together:
            for job in jobs:
                together.hmget(keys.RECORD + job.id, list(_FIELDS))
                together.get(f"arq:job:{job.id}")
                together.exists(f"arq:in-progress:{job.id}", f"arq:result:{job.id}")
            answers = together.execute()
        for job, row, payload, flags in zip(jobs, answers[::3], answers[1::3], answers[2::3], strict=True):
            assert payload.decode() == job.payload
            leased = job.state == "active" and job.lease_end > self._plain.now()
            assert flags == int(leased), f"{job.id}: in progress or a result: {flags}"
            if job.run:
                self._record_agrees(job, dict(zip(_FIELDS, (value and value.decode() for value in row), strict=True)))

    def _record_agrees(self, job: Live, row: dict[str, str | None]) -> None:
        if job.run == "?":
            job.run = str(row["run"])
        self._catch_up(job, int(row["due"] or 0), int(row["enqueued"] or 0))
        found = (row["state"], row["run"], row["priority"], int(row["attempts"] or 0), int(row["crashes"] or 0))
        assert found == (job.state, job.run, job.priority, job.attempts, job.crashes), job.id
        assert (row["token"] or "", row["again"], row["cancel"] == "1") == (job.token, job.again, job.called_off)
        assert (row["batch"] or "").split() == job.batches

    def _catch_up(self, job: Live, due: int, enqueued: int) -> None:
        """The model took the time before the step for the time of the step."""
        assert 0 <= due - job.due <= self._slack
        assert 0 <= enqueued - job.enqueued <= self._slack
        if job.state == "waiting" and job.score not in (1, 2):
            job.score += due - job.due
        job.due, job.enqueued = due, enqueued

    # --- sets -------------------------------------------------------------------------------------------------------

    def _sets_agree(self, queue: str) -> None:
        plain, jobs = self._plain, [job for job in self._model.live.values() if job.queue == queue]
        assert plain.scores(queue) == {job.id: job.score for job in jobs}
        lines: dict[str, dict[str, int]] = {"waiting": {}, "delayed": {}}
        for job in jobs:
            if job.state == "waiting" and job.run:
                lines[job.index][job.id] = job.due
        assert plain.scores(f"{queue}:waiting") == lines["waiting"]
        assert plain.scores(f"{queue}:delayed") == lines["delayed"]
        active = self._model.of(queue, "active")
        assert plain.scores(keys.active(queue)) == {job.id: job.lease_end for job in active}
        assert {k: int(v) for k, v in plain.texts(f"{queue}:deals").items()} == Counter(
            job.deal for job in active if job.deal
        )
        parked = self._model.of(queue, "parked")
        assert set(plain.scores(keys.parked(queue))) == {job.id for job in parked}
        for deal in {key.rpartition(":")[2] for key in self._key_names if key.startswith(f"{queue}:parked:")}:
            assert set(plain.scores(keys.parked(queue, deal))) == {job.id for job in parked if job.deal == deal}

    def _history_agrees(self, queue: str) -> None:
        for outcome in OUTCOMES:
            known = {k.run: k for k in self._model.kept.values() if (k.queue, k.outcome) == (queue, outcome)}
            found = set(self._plain.scores(keys.history(queue, outcome)))
            assert found <= set(known)
            assert len(found) == min(len(known), self._model.keep[outcome])
            gone = [run for name, run in known.items() if name not in found]
            youngest = max((run.ended for run in gone), default=0)
            assert all(known[name].ended >= youngest for name in found), "the oldest go first"
            for run in gone:
                self._model.forget(run.run)
            if outcome == "failed":
                self._model.totals[queue]["evicted"] += len(gone)

    def _counters_agree(self, queue: str) -> None:
        model, row = self._model, self._plain.stats(queue)
        now = self._plain.now()
        waits = [job for job in model.of(queue, "waiting") if self._is_due(job, now)]
        lapsed = [job for job in model.of(queue, "active") if job.lease_end <= now]
        assert row.waiting + row.delayed == len(model.of(queue, "waiting")) + len(lapsed)
        if not self._is_blurred(queue, now):
            assert row.waiting == len(waits) + len(lapsed)
        assert row.active == len(model.of(queue, "active")) - len(lapsed)
        assert row.parked == len(model.of(queue, "parked"))
        assert (row.completed, row.failed, row.cancelled) == tuple(
            sum((k.queue, k.outcome) == (queue, outcome) for k in model.kept.values()) for outcome in OUTCOMES
        )
        assert row.paused == model.is_paused(queue, "")
        assert self._totals(row) == +model.totals[queue]

    def _is_blurred(self, queue: str, now: int) -> bool:
        """Foreign jobs are told apart by counting scores, which fails until the next claim puts odd scores right."""
        jobs = [job for job in self._model.live.values() if job.queue == queue]
        odd = any(job.score <= now and (job.state != "waiting" or job.due > now) for job in jobs)
        return odd and any(not job.run for job in jobs)

    @staticmethod
    def _is_due(job: Live, now: int) -> bool:
        return (job.due if job.run else job.score) <= now

    @staticmethod
    def _totals(row: StatsRow) -> Counter[str]:
        totals = Counter(dict(zip(row.totals[::2], map(int, row.totals[1::2]), strict=True)))
        del totals["runs"]
        return totals

    def _batches_agree(self) -> None:
        for name, batch in self._model.batches.items():
            row = self._plain.texts(keys.BATCH + name)
            assert int(row.get("total", 0)) == batch.members
            assert {outcome: int(row[outcome]) for outcome in OUTCOMES if outcome in row} == batch.ended
            assert ("fired" in row) == batch.fired

    def _events_agree(self, queues: tuple[str, ...]) -> None:
        entries: Any = self._plain.redis.xrange(keys.EVENTS)
        told = [event for _, entry in entries for event in msgspec.msgpack.decode(entry[b"e"])]
        kinds = Counter((queue, kind) for kind, queue, *_ in told)
        for queue in queues:
            for kind in (*OUTCOMES, "retried", "crashed"):
                assert kinds[queue, kind] == self._model.totals[queue][kind]

    # --- keys -------------------------------------------------------------------------------------------------------

    def _no_key_is_left_over(self, queues: tuple[str, ...]) -> None:
        model, expected = self._model, set(_SHARED)
        for queue in queues:
            expected |= {queue, *(f"{queue}:{name}" for name in _OF_A_QUEUE)}
            expected |= {keys.parked(queue, job.deal) for job in model.of(queue, "parked")}
        for job in model.live.values():
            expected |= {keys.RECORD + job.id, f"arq:job:{job.id}", f"arq:in-progress:{job.id}"}
        for run in model.kept.values():
            latest = model.latest.get(run.id) is run
            expected.add(keys.RECORD + run.id if latest else keys.EARLIER_RUN + run.run)
        expected |= {keys.BATCH + name for name in model.batches}
        over = {key for key in self._key_names - expected if not _PASSING.fullmatch(key) and not self._is_known(key)}
        assert not over
        records = {key for key in expected if key.startswith((keys.RECORD, keys.EARLIER_RUN, "arq:job:"))}
        missing = records - self._key_names
        assert not {key for key in missing if key.removeprefix(keys.RECORD) not in self._without_record()}

    def _is_known(self, key: str) -> bool:
        """Keys that end by themselves."""
        return key.startswith(("arq:result:", keys.WORKER))

    def _without_record(self) -> set[str]:
        return {job.id for job in self._model.live.values() if not job.run}
