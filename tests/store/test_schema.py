"""What this version needs, compared with what the migrations make and with what is there."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from dealpulse.models import (
    BlockerStatus,
    BriefStatus,
    DocumentState,
    FindingStatus,
    OperationState,
    Severity,
    SourceState,
    Verification,
)
from dealpulse.store import Store
from dealpulse.store.schema import NEEDED


async def test_needed_is_exactly_what_the_migrations_make(store: Store, database: asyncpg.Connection) -> None:
    rows = await database.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and (table_name = 'dealpulse_migrations'"
        " or obj_description(format('%I', table_name)::regclass, 'pg_class') = 'dealpulse')"
    )
    made: dict[str, set[str]] = {}
    for table, column in rows:
        made.setdefault(table, set()).add(column)

    assert {table: set(columns.split()) for table, columns in NEEDED.items()} == made


@pytest.mark.parametrize(
    ("table", "column", "members"),
    [
        ("sources", "state", SourceState),
        ("documents", "state", DocumentState),
        ("emails", "state", DocumentState),
        ("findings", "status", FindingStatus),
        ("findings", "severity", Severity),
        ("finding_citations", "severity", Severity),
        ("finding_citations", "verification", Verification),
        ("blockers", "status", BlockerStatus),
        ("blockers", "verification", Verification),
        ("blocker_mentions", "status", BlockerStatus),
        ("briefs", "status", BriefStatus),
        ("processing_operations", "state", OperationState),
    ],
)
async def test_the_database_allows_exactly_the_words_the_models_know(
    store: Store, database: asyncpg.Connection, table: str, column: str, members: type[Severity]
) -> None:
    check = await database.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = $1", f"{table}_{column}_check"
    )
    assert set(check.split("'")[1::2]) == {member.value for member in members}


async def test_nothing_is_missing_after_the_migrations(store: Store) -> None:
    assert await store.gaps() == []


@pytest.mark.parametrize(
    ("damage", "repair", "told"),
    [
        (
            "alter table briefs rename to old_briefs",
            "alter table old_briefs rename to briefs",
            "Table briefs is missing.",
        ),
        (
            "alter table emails rename column thread_key to old",
            "alter table emails rename column old to thread_key",
            "Column emails.thread_key is missing.",
        ),
        (
            "alter function ask_known_operations rename to old",
            "alter function old rename to ask_known_operations",
            "Function ask_known_operations is missing.",
        ),
        (
            "update dealpulse_migrations set name = 'x' where name = '002_functions.sql'",
            "update dealpulse_migrations set name = '002_functions.sql' where name = 'x'",
            "Migration 002_functions.sql is not applied.",
        ),
    ],
)
async def test_what_is_missing_is_named(
    store: Store, database: asyncpg.Connection, damage: str, repair: str, told: str
) -> None:
    await database.execute(damage)
    try:
        async with asyncio.timeout(15):
            while not (missing := await store.gaps()):
                await asyncio.sleep(0.02)
        assert missing == [told]
    finally:
        await database.execute(repair)
        assert await store.wait_for_schema() == []
