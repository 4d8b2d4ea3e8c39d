"""The embedded stack for the tests: one for the whole session, emptied before each test that asks for a clean one."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import pytest
from hypothesis import settings
from redis import Redis

from dealpulse.local.stack import Stack, running_stack
from dealpulse.store.migrate import apply_migrations

Result = TypeVar("Result")

# The same examples in every run: what a change broke, not the dice, decides. `make explore` throws them.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Not every machine has a browser: `make test-browser` names the folder, and only then it is looked into.
collect_ignore = [] if os.environ.get("BROWSER_TESTS") else ["browser"]

# The migrations' own ledger keeps its rows, or they would be applied again.
_EMPTY_EVERY_TABLE = """
do $$
declare
  filled text[] := '{}';
  candidate text;
  holds_rows boolean;
begin
  for candidate in
    select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname in ('public', 'auth') and tablename <> 'dealpulse_migrations'
  loop
    execute 'select exists (select from ' || candidate || ')' into holds_rows;
    if holds_rows then filled := filled || candidate; end if;
  end loop;
  if filled <> '{}' then
    execute 'truncate ' || array_to_string(filled, ', ') || ' restart identity cascade';
  end if;
end
$$
"""


class _Loop:
    """An event loop in a thread of its own: what synchronous fixtures await, whatever loop the test runs on."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fixtures", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[None, None, Result]) -> Result:
        """The result of `work`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def fixture_loop() -> Iterator[_Loop]:
    """Runs coroutines for synchronous fixtures."""
    loop = _Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def data_dir_for_session() -> Iterator[Path]:
    """A folder that Postgres can reach as user nobody too, which pytest's own private ones are not."""
    folder = Path(tempfile.mkdtemp(prefix="dealpulse-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack(data_dir_for_session: Path, fixture_loop: _Loop) -> Iterator[Stack]:
    """A running stack with our migrations applied; tests share it, so ask for `clean_stack` to find it empty."""

    def migrate(database_url: str) -> None:
        fixture_loop.run(apply_migrations(database_url))

    with running_stack(data_dir_for_session, durable=False, prepare_database=migrate) as stack:
        yield stack


@pytest.fixture(scope="session")
def _eraser(stack: Stack, fixture_loop: _Loop) -> Iterator[_Eraser]:
    eraser = _Eraser(stack, fixture_loop)
    yield eraser
    eraser.close()


@pytest.fixture
def clean_stack(stack: Stack, _eraser: _Eraser) -> Stack:
    """The session's stack with empty tables, an empty Redis and no stored objects (buckets stay)."""
    _eraser.empty()
    return stack


class _Eraser:
    """Keeps one connection to each part, so that emptying all of it takes milliseconds."""

    def __init__(self, stack: Stack, loop: _Loop) -> None:
        self._loop = loop
        self._database = loop.run(asyncpg.connect(stack.database_url))
        self._redis = Redis.from_url(stack.redis_url)
        key = stack.service_role_key
        headers = {"apikey": key, "authorization": f"Bearer {key}"}
        self._storage = httpx.Client(base_url=f"{stack.supabase_url}/storage/v1", headers=headers)

    def empty(self) -> None:
        """Nothing of earlier tests is left."""
        self._loop.run(self._database.execute(_EMPTY_EVERY_TABLE))
        self._redis.flushdb()
        for bucket in self._storage.get("/bucket").raise_for_status().json():
            self._storage.post(f"/bucket/{bucket['id']}/empty").raise_for_status()

    def close(self) -> None:
        """End the connections."""
        self._loop.run(self._database.close())
        self._redis.close()
        self._storage.close()
