"""The commands for whoever runs the queues: one job, pausing, dead letters, workers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from arq.connections import ArqRedis

from cli.conftest import CommandLine
from dealpulse.alerts.rules import Severity, Told
from dealpulse.errors import Permanent, Transient
from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool
from dealpulse.queue.alert_book import AlertBook, Condition
from dealpulse.queue.outcomes import Again, Claimed, Dead, Outcome
from dealpulse.queue.scripts import RENEW, RenewRequest
from dealpulse.settings import Settings
from queue_engine.endings import claimed, document, drain, succeed
from queue_engine.engines import ended, turn

NOWHERE = "00000000-0000-4000-8000-000000000000"
Act = Callable[[Callable[[QueueClient, ArqRedis], Awaitable[None]]], None]


@pytest.fixture
def act(clean_stack: Stack) -> Act:
    """Plays workers and other programs while no command runs."""

    async def on_redis(what: Callable[[QueueClient, ArqRedis], Awaitable[None]]) -> None:
        pool = await create_pool(Settings.load(environ=clean_stack.environment()).redis)
        try:
            await what(QueueClient(pool), pool)
        finally:
            await pool.aclose(close_connection_pool=True)

    return lambda what: asyncio.run(on_redis(what))


def brief(dealpulse: CommandLine) -> tuple[str, str]:
    """A deal, and its brief that waits."""
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    dealpulse("enqueue", "daily-brief", deal_id, "--date", "2026-11-20")
    return deal_id, f"brief:{deal_id}:2026-11-20"


def real_documents(deal_id: str, count: int) -> list[ProcessDocument]:
    numbers = range(1, count + 1)
    return [ProcessDocument(NOWHERE[:-1] + str(number), deal_id, DocumentOperation.analyze) for number in numbers]


def dead_documents(dealpulse: CommandLine, act: Act) -> list[str]:
    """Three jobs that failed for good, of two faults; the first was the last to fail."""
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    jobs = real_documents(deal_id, 3)
    locked = Permanent("The file is locked.", code="locked")

    async def fail(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue_many(jobs[1:])
        await drain(pool, lambda _: Dead("process_document", Permanent("The file is gone.", code="gone")))
        await client.enqueue(jobs[0])
        await drain(pool, lambda _: Dead("process_document", locked))

    act(fail)
    return [job.id for job in jobs]


def stats(dealpulse: CommandLine) -> dict[str, int]:
    figures = json.loads(dealpulse("stats", "--json").stdout)["documentProcessing"]
    assert isinstance(figures, dict)
    return figures


# --- one job ----------------------------------------------------------------------------------------------------------


def test_a_waiting_job_is_shown_and_cancelled(dealpulse: CommandLine) -> None:
    deal_id, job = brief(dealpulse)
    shown = dealpulse("job", "show", job)
    assert shown.returncode == 0, shown.stderr
    first, *facts = shown.stdout.splitlines()
    assert first == job
    told = dict(line.split(maxsplit=1) for line in facts)
    assert (told["state"], told["queue"], told["deal"]) == ("waiting", "dailyBrief", deal_id)
    assert (told["function"], told["priority"], told["attempts"]) == ("generate_daily_brief", "normal", "0")
    assert dealpulse("job", "cancel", job).stdout == f"{job} was waiting and is cancelled.\n"
    assert "state      cancelled" in dealpulse("job", "show", job).stdout
    again = dealpulse("job", "cancel", job)
    assert (again.returncode, again.stderr) == (1, "Error: The job has ended: it is cancelled.\n")


def test_a_running_job_shows_how_far_it_is_and_what_it_told(dealpulse: CommandLine, act: Act) -> None:
    async def begin(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue(document())
        await turn(pool, "host:7:abc")
        for page in (1, 2):
            await client.note(
                document().id, "host:7:abc#1", percent=20 * page, message=f"page {page}", line=f"read \x1b[31m{page}"
            )

    act(begin)
    job = document().id
    shown = dealpulse("job", "show", job).stdout
    for fact in ("active", "host:7:abc", "40 %", "page 2", "2 lines"):
        assert fact in shown
    lines = dealpulse("job", "log", job).stdout.splitlines()
    assert [line.partition(" UTC  ")[2] for line in lines] == ["read  [31m1", "read  [31m2"], "no escape gets through"
    cancelled = dealpulse("job", "cancel", job)
    assert cancelled.stdout == f"{job} runs: it was told to stop, and is cancelled when it has cleaned up.\n"


def test_a_dead_job_shows_what_went_wrong_each_time(dealpulse: CommandLine, act: Act) -> None:
    def fail(job: Claimed) -> Outcome:
        if job.attempt == 1:
            return Again("process_document", 0, burn=True, error=Transient("Busy.", code="busy"))
        return Dead("process_document", Permanent("The file [/is] gone.", code="gone"))

    async def die(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue(document())
        await drain(pool, fail)

    act(die)
    shown = dealpulse("job", "show", document().id).stdout
    assert "\n  error      Permanent (gone): The file [/is] gone.\n" in shown
    assert "attempt 1 on test: Transient (busy): Busy." in shown
    assert "attempt 2 on test: Permanent (gone): The file [/is] gone." in shown
    as_json = json.loads(dealpulse("job", "show", document().id, "--json").stdout)
    assert [fault["code"] for fault in as_json["faults"]] == ["busy", "gone"]


def test_a_result_is_shown(dealpulse: CommandLine, act: Act) -> None:
    async def complete(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue(document())
        await drain(pool, succeed)

    act(complete)
    shown = dealpulse("job", "show", document().id).stdout
    assert 'result     {"pages":3}' in shown
    assert dealpulse("job", "log", document().id).stdout == "It told nothing.\n"


def test_a_delayed_job_is_promoted(dealpulse: CommandLine, act: Act) -> None:
    async def later(client: QueueClient, _pool: ArqRedis) -> None:
        await client.enqueue(document(), run_at=datetime.now(UTC) + timedelta(hours=1))

    act(later)
    assert "state      delayed" in dealpulse("job", "show", document().id).stdout
    assert dealpulse("job", "promote", document().id).stdout == f"{document().id} is due now; it is waiting.\n"


@pytest.mark.parametrize("command", ["show", "log", "cancel", "promote"])
def test_an_unknown_job_is_one_sentence(dealpulse: CommandLine, command: str) -> None:
    done = dealpulse("job", command, "doc:x:y")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: There is no job 'doc:x:y', or none any more.\n"


# --- pausing ----------------------------------------------------------------------------------------------------------


def test_a_paused_queue_stands_in_the_figures(dealpulse: CommandLine) -> None:
    assert dealpulse("queue", "pause", "document").stdout == "documentProcessing is paused.\n"
    header, _, figures, *_ = dealpulse("stats").stdout.splitlines()
    assert " ".join(header.split()) == "queue waiting active delayed parked completed failed oldest waiting paused"
    assert figures.split()[-1] == "yes"
    assert dealpulse("queue", "resume", "documentProcessing").stdout == "documentProcessing goes on.\n"
    assert not stats(dealpulse)["paused"]


def test_one_deal_is_paused_and_its_jobs_are_parked(dealpulse: CommandLine, act: Act) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()

    async def claim_nothing(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue_many(real_documents(deal_id, 2))
        assert (await turn(pool)).claims == []

    paused = dealpulse("queue", "pause", "document", "--deal", deal_id)
    assert paused.stdout == f"Deal {deal_id} on documentProcessing is paused.\n"
    act(claim_nothing)
    figures = stats(dealpulse)
    assert (figures["parked"], figures["waiting"], figures["paused"]) == (2, 0, False)
    dealpulse("queue", "resume", "document", "--deal", deal_id)
    assert (stats(dealpulse)["parked"], stats(dealpulse)["waiting"]) == (0, 2)


def test_what_cannot_be_paused_is_told(dealpulse: CommandLine) -> None:
    unknown = dealpulse("queue", "pause", "fax")
    assert (unknown.returncode, "source-sync" in unknown.stderr) == (2, True)
    nobody = dealpulse("queue", "pause", "document", "--deal", NOWHERE)
    assert (nobody.returncode, nobody.stderr) == (1, "Error: There is no such deal.\n")


# --- dead letters -----------------------------------------------------------------------------------------------------


def test_dead_letters_are_listed_by_fault_with_whole_ids(dealpulse: CommandLine, act: Act) -> None:
    assert dealpulse("dead", "list", "document").stdout == "There is no dead letter.\n"
    newest, *_ = dead_documents(dealpulse, act)
    header, locked, gone = dealpulse("dead", "list", "document").stdout.splitlines()
    assert " ".join(header.split()) == "group jobs error function first last such as message"
    assert "  1  Permanent (locked)  process_document  " in locked
    assert newest in locked
    assert gone.split()[1] == "2"
    assert gone.endswith("The file is gone.")


def test_one_letter_a_group_and_all_are_replayed(dealpulse: CommandLine, act: Act) -> None:
    first, second, _ = dead_documents(dealpulse, act)
    assert dealpulse("dead", "replay", "document", "--job", second).stdout == "1 queued again.\n"
    locked = dealpulse("dead", "list", "document").stdout.splitlines()[1].split()[0]
    assert dealpulse("dead", "replay", "document", "--group", locked).stdout == "1 queued again.\n"
    assert "state      waiting" in dealpulse("job", "show", first).stdout
    assert dealpulse("dead", "replay", "document", "--all").stdout == "1 queued again.\n"
    assert dealpulse("dead", "replay", "document", "--all").stdout == "0 queued again.\n"
    figures = stats(dealpulse)
    assert (figures["waiting"], figures["failed"]) == (3, 0)


def test_a_lot_is_replayed_at_a_pace(dealpulse: CommandLine, act: Act) -> None:
    dead_documents(dealpulse, act)
    assert dealpulse("dead", "replay", "document", "--all", "--per-second", "0.01").stdout == "3 queued again.\n"
    figures = stats(dealpulse)
    assert (figures["waiting"], figures["delayed"]) == (1, 2)


def test_what_could_not_be_replayed_is_told_and_ends_with_1(dealpulse: CommandLine, act: Act) -> None:
    first, *_ = dead_documents(dealpulse, act)

    async def ask_again(client: QueueClient, _pool: ArqRedis) -> None:
        view = await client.job(first)
        assert view is not None
        await client.enqueue(real_documents(str(view.deal_id), 1)[0])

    act(ask_again)
    done = dealpulse("dead", "replay", "document", "--job", first)
    assert (done.returncode, done.stdout) == (1, "0 queued again.\n")
    assert "1 left alone: the same job waits or runs already" in done.stderr
    assert done.stderr.splitlines()[-1] == "Error: None was queued again."


def test_letters_are_discarded(dealpulse: CommandLine, act: Act) -> None:
    first, *_ = dead_documents(dealpulse, act)
    assert dealpulse("dead", "discard", "document", "--job", first).stdout == "1 discarded.\n"
    assert dealpulse("job", "show", first).returncode == 1
    assert dealpulse("dead", "discard", "document", "--all").stdout == "2 discarded.\n"
    assert dealpulse("dead", "list", "document").stdout == "There is no dead letter.\n"


def test_letters_of_jobs_that_named_no_queue_are_found_too(dealpulse: CommandLine, act: Act) -> None:
    async def die(_client: QueueClient, pool: ArqRedis) -> None:
        await pool.enqueue_job("somebody_elses", _job_id="foreign")
        claim = await claimed(pool, "arq:queue")
        await turn(pool, queue="arq:queue", seq=2, wanted=0, finishing=[ended(claim, "failed")])

    act(die)
    assert "foreign" in dealpulse("dead", "list", "arq:queue").stdout
    assert dealpulse("dead", "replay", "arq:queue", "--job", "foreign").stdout == "1 queued again.\n"


@pytest.mark.parametrize("command", ["replay", "discard"])
def test_letters_must_be_named_one_way_and_be_there(dealpulse: CommandLine, command: str) -> None:
    for selection in ((), ("--all", "--group", "x"), ("--job", "x", "--all")):
        refused = dealpulse("dead", command, "document", *selection)
        assert (refused.returncode, "--job ID, --group GROUP, or --all" in refused.stderr) == (2, True)
    assert dealpulse("dead", command, "fax", "--all").returncode == 2
    for named in ("--job", "--group"):
        unknown = dealpulse("dead", command, "document", named, "nothing")
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert unknown.stderr.startswith("Error: There is no dead letter")


def test_a_pace_that_is_none_is_refused(dealpulse: CommandLine) -> None:
    refused = dealpulse("dead", "replay", "document", "--all", "--per-second", "0")
    assert (refused.returncode, "at least 0.001" in refused.stderr) == (1, True)


# --- workers ----------------------------------------------------------------------------------------------------------


def test_workers_are_shown_with_what_they_run(dealpulse: CommandLine, act: Act) -> None:
    assert dealpulse("workers").stdout == "No worker is alive.\n"
    about = ("worker", "host:7:abc", "version", "0.1.0", "started", "2026-11-20T08:00:00+00:00", "queues", "document")

    async def work(client: QueueClient, pool: ArqRedis) -> None:
        await client.enqueue(document())
        await turn(pool, "host:7:abc", registered=600_000)
        await RENEW(pool, RenewRequest(DOCUMENTS.key, "host:7:abc", 600_000, about, "", False, 15_000, []))

    act(work)
    header, worker, _, jobs, job = dealpulse("workers").stdout.splitlines()
    assert " ".join(header.split()) == "worker version up since queues"
    assert " ".join(worker.split()) == "host:7:abc 0.1.0 2026-11-20 08:00:00 UTC document"
    assert " ".join(jobs.split()) == "runs queue since on worker"
    assert (job.split()[0], job.split()[-1]) == (document().id, "host:7:abc")


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_alerts_are_shown_and_their_absence_too(dealpulse: CommandLine, act: Act) -> None:
    assert dealpulse("alerts").stdout == "All is well.\n"
    told = Told(summary="132 jobs wait on emailProcessing.", subject="emailProcessing", severity=Severity.warning)
    found = [Condition(key="waiting:emailProcessing", rule="waiting", told=msgspec.json.encode(told))]

    async def judge(_: QueueClient, pool: ArqRedis) -> None:
        await AlertBook(pool).judge(found, rules=["waiting"], channels=[])

    act(judge)
    _, line = dealpulse("alerts").stdout.splitlines()
    assert line.startswith("waiting")
    assert line.endswith("132 jobs wait on emailProcessing.")
