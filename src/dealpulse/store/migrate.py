"""Bringing the database up to date: plain SQL files, each in one transaction, remembered with their checksum.

Works on Supabase through its direct connection or either pooler: locks and settings last one transaction only.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from typing import Final

import asyncpg

from dealpulse.errors import DealPulseError, Permanent, Transient, Unavailable

DATABASE: Final = "database"
"""The dependency that is away when Postgres itself cannot be reached."""

_LOCK = "select pg_advisory_xact_lock(hashtextextended('dealpulse migrations', 0))"
_LEDGER = """
create table if not exists dealpulse_migrations (
  name text primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
alter table dealpulse_migrations enable row level security;
do $$
declare
  its_role text;
begin
  for its_role in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
    execute format('revoke all on dealpulse_migrations from %I', its_role);
    if its_role = 'service_role' then
      grant select on dealpulse_migrations to service_role;
    end if;
  end loop;
end
$$;
"""


class MigrationState(StrEnum):
    applied = "applied"
    pending = "pending"
    changed = "changed"
    """Applied, but the file is another now."""
    unknown = "unknown"
    """Applied by a newer version."""


@dataclass(frozen=True)
class Migration:
    """One SQL file. Names start with their number: their order is the order they are applied in."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True)
class MigrationStatus:
    """How far the database is with one migration."""

    name: str
    state: MigrationState
    applied_at: datetime | None = None


def packaged_migrations() -> tuple[Migration, ...]:
    """The files shipped with this version, in order."""
    folder = resources.files("dealpulse.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(file.name, file.read_text(encoding="utf-8")) for file in files)


async def apply_migrations(
    database_url: str, *, schema: str = "public", migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Apply what is pending; returns the names, in order. Several may run at once: each file is applied once.

    ``schema`` is created if it is not there; PostgREST must be told to expose it. A file that fails leaves nothing of
    itself behind and those before it in place.

    Raises:
        Unavailable: Postgres cannot be reached (dependency ``database``).
        Permanent: ``database_url_invalid``, ``database_login_refused``, ``insufficient_privilege``,
            ``migration_changed``, ``migration_failed``.
    """
    wanted = packaged_migrations() if migrations is None else migrations
    async with _connected(database_url) as connection:
        _refuse_changed(await _status(connection, schema, wanted))
        applied = [migration.name for migration in wanted if await _apply(connection, schema, migration)]
        await connection.execute("notify pgrst, 'reload schema'")
        return applied


async def migration_status(
    database_url: str, *, schema: str = "public", migrations: Sequence[Migration] | None = None
) -> list[MigrationStatus]:
    """Every migration this version or the database knows, in order. Changes nothing. Raises as ``apply_migrations``."""
    async with _connected(database_url) as connection:
        return await _status(connection, schema, packaged_migrations() if migrations is None else migrations)


async def planned_migrations(
    database_url: str, *, schema: str = "public", migrations: Sequence[Migration] | None = None
) -> list[str]:
    """What ``apply_migrations`` would apply now. Changes nothing. Raises as ``apply_migrations``."""
    status = await migration_status(database_url, schema=schema, migrations=migrations)
    _refuse_changed(status)
    return [one.name for one in status if one.state is MigrationState.pending]


async def _apply(connection: asyncpg.Connection, schema: str, migration: Migration) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            await _enter_schema(connection, schema)
            if (await _ledger(connection, schema)).get(migration.name) is not None:
                return False
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into dealpulse_migrations (name, sha256) values ($1, $2)", migration.name, migration.sha256
            )
    except asyncpg.InsufficientPrivilegeError as error:
        raise Permanent(
            f"{migration.name} was not applied: {_told(error)} Use a DATABASE_URL whose user owns schema {schema} and"
            " the app's tables in it (on Supabase: postgres).",
            code="insufficient_privilege",
        ) from error
    except asyncpg.PostgresError as error:
        raise _failed(migration, schema, error) from error
    return True


async def _enter_schema(connection: asyncpg.Connection, schema: str) -> None:
    """All names mean tables in ``schema``, until the transaction ends; the ledger exists."""
    if not await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", schema):
        await connection.execute(f"create schema {_quoted(schema)}")
    await connection.execute(f"set local search_path to {_quoted(schema)}")
    await connection.execute(_LEDGER)


async def _ledger(connection: asyncpg.Connection, schema: str) -> Mapping[str, tuple[str, datetime]]:
    table = f"{_quoted(schema)}.dealpulse_migrations"
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return {}
    rows = await connection.fetch(f"select name, sha256, applied_at from {table}")  # noqa: S608 - quoted above
    return {row["name"]: (row["sha256"], row["applied_at"]) for row in rows}


async def _status(
    connection: asyncpg.Connection, schema: str, migrations: Sequence[Migration]
) -> list[MigrationStatus]:
    try:
        ledger = await _ledger(connection, schema)
    except asyncpg.InsufficientPrivilegeError as error:
        problem = f"This database user may not read what is applied: {_told(error)}"
        raise Permanent(problem, code="insufficient_privilege") from error
    packaged = {migration.name: migration for migration in migrations}
    status = []
    for name in sorted(packaged.keys() | ledger.keys()):
        if name not in ledger:
            status.append(MigrationStatus(name, MigrationState.pending))
            continue
        sha256, applied_at = ledger[name]
        if name not in packaged:
            state = MigrationState.unknown
        else:
            state = MigrationState.applied if packaged[name].sha256 == sha256 else MigrationState.changed
        status.append(MigrationStatus(name, state, applied_at))
    return status


def _refuse_changed(status: Sequence[MigrationStatus]) -> None:
    changed = [one.name for one in status if one.state is MigrationState.changed]
    if changed:
        raise Permanent(
            f"These migrations were applied to this database with another content: {', '.join(changed)}. An applied"
            " file must not change: restore it, and put the change into a new one.",
            code="migration_changed",
        )


@asynccontextmanager
async def _connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(database_url, timeout=15, statement_cache_size=0)
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        problem = "Postgres refused the user or password in DATABASE_URL."
        raise Permanent(problem, code="database_login_refused") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise Permanent("There is no such database as DATABASE_URL names.", code="database_url_invalid") from error
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        problem = "DATABASE_URL is no Postgres address such as postgresql://user:password@host:5432/postgres."
        raise Permanent(problem, code="database_url_invalid") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problem = f"Postgres at DATABASE_URL cannot be reached ({type(error).__name__})."
        raise Unavailable(problem, dependency=DATABASE) from error
    try:
        yield connection
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
        raise Unavailable("The connection to Postgres was lost.", dependency=DATABASE) from error
    finally:
        await connection.close(timeout=5)


def _failed(migration: Migration, schema: str, error: asyncpg.PostgresError) -> DealPulseError:
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
        return Unavailable(f"The connection to Postgres was lost in {migration.name}.", dependency=DATABASE)
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.LockNotAvailableError):
        return Transient(f"{migration.name} could not get its locks; nothing was changed.")
    advice = ""
    if isinstance(error, asyncpg.DuplicateTableError | asyncpg.DuplicateFunctionError | asyncpg.DuplicateObjectError):
        advice = " The app has something of that name; set SUPABASE_SCHEMA to keep DealPulse's tables apart."
    elif isinstance(error, asyncpg.DatatypeMismatchError | asyncpg.UndefinedColumnError):
        advice = f" The app's own deals, documents or emails in schema {schema} need an id column of type uuid."
    return Permanent(f"{migration.name} was not applied: {_told(error)}{advice}", code="migration_failed")


def _told(error: asyncpg.PostgresError) -> str:
    return f"{error.args[0] if error.args else type(error).__name__} ({error.sqlstate})."


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
