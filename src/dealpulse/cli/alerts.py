"""What is not as it should be right now."""

from __future__ import annotations

import typer

from dealpulse.alerts import told_of
from dealpulse.cli.connection import answer_to
from dealpulse.cli.terminal import moment, print_table
from dealpulse.queue.alert_book import Alert


def alerts() -> None:
    """Show the alerts that fire, and those that will if nothing changes."""
    found = answer_to(lambda clients: clients.alerts.alerts())
    if not found:
        typer.echo("All is well.")
        return
    print_table(("alert", "severity", "since", "fired", "what"), map(_row, found))


def _row(alert: Alert) -> tuple[str, ...]:
    told = told_of(alert)
    fired = "not yet" if alert.fired_at is None else moment(alert.fired_at)
    return (alert.rule.replace("_", " "), told.severity.value, moment(alert.since), fired, told.summary)
