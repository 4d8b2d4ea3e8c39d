"""Findings: list them, and say what a person thinks of one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from dealpulse.cli.connection import Clients, answer_to
from dealpulse.cli.terminal import print_table
from dealpulse.models import FindingVerdict, RecordedFinding

finding = typer.Typer(
    help="List a deal's findings and accept, reject or correct them.", no_args_is_help=True, rich_markup_mode=None
)

FindingId = Annotated[str, typer.Argument(help="The finding's id, as `dealpulse finding list` prints it.")]
Author = Annotated[str, typer.Option("--author", help="Who says so.", envvar="USER")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


@finding.command("list")
def list_findings(deal_id: Annotated[str, typer.Argument(help="The deal's id.")]) -> None:
    """List a deal's findings, gravest first, resolved and rejected ones too."""

    async def look(clients: Clients) -> list[RecordedFinding]:
        return await clients.store.findings.of_deal((await clients.store.deals.get(deal_id)).id)

    found = answer_to(look)
    if not found:
        typer.echo("There is no finding.")
        return
    print_table(("id", "severity", "action", "category", "status", "title"), [_row(one) for one in found])


@finding.command()
def accept(finding_id: FindingId, author: Author, reason: Reason = "") -> None:
    """Say that a finding is right."""
    _say(finding_id, FindingVerdict.accept, author=author, reason=reason)


@finding.command()
def reject(finding_id: FindingId, author: Author, reason: Reason = "") -> None:
    """Say that a finding is none; it does not come back, in whatever document it is told again."""
    _say(finding_id, FindingVerdict.reject, author=author, reason=reason)


@finding.command()
def correct(
    finding_id: FindingId,
    author: Author,
    reason: Reason = "",
    severity: Annotated[str | None, typer.Option(help="P0, P1, P2 or P3.")] = None,
    action: Annotated[str | None, typer.Option(help="investigate, price, structure or walk.")] = None,
    title: Annotated[str | None, typer.Option()] = None,
    category: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Say what is right instead; it wins over what later runs find."""
    told = {"severity": severity, "action": action, "title": title, "category": category}
    corrections = {name: value for name, value in told.items() if value is not None}
    _say(finding_id, FindingVerdict.correct, author=author, reason=reason, corrections=corrections)


def _say(
    finding_id: str,
    verdict: FindingVerdict,
    *,
    author: str,
    reason: str,
    corrections: Mapping[str, str] = MappingProxyType({}),
) -> None:
    answer_to(
        lambda clients: clients.intake.review_finding(
            finding_id, verdict.value, corrections=corrections, reason=reason, author=author
        )
    )
    typer.echo("It is kept; later runs respect it.")


def _row(found: RecordedFinding) -> tuple[str, str, str, str, str, str]:
    return (
        found.id,
        found.severity.value,
        found.action.value,
        found.category.value,
        found.status.value,
        found.title,
    )
