"""One job: look at it, read its log, cancel it, run it sooner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import moment, printable
from dealpulse.errors import NotFound
from dealpulse.queue import Fault, JobView
from dealpulse.web.api.jobs import details

job = typer.Typer(help="Look at one job and change it.", no_args_is_help=True, rich_markup_mode=None)

JobId = Annotated[str, typer.Argument(help="The job's id, as `dealpulse enqueue` prints it.")]


@job.command()
def show(
    job_id: JobId,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, as the API gives it.")] = False,
) -> None:
    """Show everything known of a job: where it stands, its result, and what went wrong."""
    found = _look_at(job_id)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(details(found)), indent=2))
        return
    for line in _lines_of(found):
        typer.echo(line)


@job.command()
def log(job_id: JobId) -> None:
    """Show what a job told of itself while it ran, or tells: its last 200 lines."""
    found = _look_at(job_id)
    for line in found.log:
        typer.echo(f"{moment(line.at)}  {printable(line.text)}")
    if not found.log:
        typer.echo("It told nothing.")


@job.command()
def cancel(job_id: JobId) -> None:
    """Cancel a job that has not ended; one that runs cleans up first."""
    state = answer_to(lambda clients: clients.intake.cancel_job(job_id))
    if state == "active":
        typer.echo(f"{job_id} runs: it was told to stop, and is cancelled when it has cleaned up.")
    else:
        typer.echo(f"{job_id} was {state} and is cancelled.")


@job.command()
def promote(job_id: JobId) -> None:
    """Make a delayed job due now."""

    async def ask(clients: Clients) -> JobView:
        await clients.queue.promote(job_id)
        return await _found(clients, job_id)

    state = answer_to(ask).state
    typer.echo(f"{job_id} {'runs already' if state == 'active' else f'is due now; it is {state}'}.")


def _look_at(job_id: str) -> JobView:
    return answer_to(lambda clients: _found(clients, job_id))


async def _found(clients: Clients, job_id: str) -> JobView:
    found = await clients.queue.job(job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id[:100]!r}, or none any more.", code="job_not_found")
    return found


def _lines_of(view: JobView) -> Iterator[str]:
    error = _error(view.error_class, view.error_code, view.error_message)
    facts = {
        "state": view.state,
        "queue": view.queue,
        "function": view.function,
        "deal": view.deal_id,
        "run": view.run,
        "priority": view.priority,
        "attempts": str(view.attempts),
        "crashes": str(view.crashes) if view.crashes else None,
        "enqueued": view.enqueued_at and moment(view.enqueued_at),
        "due": view.due_at and moment(view.due_at),
        "started": view.started_at and moment(view.started_at),
        "finished": view.finished_at and moment(view.finished_at),
        "worker": view.worker,
        "progress": None if view.progress is None else f"{view.progress} %",
        "message": view.message,
        "batches": " ".join(view.batches),
        "result": None if view.result is None else msgspec.json.encode(view.result).decode(),
        "error": error,
        "group": error and view.fingerprint,
        "log": f"{len(view.log)} lines; `dealpulse job log` shows them" if view.log else None,
    }
    yield printable(view.job_id)
    yield from (f"  {name:9}  {printable(fact)}" for name, fact in facts.items() if fact)
    if view.faults:
        yield "Runs that did not end well, the last in full:"
    for fault in view.faults:
        yield printable(
            f"  {moment(fault.ended_at)}  attempt {fault.attempt} on {fault.worker or 'an unknown worker'}: "
            f"{_error(fault.error_class, fault.code, fault.message)}"
        )
    if view.faults:
        yield from map(printable, _traceback(view.faults[-1]))


def _error(name: str | None, code: str | None, message: str | None) -> str:
    """``Permanent (gone): The file is gone.``"""
    kind = f"{name or ''} ({code})" if code else name or ""
    return f"{kind}: {message}" if message else kind


def _traceback(fault: Fault) -> Iterator[str]:
    for error in fault.traceback:
        yield f"    {_error(error.get('type'), error.get('code'), error.get('message'))}"
        yield from (f"      {frame}" for frame in error.get("frames", ()))
