"""Migrations on databases of their own: repeated, at once, beside an app's tables, broken off, and refused."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from dealpulse.errors import Permanent, Unavailable
from dealpulse.local.stack import Stack
from dealpulse.store.migrate import (
    Migration,
    MigrationState,
    apply_migrations,
    migration_status,
    packaged_migrations,
    planned_migrations,
)

NAMES = [migration.name for migration in packaged_migrations()]

THE_APPS_TABLES = """
create table deals (
  id uuid primary key default gen_random_uuid(),
  name varchar(80) not null,
  owner_id uuid not null,
  status text not null default 'draft' check (status in ('draft', 'active', 'closed'))
);
create table documents (
  id uuid primary key default gen_random_uuid(),
  deal_id uuid references deals,
  file_name text,
  summary text
);
alter table documents enable row level security;
create policy "owners only" on documents using (deal_id in (select id from deals));
grant select on documents to public;
insert into deals (name, owner_id) values ('Theirs', gen_random_uuid());
insert into documents (deal_id, file_name, summary) select id, 'theirs.pdf', 'short' from deals;
"""


def address(stack: Stack, *, database: str | None = None, user: str | None = None, password: str | None = None) -> str:
    """The stack's Postgres with another database or user."""
    parts = urlsplit(stack.database_url)
    login = f"{user}:{password}" if user else parts.netloc.rpartition("@")[0]
    return f"postgresql://{login}@{parts.hostname}:{parts.port}/{database or parts.path[1:]}"


@pytest.fixture
async def superuser(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def url(stack: Stack, superuser: asyncpg.Connection) -> AsyncIterator[str]:
    """An empty database, gone after the test."""
    name = f"t{uuid.uuid4().hex}"
    await superuser.execute(f"create database {name}")
    yield address(stack, database=name)
    await superuser.execute(f"drop database {name} with (force)")


@pytest.fixture
async def inside(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_migrations_are_applied_in_order_and_only_once(url: str, inside: asyncpg.Connection) -> None:
    assert await planned_migrations(url) == NAMES
    assert await apply_migrations(url) == NAMES
    before = await catalogue(inside)

    assert await planned_migrations(url) == []
    assert await apply_migrations(url) == []
    assert await catalogue(inside) == before


async def test_looking_changes_nothing(url: str, inside: asyncpg.Connection) -> None:
    before = await catalogue(inside)

    await planned_migrations(url)
    await migration_status(url)

    assert await catalogue(inside) == before


async def test_several_runners_at_once_apply_each_file_once(url: str) -> None:
    applied = await asyncio.gather(*(apply_migrations(url) for _ in range(5)))

    assert sorted(name for names in applied for name in names) == NAMES


async def test_the_apps_own_tables_only_gain_columns(url: str, inside: asyncpg.Connection) -> None:
    await inside.execute(THE_APPS_TABLES)
    before = {table: await description(inside, table) for table in ("deals", "documents")}
    deal, document = await inside.fetchrow("select * from deals"), await inside.fetchrow("select * from documents")
    assert deal is not None
    assert document is not None

    await apply_migrations(url)

    for table, was in before.items():
        now = await description(inside, table)
        assert now["security"] == was["security"]
        assert now["policies"] == was["policies"]
        assert now["rights"] == was["rights"]
        assert now["columns"].items() >= was["columns"].items()
        assert set(now["constraints"]) >= set(was["constraints"])
    deal_now, document_now = (
        await inside.fetchrow("select * from deals"),
        await inside.fetchrow("select * from documents"),
    )
    assert dict(deal_now or {}).items() >= dict(deal).items()
    assert dict(document_now or {}).items() >= dict(document).items()
    assert dict(document_now or {})["state"] == "new"
    assert await inside.fetchval("select relrowsecurity from pg_class where relname = 'emails'")


async def test_app_tables_unfit_for_ours_are_left_alone_with_advice(url: str, inside: asyncpg.Connection) -> None:
    await inside.execute("create table deals (id bigint primary key)")
    before = await catalogue(inside)

    with pytest.raises(Permanent, match="uuid") as refusal:
        await apply_migrations(url)

    assert refusal.value.code == "migration_failed"
    assert await catalogue(inside) == before


async def test_a_name_the_app_already_uses_is_refused_with_advice(url: str, inside: asyncpg.Connection) -> None:
    await inside.execute("create table findings (id uuid)")

    with pytest.raises(Permanent, match="SUPABASE_SCHEMA"):
        await apply_migrations(url)


async def test_a_schema_of_its_own_is_made_and_nothing_outside_it(url: str, inside: asyncpg.Connection) -> None:
    await inside.execute("create table deals (theirs int)")

    assert await apply_migrations(url, schema='deal"pulse') == NAMES

    outside = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    assert [row["relname"] for row in await inside.fetch(outside)] == ["deals"]
    assert await inside.fetchval("""select count(*) from "deal""pulse".documents""") == 0
    assert await apply_migrations(url, schema='deal"pulse') == []


async def test_a_file_that_fails_leaves_nothing_and_those_before_it_stay(url: str, inside: asyncpg.Connection) -> None:
    files = [
        Migration("001.sql", "create table whole ();"),
        Migration("002.sql", "create table half (); select 1 / 0;"),
    ]

    with pytest.raises(Permanent, match=r"002\.sql.*22012"):
        await apply_migrations(url, migrations=files)

    assert await tables(inside) == {"whole", "dealpulse_migrations"}
    assert await planned_migrations(url, migrations=files) == ["002.sql"]


async def test_a_runner_that_is_killed_leaves_nothing_half_done(
    url: str, inside: asyncpg.Connection, superuser: asyncpg.Connection
) -> None:
    files = [Migration("001.sql", "create table half (); select pg_sleep(600);")]
    runner = asyncio.create_task(apply_migrations(url, migrations=files))
    sleeping = "select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = $1"
    async with asyncio.timeout(20):
        while (pid := await superuser.fetchval(sleeping, urlsplit(url).path[1:])) is None:
            await asyncio.sleep(0.01)

    await superuser.execute("select pg_terminate_backend($1)", pid)

    with pytest.raises(Unavailable):
        await runner
    assert await tables(inside) == set()
    assert await apply_migrations(url, migrations=[Migration("001.sql", "create table half ();")]) == ["001.sql"]


async def test_a_changed_file_is_refused_before_anything_is_applied(url: str, inside: asyncpg.Connection) -> None:
    await apply_migrations(url, migrations=[Migration("001.sql", "create table one ();")])
    changed = [Migration("001.sql", "create table uno ();"), Migration("002.sql", "create table two ();")]

    for ask in (apply_migrations, planned_migrations):
        with pytest.raises(Permanent, match=r"001\.sql") as refusal:
            await ask(url, migrations=changed)
        assert refusal.value.code == "migration_changed"
    assert await tables(inside) == {"one", "dealpulse_migrations"}


async def test_the_status_tells_applied_pending_changed_and_unknown_apart(url: str) -> None:
    await apply_migrations(url, migrations=[Migration(f"00{n}.sql", f"create table t{n} ();") for n in (1, 2, 9)])
    mine = [Migration("001.sql", "create table t1 ();"), Migration("002.sql", "-- changed"), Migration("003.sql", "")]

    status = await migration_status(url, migrations=mine)

    assert [(one.name, one.state) for one in status] == [
        ("001.sql", MigrationState.applied),
        ("002.sql", MigrationState.changed),
        ("003.sql", MigrationState.pending),
        ("009.sql", MigrationState.unknown),
    ]
    assert [one.applied_at is None for one in status] == [False, False, True, False]


async def test_a_user_without_the_rights_is_told_which_user_to_use(
    stack: Stack, url: str, superuser: asyncpg.Connection
) -> None:
    user = f"u{uuid.uuid4().hex}"
    await superuser.execute(f"create role {user} login password 'pw'")
    try:
        limited = address(stack, database=urlsplit(url).path[1:], user=user, password="pw")
        for schema in ("public", "another"):
            with pytest.raises(Permanent, match="DATABASE_URL") as refusal:
                await apply_migrations(limited, schema=schema)
            assert refusal.value.code == "insufficient_privilege"
    finally:
        await superuser.execute(f"drop role {user}")


async def test_addresses_that_cannot_work_say_why_without_the_password(
    stack: Stack, superuser: asyncpg.Connection
) -> None:
    user = f"u{uuid.uuid4().hex}"
    await superuser.execute(f"create role {user} login password 'right'")
    cases: list[tuple[str, type[Exception], str]] = [
        (address(stack, user=user, password="hunter2"), Permanent, "database_login_refused"),
        (address(stack, database="nowhere"), Permanent, "database_url_invalid"),
        ("https://hunter2@db.example", Permanent, "database_url_invalid"),
        ("postgresql://postgres:hunter2@127.0.0.1:1/postgres", Unavailable, "unavailable"),
        ("postgresql://postgres:hunter2@nowhere.invalid/postgres", Unavailable, "unavailable"),
    ]
    try:
        for wrong, kind, code in cases:
            with pytest.raises((Permanent, Unavailable)) as refusal:
                await apply_migrations(wrong)
            assert isinstance(refusal.value, kind)
            assert refusal.value.code == code
            assert "hunter2" not in refusal.value.message
    finally:
        await superuser.execute(f"drop role {user}")


async def tables(connection: asyncpg.Connection) -> set[str]:
    query = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    return {row["relname"] for row in await connection.fetch(query)}


async def catalogue(connection: asyncpg.Connection) -> list[str]:
    """Everything there is outside Postgres' own schemas."""
    query = """
    select 'relation ' || c.oid::regclass || ' ' || c.relkind::text || ' ' || c.relrowsecurity
      || coalesce(c.relacl::text, '')
    from pg_class c where c.relnamespace = 'public'::regnamespace
    union all select 'column ' || a.attrelid::regclass || '.' || a.attname || ' '
      || format_type(a.atttypid, a.atttypmod)
    from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'public'::regnamespace
    union all select 'function ' || p.oid::regprocedure || coalesce(p.proacl::text, '') || md5(p.prosrc)
    from pg_proc p where p.pronamespace = 'public'::regnamespace
    union all select 'policy ' || tablename || ' ' || policyname from pg_policies
    union all select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp'
    order by 1
    """
    return [row[0] for row in await connection.fetch(query)]


async def description(connection: asyncpg.Connection, table: str) -> dict[str, dict[str, object]]:
    """What an app would notice if it changed."""
    columns = await connection.fetch(
        "select column_name, data_type || is_nullable || coalesce(column_default, '') as says"
        " from information_schema.columns where table_name = $1 and table_schema = 'public'",
        table,
    )
    constraints = await connection.fetch(
        "select conname, pg_get_constraintdef(oid) as says from pg_constraint where conrelid = $1::regclass", table
    )
    policies = await connection.fetch("select policyname, qual from pg_policies where tablename = $1", table)
    facts = await connection.fetchrow(
        "select relrowsecurity, relacl::text from pg_class where oid = $1::regclass", table
    )
    return {
        "columns": {row["column_name"]: row["says"] for row in columns},
        "constraints": {row["conname"] + row["says"]: None for row in constraints},
        "policies": {row["policyname"]: row["qual"] for row in policies},
        "security": {"on": dict(facts or {})["relrowsecurity"]},
        "rights": {"acl": dict(facts or {})["relacl"]},
    }
