"""Who is sent a deal's briefs and reports, when reports are made, and how each sending went."""

from __future__ import annotations

from typing import Annotated

import typer

from dealpulse import subscriptions
from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import moment, print_table, printable, say
from dealpulse.models import Channel, Delivery, DeliveryKind, Recipient, ReportKind, ReportSchedule

recipient = typer.Typer(help="Who is sent a deal's briefs and reports.", no_args_is_help=True, rich_markup_mode=None)
delivery = typer.Typer(help="What was sent, and how it went.", no_args_is_help=True, rich_markup_mode=None)
schedule = typer.Typer(help="When a deal's reports are made.", no_args_is_help=True, rich_markup_mode=None)

DealId = Annotated[str, typer.Argument(help="The deal's id.")]
RecipientId = Annotated[str, typer.Argument(help="The id `recipient list` shows.")]


@recipient.command()
def add(
    deal_id: DealId,
    channel: Annotated[Channel, typer.Argument(help="By which way.")],
    address: Annotated[str, typer.Argument(help="An https address, or an e-mail address.")],
    kind: Annotated[
        list[DeliveryKind] | None, typer.Option(help="Only this; may be given several times.", show_default="all")
    ] = None,
) -> None:
    """Have a deal's briefs and reports sent to an address; print a webhook's secret, which is shown this once."""
    kinds = [one.value for one in kind or ()]
    added = answer_to(
        lambda clients: subscriptions.add_recipient(deal_id, channel.value, address, kinds=kinds, store=clients.store)
    )
    say(f"The recipient has the id {added.recipient.id}.")
    if added.secret is not None:
        say("Its webhooks are signed with this secret, which is not shown again:")
        typer.echo(added.secret)


@recipient.command("list")
def list_recipients(deal_id: DealId) -> None:
    """List a deal's recipients, oldest first."""

    async def look(clients: Clients) -> list[Recipient]:
        return await clients.store.recipients.of_deal((await clients.store.deals.get(deal_id)).id)

    found = answer_to(look)
    if not found:
        typer.echo("There is no recipient.")
        return
    rows = [(one.id, one.channel.value, one.state.value, ", ".join(one.kinds), printable(one.address)) for one in found]
    print_table(("id", "channel", "state", "kinds", "address"), rows)


@recipient.command()
def remove(recipient_id: RecipientId) -> None:
    """Send nothing more to a recipient, and forget it."""
    answer_to(lambda clients: clients.store.recipients.remove(recipient_id))
    typer.echo("It is removed.")


@recipient.command()
def test(recipient_id: RecipientId) -> None:
    """Have a test message sent; `delivery list` tells how it went."""
    sent = answer_to(lambda clients: subscriptions.send_test(recipient_id, store=clients.store, queue=clients.queue))
    typer.echo(sent.enqueued.job_id)


@delivery.command("list")
def list_deliveries(deal_id: DealId) -> None:
    """List what was sent of a deal, newest first, and how it went."""

    async def look(clients: Clients) -> list[Delivery]:
        return await clients.store.deliveries.of_deal((await clients.store.deals.get(deal_id)).id)

    found = answer_to(look)
    if not found:
        typer.echo("Nothing was sent yet.")
        return
    rows = [
        (one.id, one.kind.value, one.subject, one.state.value, moment(one.delivered_at), one.error_message or "")
        for one in found
    ]
    print_table(("id", "kind", "of", "state", "delivered", "fault"), rows)


@delivery.command()
def again(delivery_id: Annotated[str, typer.Argument(help="The id `delivery list` shows.")]) -> None:
    """Send something once more, whatever came of it before."""
    sent = answer_to(lambda clients: subscriptions.send_again(delivery_id, store=clients.store, queue=clients.queue))
    typer.echo(sent.enqueued.job_id)


@schedule.command("add")
def add_schedule(
    deal_id: DealId,
    kind: Annotated[ReportKind, typer.Argument(help="Which report.")],
    cron: Annotated[str, typer.Argument(help='Five fields, at most once a day: "0 8 * * MON".')],
    time_zone: Annotated[str | None, typer.Option(help="Such as Europe/Berlin; by default the deal's.")] = None,
) -> None:
    """Have a report made at set times and sent to the deal's recipients; print the schedule's id."""
    added = answer_to(
        lambda clients: subscriptions.add_schedule(
            deal_id,
            kind.value,
            cron,
            time_zone=time_zone,
            store=clients.store,
            default_zone=clients.intake.time_zone,
        )
    )
    typer.echo(added.id)


@schedule.command("list")
def list_schedules(deal_id: DealId) -> None:
    """List when a deal's reports are made."""

    async def look(clients: Clients) -> list[ReportSchedule]:
        return await clients.store.report_schedules.of_deal((await clients.store.deals.get(deal_id)).id)

    found = answer_to(look)
    if not found:
        typer.echo("There is no schedule.")
        return
    rows = [(one.id, one.kind.value, one.cron, one.time_zone, one.state.value) for one in found]
    print_table(("id", "kind", "cron", "time zone", "state"), rows)


@schedule.command("remove")
def remove_schedule(schedule_id: Annotated[str, typer.Argument(help="The id `schedule list` shows.")]) -> None:
    """Make that report by schedule no more."""
    answer_to(lambda clients: clients.store.report_schedules.remove(schedule_id))
    typer.echo("It is removed.")
