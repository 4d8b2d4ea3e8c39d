"""Sources and the accounts that read them: connect, list, try, pause, resume, sync, remove."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import moment, print_table, printable, say
from dealpulse.connecting import lifecycle
from dealpulse.connecting.consent import Wish
from dealpulse.connecting.lifecycle import Check
from dealpulse.errors import Permanent
from dealpulse.jobs import SyncType
from dealpulse.models import Connection, Source, SourceType
from dealpulse.store.subscriptions import KeptSubscription

source = typer.Typer(help="Places a deal's papers come from.", no_args_is_help=True, rich_markup_mode=None)
connection = typer.Typer(help="Accounts people let us read.", no_args_is_help=True, rich_markup_mode=None)

DealId = Annotated[str, typer.Argument(help="The deal's id.")]
SourceId = Annotated[str, typer.Argument(help="The id `source list` shows.")]
ConnectionId = Annotated[str, typer.Argument(help="The id `connection list` shows.")]

_TRIAL_SECONDS = 30.0


class Account(StrEnum):
    """What people's accounts are read for."""

    gdrive = "gdrive"
    gmail = "gmail"
    sharepoint = "sharepoint"
    outlook = "outlook"


class Papers(StrEnum):
    """What becomes of what came from a source."""

    keep = "keep"
    delete = "delete"


@source.command()
def add(
    deal_id: DealId,
    location: Annotated[str, typer.Argument(help="A folder's path, or what its connector needs to find it.")],
    source_type: Annotated[SourceType, typer.Option("--type", help="What kind of place it is.")] = SourceType.folder,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    connection_id: Annotated[
        str | None, typer.Option("--connection", help="The account that reads it; else the service's own.")
    ] = None,
) -> None:
    """Make a source and print its id; `source sync` then fetches what is in it."""
    place = str(Path(location).resolve()) if source_type is SourceType.folder else location
    made = answer_to(
        lambda clients: clients.intake.add_source(
            deal_id, source_type.value, location=place, name=name, connection_id=connection_id
        )
    )
    typer.echo(made.id)


@source.command("list")
def list_sources(deal_id: DealId) -> None:
    """List a deal's sources, and until when their vendors tell of changes."""

    async def look(clients: Clients) -> tuple[list[Source], dict[str, KeptSubscription]]:
        found = await clients.store.sources.of_deal((await clients.store.deals.get(deal_id)).id)
        return found, await clients.store.subscriptions.of_sources([one.id for one in found])

    found, kept = answer_to(look)
    if not found:
        typer.echo("There is no source.")
        return
    rows = [
        (
            one.id,
            one.type.value,
            one.state.value,
            moment(one.last_synced_at),
            _told(kept.get(one.id)),
            printable(one.name),
        )
        for one in found
    ]
    print_table(("id", "type", "state", "synced", "told of changes", "name"), rows)
    for one in found:
        if one.last_error:
            say(f"{one.id}: {printable(one.last_error)}")


@source.command()
def test(deal_id: DealId, source_id: SourceId) -> None:
    """Ask a worker whether the source can be read, without reading it."""

    async def ask(clients: Clients) -> Check | None:
        found = await lifecycle.source_of(deal_id, source_id, intake=clients.intake)
        return (await lifecycle.check(found, intake=clients.intake, wait=_TRIAL_SECONDS)).outcome

    outcome = answer_to(ask)
    if outcome is None:
        message = f"No worker answered within {_TRIAL_SECONDS:g} s; `dealpulse workers` shows whether one is there."
        raise Permanent(message, code="no_answer")
    if not outcome.readable:
        raise Permanent(outcome.message or "It cannot be read.", code=outcome.code or "not_readable")
    typer.echo(f"It can be read: {printable(outcome.name or '')}")


@source.command()
def sync(
    deal_id: DealId,
    source_id: SourceId,
    sync_type: Annotated[SyncType, typer.Option("--type", help="Everything, or what changed.")] = SyncType.incremental,
) -> None:
    """Ask for a sync of one source and print its job's id."""

    async def ask(clients: Clients) -> str:
        found = await lifecycle.source_of(deal_id, source_id, intake=clients.intake)
        return (await lifecycle.sync(found, sync_type.value, intake=clients.intake)).job_id

    typer.echo(answer_to(ask))


@source.command()
def pause(deal_id: DealId, source_id: SourceId) -> None:
    """Sync it no more until it is resumed; a sync under way is called off, and goes on from there later."""

    async def do(clients: Clients) -> None:
        found = await lifecycle.source_of(deal_id, source_id, intake=clients.intake)
        await lifecycle.pause(found, intake=clients.intake)

    answer_to(do)
    typer.echo("It is paused.")


@source.command()
def resume(deal_id: DealId, source_id: SourceId) -> None:
    """Sync it again, now and from then on."""

    async def do(clients: Clients) -> str:
        found = await lifecycle.source_of(deal_id, source_id, intake=clients.intake)
        return (await lifecycle.resume(found, intake=clients.intake)).job_id

    typer.echo(answer_to(do))


@source.command()
def remove(
    deal_id: DealId,
    source_id: SourceId,
    papers: Annotated[
        Papers, typer.Option("--documents", help="What becomes of the documents and e-mails that came from it.")
    ] = Papers.keep,
) -> None:
    """Forget a source. What came from it stays, with all that was found in it, unless it is to be deleted."""

    async def do(clients: Clients) -> int:
        found = await lifecycle.source_of(deal_id, source_id, intake=clients.intake)
        return await lifecycle.remove(found, delete_items=papers is Papers.delete, intake=clients.intake)

    items = answer_to(do)
    typer.echo(f"It is removed; {items} documents and e-mails are {'deleted' if papers is Papers.delete else 'kept'}.")


@source.command()
def connect(
    deal_id: DealId,
    account: Annotated[Account, typer.Argument(help="What the account is to be read for.")],
    source_id: Annotated[
        str | None, typer.Option("--source", help="The source to be read with it from then on.")
    ] = None,
) -> None:
    """Print the address at which the owner of an account lets us read it; it is good once, for ten minutes."""
    kind = SourceType(account.value)

    async def ask(clients: Clients) -> str:
        wish = Wish(kind=kind, deal_id=deal_id.lower(), asker="command line", source_id=source_id)
        return clients.consents.address_of(await clients.consents.ask(wish))

    address = answer_to(ask)
    say("For the person whose account it is, to be opened in their browser:")
    typer.echo(address)


@connection.command("list")
def list_connections(deal_id: DealId) -> None:
    """List the accounts people connected for a deal."""

    async def look(clients: Clients) -> list[Connection]:
        return await clients.store.connections.of_deal((await clients.store.deals.get(deal_id)).id)

    found = answer_to(look)
    if not found:
        typer.echo("There is no account; connect one with `dealpulse source connect`.")
        return
    rows = [(one.id, one.provider.value, one.state.value, printable(one.account)) for one in found]
    print_table(("id", "provider", "state", "account"), rows)


@connection.command("remove")
def disconnect(deal_id: DealId, connection_id: ConnectionId) -> None:
    """Give the consent back and forget the tokens; the sources it read wait for another."""

    async def do(clients: Clients) -> int:
        found = await lifecycle.connection_of(deal_id, connection_id, intake=clients.intake)
        return await lifecycle.disconnect(
            found, intake=clients.intake, settings=clients.settings.sources, http=clients.consents.http
        )

    waiting = answer_to(do)
    typer.echo(f"It is disconnected. Sources that wait for another account now: {waiting}.")


def _told(kept: KeptSubscription | None) -> str:
    if kept is None:
        return "no"
    if kept.last_error:
        return "not yet" if kept.expires_at is None else f"until {kept.expires_at:%Y-%m-%d %H:%M}, in trouble"
    return "not yet" if kept.expires_at is None else f"until {kept.expires_at:%Y-%m-%d %H:%M}"
