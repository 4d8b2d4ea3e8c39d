"""Dead letters: what failed for good, run again or thrown away."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from dealpulse.cli.connection import answer_to
from dealpulse.cli.control import queue_called
from dealpulse.cli.terminal import moment, print_table, say
from dealpulse.errors import NotFound, Permanent
from dealpulse.interventions import Replayed
from dealpulse.jobs import QUEUES
from dealpulse.queue import DeadGroup, Letters

dead = typer.Typer(
    help="List jobs that failed for good, run them again or throw them away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_ARQ_QUEUE: Final = "arq:queue"
"""Where jobs of other programs land that name no queue."""

QueueName = Annotated[
    str,
    typer.Argument(help=f"One of {', '.join(one.slug for one in QUEUES)}, or {_ARQ_QUEUE}: jobs that named no queue."),
]
JobOption = Annotated[str | None, typer.Option("--job", metavar="ID", help="The dead letters of one job.")]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="GROUP", help="One group, as `dealpulse dead list` names it.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All of the queue.")]


@dead.command("list")
def list_groups(queue: QueueName) -> None:
    """List a queue's dead letters by what they died of; `dealpulse job show` tells more of each."""
    key = _key(queue)
    groups = answer_to(lambda clients: clients.history.dead_groups(key))
    if not groups:
        typer.echo("There is no dead letter.")
        return
    print_table(
        ("group", "jobs", "error", "function", "first", "last", "such as", "message"),
        [_row(group) for group in groups],
        numbers=("jobs",),
    )


@dead.command()
def replay(
    queue: QueueName,
    job: JobOption = None,
    group: GroupOption = None,
    everything: AllOption = False,
    per_second: Annotated[
        float | None, typer.Option("--per-second", metavar="N", help="Start at most so many of them a second.")
    ] = None,
) -> None:
    """Run dead letters again. One whose job waits or runs already stays."""
    key, letters = _key(queue), _letters(job, group, everything)
    done = answer_to(lambda clients: clients.intake.replay(key, letters, per_second=per_second))
    _refuse_nothing(letters, done.replayed + done.busy + done.refused + done.lost)
    typer.echo(f"{done.replayed} queued again.")
    for line in _left(done):
        say(line)
    if not done.replayed and (done.busy or done.refused or done.lost):
        raise Permanent("None was queued again.", code="nothing_replayed")


@dead.command()
def discard(queue: QueueName, job: JobOption = None, group: GroupOption = None, everything: AllOption = False) -> None:
    """Throw dead letters away, with all that is known of them."""
    key, letters = _key(queue), _letters(job, group, everything)
    discarded = answer_to(lambda clients: clients.intake.discard(key, letters))
    _refuse_nothing(letters, discarded)
    typer.echo(f"{discarded} discarded.")


def _key(name: str) -> str:
    return name if name == _ARQ_QUEUE else queue_called(name).key


def _letters(job: str | None, group: str | None, everything: bool) -> Letters:
    if [job is not None, group is not None, everything].count(True) != 1:
        raise typer.BadParameter("Say which: --job ID, --group GROUP, or --all.")
    return Letters(job_id=job, fingerprint=group)


def _refuse_nothing(letters: Letters, found: int) -> None:
    if found or letters == Letters():
        return
    what = f"of job {letters.job_id}" if letters.job_id is not None else f"in group {letters.fingerprint}"
    raise NotFound(f"There is no dead letter {what} on this queue.", code="dead_letter_not_found")


def _left(done: Replayed) -> list[str]:
    told = (
        (done.busy, "the same job waits or runs already, or a newer dead letter of it was queued"),
        (done.refused, "what they belong to is gone from the database"),
        (done.lost, "their payload is lost, or they are kept no longer"),
    )
    return [f"{count} left alone: {reason}." for count, reason in told if count]


def _row(group: DeadGroup) -> tuple[str, ...]:
    kind = f"{group.error_class} ({group.code})" if group.code else group.error_class
    times = (moment(group.first_at), moment(group.last_at))
    return (group.fingerprint, str(group.count), kind, group.function, *times, group.job_ids[0], group.message)
