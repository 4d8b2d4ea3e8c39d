"""All commands in one application, and what every command's failure looks like."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from dealpulse import logs
from dealpulse.cli import (
    alerts,
    control,
    database,
    dead,
    deals,
    deliveries,
    diagnosis,
    findings,
    jobs,
    local,
    queues,
    services,
    sources,
    tokens,
)
from dealpulse.cli.terminal import quieten_logs, say_error
from dealpulse.errors import DealPulseError
from dealpulse.settings import LogSettings, SettingsError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_SERVICES = ("worker", "api")
"""Their lines are JSON from the first on."""

HELP = """From a deal room to a cited daily brief.

Commands that talk to Redis and Supabase take their settings from the environment, then from .env.local and .env in
the current folder. Where none of these names a Redis or a Supabase, they use the stack that `dealpulse up` keeps
running in this folder, if it does (its addresses are in .dealpulse/data/env).

Exit codes: 0 done, 1 failed, 2 wrong settings or arguments.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.command("demo")(local.demo)
app.command("up")(local.up)
app.command("run")(local.run)
app.command("worker")(services.worker)
app.command("api")(services.api)
app.add_typer(queues.enqueue, name="enqueue")
app.command("stats")(queues.stats)
app.command("workers")(control.workers)
app.command("alerts")(alerts.alerts)
app.add_typer(jobs.job, name="job")
app.add_typer(control.queue, name="queue")
app.add_typer(dead.dead, name="dead")
app.add_typer(deals.deal, name="deal")
app.add_typer(sources.source, name="source")
app.add_typer(sources.connection, name="connection")
app.add_typer(findings.finding, name="finding")
app.add_typer(deliveries.recipient, name="recipient")
app.add_typer(deliveries.delivery, name="delivery")
app.add_typer(deliveries.schedule, name="schedule")
app.add_typer(tokens.token, name="token")
app.command("migrate")(database.migrate)
app.command("doctor")(diagnosis.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dealpulse {version('dealpulse')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Every command's start."""
    if context.invoked_subcommand in _SERVICES:
        logs.configure(LogSettings(), service=context.invoked_subcommand)
    else:
        quieten_logs()


root.__doc__ = HELP


def run() -> None:
    """Run the command; our errors become one readable message and an exit code."""
    try:
        app()
    except SettingsError as error:
        say_error(error.message)
        sys.exit(EXIT_USAGE)
    except DealPulseError as error:
        say_error(error.message)
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.filename is None:  # not about a file the person named or owns: a fault of ours
            raise
        say_error(f"{error.filename}: {error.strerror}.")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
