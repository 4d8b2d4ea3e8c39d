"""Bringing the database up to date."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from dealpulse.cli.connection import settings
from dealpulse.settings import Fault, SettingsError
from dealpulse.settings.variables import DATABASE_URL
from dealpulse.store.migrate import apply_migrations, migration_status, planned_migrations


def migrate(
    status: Annotated[bool, typer.Option("--status", help="Only show how far the database is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be applied.")] = False,
) -> None:
    """Create or update the tables in the database at DATABASE_URL; an app's own tables are left alone."""
    if status and dry_run:
        raise typer.BadParameter("Choose one of --status and --dry-run.")
    url, schema = _target()
    if status:
        for one in asyncio.run(migration_status(url, schema=schema)):
            when = "" if one.applied_at is None else f"  {one.applied_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"{one.state.value:8}  {one.name}{when}")
        return
    names = asyncio.run(planned_migrations(url, schema=schema) if dry_run else apply_migrations(url, schema=schema))
    for name in names:
        typer.echo(f"{'would apply' if dry_run else 'applied'}  {name}")
    if not names:
        typer.echo("The database is up to date.")


def _target() -> tuple[str, str]:
    supabase = settings().supabase
    if supabase.database_url is None:
        raise SettingsError((Fault(DATABASE_URL.name, "is not set", DATABASE_URL.remedy),))
    return supabase.database_url.reveal(), supabase.schema
