"""Asking for work, and seeing how the queues are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated

import msgspec
import typer

from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import print_table
from dealpulse.jobs import DocumentOperation, EmailOperation, SyncType
from dealpulse.models import SourceType
from dealpulse.queue import Enqueued, QueueStats
from dealpulse.web.wire import QueueFigures

enqueue = typer.Typer(help="Ask for work.", no_args_is_help=True, rich_markup_mode=None)

DealId = Annotated[str, typer.Argument(help="The deal's id; `dealpulse deal list` shows them.")]


def _one_of(kind: type[DocumentOperation | EmailOperation | SyncType | SourceType]) -> str:
    return f"One of {', '.join(member.value for member in kind)}."


@enqueue.command("daily-brief")
@enqueue.command("dailyBrief", hidden=True)
def daily_brief(
    deal_id: Annotated[str | None, typer.Argument(help="The deal's id.")] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="By default today where the deal is.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Today's brief of every active deal.")] = False,
) -> None:
    """Ask for a deal's brief, or with --all for every active deal's."""
    if every == (deal_id is not None):
        raise typer.BadParameter("Name a deal, or ask for --all of them.")
    if every and day is not None:
        raise typer.BadParameter("--all writes today's briefs; leave --date out.")

    async def ask(clients: Clients) -> Sequence[Enqueued]:
        if deal_id is None:
            return [each.enqueued for each in await clients.intake.trigger_daily_briefs()]
        return [await clients.intake.queue_daily_brief(deal_id, _date(day))]

    _ask(ask)


@enqueue.command("document")
@enqueue.command("documentProcessing", hidden=True)
def document(
    document_id: str,
    deal_id: DealId,
    operation: Annotated[str, typer.Option(help=_one_of(DocumentOperation))] = DocumentOperation.summarize.value,
) -> None:
    """Ask for an operation on a document."""

    async def ask(clients: Clients) -> Sequence[Enqueued]:
        return [await clients.intake.queue_document_processing(document_id, deal_id, operation)]

    _ask(ask)


@enqueue.command("email")
@enqueue.command("emailProcessing", hidden=True)
def email(
    email_id: str,
    deal_id: DealId,
    operation: Annotated[str, typer.Option(help=_one_of(EmailOperation))] = EmailOperation.analyze.value,
) -> None:
    """Ask for an operation on an e-mail."""

    async def ask(clients: Clients) -> Sequence[Enqueued]:
        return [await clients.intake.queue_email_processing(email_id, deal_id, operation)]

    _ask(ask)


@enqueue.command("source-sync")
@enqueue.command("sourceSync", hidden=True)
def source_sync(
    deal_id: DealId,
    source_type: Annotated[str, typer.Option("--type", help=_one_of(SourceType))] = SourceType.folder.value,
    sync_type: Annotated[str, typer.Option("--sync", help=_one_of(SyncType))] = SyncType.incremental.value,
) -> None:
    """Ask for every source of one type in a deal to be synced."""

    async def ask(clients: Clients) -> Sequence[Enqueued]:
        return await clients.intake.queue_source_sync(deal_id, source_type, sync_type)

    _ask(ask)


def stats(as_json: Annotated[bool, typer.Option("--json", help="As JSON, as the API gives it.")] = False) -> None:
    """Show how many jobs wait, run and ended, by queue."""

    found = answer_to(lambda clients: clients.intake.get_queue_stats())
    if as_json:
        figures = {name: msgspec.convert(one, QueueFigures, from_attributes=True) for name, one in found.items()}
        typer.echo(msgspec.json.format(msgspec.json.encode(figures), indent=2))
    else:
        _print_table(found)


def _ask(request: Callable[[Clients], Awaitable[Sequence[Enqueued]]]) -> None:
    answers = answer_to(request)
    for answer in answers:
        typer.echo(f"{answer.job_id}  {'was queued already' if answer.deduplicated else 'queued'}")
    if not answers:
        typer.echo("There is no active deal.")


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _print_table(found: Mapping[str, QueueStats]) -> None:
    numbers = ("waiting", "active", "delayed", "parked", "completed", "failed", "oldest waiting")
    rows = []
    for name, one in found.items():
        counts = (one.waiting, one.active, one.delayed, one.parked, one.completed, one.failed)
        oldest = f"{one.oldest_waiting_ms / 1000:.1f} s" if one.waiting else "-"
        rows.append((name, *map(str, counts), oldest, "yes" if one.paused else "-"))
    print_table(("queue", *numbers, "paused"), rows, numbers=numbers)
