"""What chaos is made of: a durable Redis of its own, a table that refuses nothing, and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from arq.connections import ArqRedis

from chaos.crew import Crew, Database, crew
from chaos.program import ROWS
from chaos.valkey import Valkey, running_valkey
from dealpulse.local.stack import Stack
from dealpulse.queue import QueueClient, create_pool


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Valkey]:
    async with running_valkey(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture
async def pool(redis: Valkey) -> AsyncIterator[ArqRedis]:
    opened = await create_pool(redis.settings)
    yield opened
    await opened.aclose(close_connection_pool=True)


@pytest.fixture
def client(pool: ArqRedis) -> QueueClient:
    return QueueClient(pool)


@pytest.fixture
async def database(clean_stack: Stack) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(clean_stack.database_url)
    await connection.execute(
        f"""
        create schema chaos;
        create table {ROWS} (
          job text, pid int, what text, at timestamptz default clock_timestamp()
        )
        """
    )
    yield connection
    await connection.execute("drop schema chaos cascade")
    await connection.close()


@pytest.fixture
async def workers(clean_stack: Stack, redis: Valkey, database: Database, tmp_path: Path) -> AsyncIterator[Crew]:
    environment = clean_stack.environment() | {
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}",
        "REDIS_SOCKET_TIMEOUT": "1",
        "DOCUMENT_CONCURRENCY": "10",
    }
    async with crew(environment, tmp_path) as hired:
        yield hired
