"""PostgREST behind the gateway, as supabase-py sees it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import asyncpg
import httpx
import jwt
import pytest
from postgrest import CountMethod
from postgrest.exceptions import APIError
from supabase import AsyncClient

from dealpulse.local.stack import Stack

from .conftest import OpenClient

OWNER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOTES = """
    create table notes (id int primary key, owner uuid, body text);
    alter table notes enable row level security;
    create policy owners_read on notes for select to authenticated using (owner = auth.uid());
    insert into notes values (1, '7c9e6679-7425-40de-944b-e07fc1f90ae7', 'mine'), (2, gen_random_uuid(), 'theirs');
"""


@pytest.fixture
async def notes(clean_stack: Stack) -> AsyncIterator[str]:
    """A table with row level security: a signed-in user reads their own rows."""
    table = f"notes_{uuid.uuid4().hex}"
    database = await asyncpg.connect(clean_stack.database_url)
    await database.execute(NOTES.replace("notes", table))
    await known_to_rest(clean_stack, f"/{table}")
    yield table
    await database.execute(f"drop table {table}")
    await database.close()


async def known_to_rest(stack: Stack, path: str) -> None:
    """Return once PostgREST, which the database tells of every change, lists `path`."""
    deadline = time.monotonic() + 10
    async with httpx.AsyncClient(headers={"apikey": stack.service_role_key}) as http:
        while path not in (await http.get(f"{stack.supabase_url}/rest/v1/")).json()["paths"]:
            assert time.monotonic() < deadline, f"PostgREST never heard of {path}"
            await asyncio.sleep(0.01)


async def ids(client: AsyncClient, table: str) -> list[object]:
    """The ids a client can read."""
    answer = await client.table(table).select("id").order("id").execute()
    return [row["id"] for row in answer.data if isinstance(row, dict)]


def token(stack: Stack, **claims: object) -> str:
    """A signed-in user's token."""
    return jwt.encode({"exp": time.time() + 60, **claims}, stack.jwt_secret, algorithm="HS256")


async def test_the_service_role_sees_all_rows_anon_none(
    clean_stack: Stack, notes: str, open_client: OpenClient
) -> None:
    assert await ids(await open_client(clean_stack, clean_stack.service_role_key), notes) == [1, 2]
    assert await ids(await open_client(clean_stack, clean_stack.anon_key), notes) == []


async def test_opaque_keys_stand_for_the_same_roles(clean_stack: Stack, notes: str, open_client: OpenClient) -> None:
    assert await ids(await open_client(clean_stack, clean_stack.secret_key), notes) == [1, 2]
    assert await ids(await open_client(clean_stack, clean_stack.publishable_key), notes) == []


async def test_a_signed_in_user_sees_what_policies_over_auth_uid_allow(
    clean_stack: Stack, notes: str, open_client: OpenClient
) -> None:
    user = token(clean_stack, sub=OWNER, role="authenticated")
    client = await open_client(clean_stack, clean_stack.anon_key, bearer=user)
    assert await ids(client, notes) == [1]


async def test_anon_cannot_write_under_row_level_security(
    clean_stack: Stack, notes: str, open_client: OpenClient
) -> None:
    client = await open_client(clean_stack, clean_stack.anon_key)
    with pytest.raises(APIError) as refused:
        await client.table(notes).insert({"id": 3}).execute()
    assert refused.value.code == "42501"


async def test_the_service_role_writes_updates_counts_and_deletes(service: AsyncClient, notes: str) -> None:
    new: list[dict[str, object]] = [{"id": 3, "body": "new, with ünïcode and, commas"}, {"id": 4, "body": None}]
    await service.table(notes).upsert(new).execute()
    await service.table(notes).update({"body": "x"}).eq("id", 4).execute()
    await service.table(notes).delete().eq("id", 1).execute()
    answer = await service.table(notes).select("id", count=CountMethod.exact).limit(1).execute()
    assert (answer.count, len(answer.data)) == (3, 1)
    found = await service.table(notes).select("body").eq("body", "new, with ünïcode and, commas").execute()
    assert len(found.data) == 1


async def test_an_answer_stops_at_a_thousand_rows(clean_stack: Stack, service: AsyncClient, notes: str) -> None:
    many: list[dict[str, object]] = [{"id": number} for number in range(10, 1510)]
    await service.table(notes).insert(many).execute()
    answer = await service.table(notes).select("id", count=CountMethod.exact).execute()
    assert (len(answer.data), answer.count) == (1000, 1502)


async def test_counting_by_head_spoils_no_later_request(service: AsyncClient, notes: str) -> None:
    for _ in range(60):
        counted = await service.table(notes).select("id", count=CountMethod.exact, head=True).execute()
        assert counted.count == 2
        assert await ids(service, notes) == [1, 2]


async def test_functions_are_called(clean_stack: Stack, service: AsyncClient, notes: str) -> None:
    database = await asyncpg.connect(clean_stack.database_url)
    name = f"twice_{uuid.uuid4().hex}"
    await database.execute(f"create function {name}(n int) returns int language sql as 'select 2 * n'")
    deadline = time.monotonic() + 10
    while True:
        try:
            answer = await service.rpc(name, {"n": 21}).execute()
        except APIError as fault:
            if fault.code != "PGRST202" or time.monotonic() > deadline:  # not heard of yet
                raise
            await asyncio.sleep(0.01)
        else:
            break
    assert answer.data == 42
    await database.execute(f"drop function {name}")
    await database.close()


async def test_a_request_without_a_known_key_is_refused(clean_stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=f"{clean_stack.supabase_url}/rest/v1") as http:
        without = await http.get("/anything")
        unknown = await http.get("/anything", headers={"apikey": "sb_secret_guessed"})
    assert (without.status_code, unknown.status_code) == (401, 401)
    assert "code" not in without.json()


async def test_an_expired_token_is_refused_by_its_code(clean_stack: Stack, open_client: OpenClient) -> None:
    user = token(clean_stack, role="authenticated", exp=1)
    client = await open_client(clean_stack, clean_stack.anon_key, bearer=user)
    with pytest.raises(APIError) as refused:
        await client.table("anything").select("*").execute()
    assert refused.value.code in {"PGRST301", "PGRST303"}


async def test_the_database_wants_its_password(clean_stack: Stack) -> None:
    url = httpx.URL(clean_stack.database_url.replace("postgresql://", "http://"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(host=url.host, port=url.port, user="postgres", password="guess", database="postgres")


@pytest.mark.parametrize("extension", ["pg_trgm", "vector", "citext"])
async def test_extensions_that_migrations_may_use_are_there(clean_stack: Stack, extension: str) -> None:
    database = await asyncpg.connect(clean_stack.database_url)
    names = [row["name"] for row in await database.fetch("select name from pg_available_extensions")]
    await database.close()
    assert extension in names
