"""Stopping and starting queues, and seeing who works on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from dealpulse.cli.connection import answer_to
from dealpulse.cli.terminal import moment, print_table, printable
from dealpulse.errors import Invalid
from dealpulse.jobs import QUEUES, Queue, queue_named

queue = typer.Typer(help="Stop and start queues.", no_args_is_help=True, rich_markup_mode=None)

QueueName = Annotated[str, typer.Argument(help=f"One of {', '.join(one.slug for one in QUEUES)}.", show_default=False)]
DealOption = Annotated[str | None, typer.Option("--deal", metavar="ID", help="Only this deal's jobs.")]


@queue.command()
def pause(queue: QueueName, deal: DealOption = None) -> None:
    """Start no further job of a queue, or of one deal on it, until `resume`; what runs ends."""
    chosen = queue_called(queue)
    answer_to(lambda clients: clients.intake.pause(chosen, deal))
    typer.echo(f"{_what(chosen, deal)} is paused.")


@queue.command()
def resume(queue: QueueName, deal: DealOption = None) -> None:
    """Undo `pause` of the same queue, or of the same deal on it."""
    chosen = queue_called(queue)
    answer_to(lambda clients: clients.intake.resume(chosen, deal))
    typer.echo(f"{_what(chosen, deal)} goes on.")


def workers() -> None:
    """Show the workers that are alive, and what each runs."""
    found = answer_to(lambda clients: clients.queue.workers())
    if not found:
        typer.echo("No worker is alive.")
        return
    rows = [
        (one.worker, one.about.get("version", "-"), _since(one.about.get("started")), one.about.get("queues", "-"))
        for one in found
    ]
    print_table(("worker", "version", "up since", "queues"), rows)
    running = [(job.job_id, job.queue, moment(job.started_at), one.worker) for one in found for job in one.jobs]
    if running:
        typer.echo()
        print_table(("runs", "queue", "since", "on worker"), running)


def queue_called(name: str) -> Queue:
    """The queue a person named."""
    try:
        return queue_named(name)
    except Invalid as error:
        raise typer.BadParameter(error.message) from error


def _what(chosen: Queue, deal: str | None) -> str:
    return chosen.name if deal is None else printable(f"Deal {deal} on {chosen.name}")


def _since(told: str | None) -> str:
    try:
        return moment(datetime.fromisoformat(told or "").astimezone(UTC))
    except ValueError:
        return "-"
