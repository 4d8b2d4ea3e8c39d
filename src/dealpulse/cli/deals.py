"""Deals: make, list, look at, archive."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import print_markdown, print_table
from dealpulse.errors import NotFound
from dealpulse.models import Brief, Deal, Document, DocumentState, Email, Source, SourceType
from dealpulse.store.usage import Cost

deal = typer.Typer(help="Make, list, look at and archive deals.", no_args_is_help=True, rich_markup_mode=None)


class BriefForm(StrEnum):
    """What a brief comes as."""

    markdown = "markdown"
    html = "html"
    json = "json"


DealId = Annotated[str, typer.Argument(help="The deal's id.")]


@deal.command()
def create(
    name: str,
    time_zone: Annotated[str | None, typer.Option(help="Such as Europe/Berlin; by default TIMEZONE.")] = None,
) -> None:
    """Make a new, active deal and print its id."""
    made = answer_to(lambda clients: clients.intake.create_deal(name, time_zone=time_zone))
    typer.echo(made.id)


@deal.command("list")
def list_deals(status: Annotated[str | None, typer.Option(help="Only those, such as active.")] = None) -> None:
    """List the deals by name."""
    found: list[Deal] = answer_to(lambda clients: clients.store.deals.all(status=status))
    if not found:
        typer.echo("There is no deal." if status is None else f"There is no {status} deal.")
        return
    rows = [(one.id, one.status, one.time_zone or "-", one.name) for one in found]
    print_table(("id", "status", "time zone", "name"), rows)


@deal.command()
def show(deal_id: DealId) -> None:
    """Show a deal's sources and how many documents, e-mails, risks and blockers it has."""

    async def look(clients: Clients) -> list[str]:
        found = await clients.store.deals.get(deal_id)
        documents = await clients.store.documents.of_deal(found.id)
        emails = await clients.store.emails.of_deal(found.id)
        everything: list[Document | Email] = [*documents, *emails]
        failed = [one for one in everything if one.state is DocumentState.failed]
        return [
            f"{found.name} ({found.status})",
            *[_source_line(source) for source in await clients.store.sources.of_deal(found.id)],
            f"{len(documents)} documents, {len(emails)} e-mails, {len(failed)} of them unreadable",
            f"{len(await clients.store.findings.of_deal(found.id))} risks",
            f"{len(await clients.store.blockers.of_deal(found.id))} blockers",
            *[f"unreadable: {one.path}: {one.failure_reason}" for one in failed],
        ]

    typer.echo("\n".join(answer_to(look)))


@deal.command("add-source")
def add_source(
    deal_id: DealId,
    location: Annotated[str, typer.Argument(help="A folder's path, or what its connector needs to find it.")],
    source_type: Annotated[str, typer.Option("--type", help="What kind of place it is.")] = SourceType.folder.value,
) -> None:
    """Connect a place documents or e-mails come from; `dealpulse enqueue source-sync` then fetches them."""
    place = str(Path(location).resolve()) if source_type == SourceType.folder.value else location
    made = answer_to(lambda clients: clients.intake.add_source(deal_id, source_type, location=place))
    typer.echo(made.id)


@deal.command("confirm-deletions")
def confirm_deletions(
    deal_id: DealId,
    source_id: Annotated[str, typer.Argument(help="The source, of which much is gone at once.")],
    gone: Annotated[int, typer.Option(help="How many deletions wait, as `dealpulse deal show` says.")],
) -> None:
    """Delete here what is gone from a source, after a sync held it back and asked."""
    deleted = answer_to(lambda clients: clients.intake.confirm_deletions(deal_id, source_id, gone=gone))
    typer.echo(f"Deleted {deleted}.")


@deal.command()
def brief(
    deal_id: DealId,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="By default today where the deal is.")
    ] = None,
    form: Annotated[BriefForm, typer.Option("--format", help="A page to print, or data.")] = BriefForm.markdown,
) -> None:
    """Print a deal's brief."""

    async def look(clients: Clients) -> Brief:
        found = await clients.store.deals.get(deal_id)
        wanted = clients.intake.local_date(found) if day is None else day.date()
        written = await clients.store.briefs.get(found.id, wanted)
        if written is None:
            advice = f"Ask for it: dealpulse enqueue daily-brief {found.id} --date {wanted}"
            raise NotFound(f"There is no brief of {wanted}. {advice}", code="brief_not_found")
        return written

    found = answer_to(look)
    if form is BriefForm.html:
        typer.echo(found.html)
    elif form is BriefForm.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found.content), indent=2).decode())
    else:
        print_markdown(found.markdown)


@deal.command()
def cost(
    deal_id: DealId,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days, today included.")] = 30,
) -> None:
    """Show what the models' answers about a deal have cost, by day, operation and model."""

    async def look(clients: Clients) -> list[Cost]:
        found = await clients.store.deals.get(deal_id)
        today = clients.intake.local_date(found)
        zone = found.zone(clients.intake.time_zone)
        return await clients.store.usage.by_day(found.id, zone=zone, first=today - timedelta(days=days - 1), last=today)

    costs = answer_to(look)
    numbers = ("answers", "tokens in", "tokens out", "USD")
    print_table(("day", "operation", "model", *numbers), map(_cost_row, costs), numbers=numbers)
    typer.echo(f"Together {sum(one.cost_usd for one in costs):.4f} USD.")


@deal.command()
def budget(
    deal_id: DealId,
    usd: Annotated[float | None, typer.Option(min=0, help="US dollars a day; 0 is any amount.")] = None,
    default: Annotated[bool, typer.Option("--default", help="What AI_DAILY_BUDGET_USD says for all deals.")] = False,
) -> None:
    """Say what a deal may spend on models a day."""
    if default == (usd is not None):
        raise typer.BadParameter("Say an amount with --usd, or --default.")
    answer_to(lambda clients: clients.store.deals.set_budget(deal_id, usd))
    typer.echo("It may spend what is set for all deals." if usd is None else f"It may spend {usd:.2f} USD a day.")


def _cost_row(cost: Cost) -> tuple[str, ...]:
    read = cost.input_tokens + cost.cache_read_tokens + cost.cache_write_tokens
    counts = (str(cost.calls), str(read), str(cost.output_tokens), f"{cost.cost_usd:.4f}")
    return (str(cost.day), cost.operation, cost.model, *counts)


@deal.command()
def archive(deal_id: DealId) -> None:
    """Stop a deal's briefs; nothing of it is lost."""
    done: Deal = answer_to(lambda clients: clients.store.deals.archive(deal_id))
    typer.echo(f"{done.name} is {done.status}.")


def _source_line(source: Source) -> str:
    synced = "never synced" if source.last_synced_at is None else f"synced {source.last_synced_at:%Y-%m-%d %H:%M} UTC"
    problem = f"; last error: {source.last_error}" if source.last_error else ""
    waiting = f"; {source.gone} deletions wait for: dealpulse deal confirm-deletions" if source.gone else ""
    if waiting:
        waiting += f" {source.deal_id} {source.id} --gone {source.gone}"
    return f"{source.type.value} source {source.location}: {source.state.value}, {synced}{problem}{waiting}"
