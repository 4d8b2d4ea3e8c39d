"""What Supabase answers, or does not, becomes what to do next."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealpulse.errors import DealPulseError, NotFound, Permanent, Transient, Unavailable
from dealpulse.local.stack import Stack
from dealpulse.settings import Secret, SupabaseSettings
from dealpulse.store import open_store
from fakes.serving import serving

KEY = "e30.e30.e30"


class Board:
    """Notes what is said about dependencies."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def succeeded(self, dependency: str) -> None:
        self.said.append(f"{dependency} answered")

    def failed(self, dependency: str, reason: str) -> None:
        assert reason
        self.said.append(f"{dependency} failed")


def at(url: str, *, key: str = KEY, timeout: float = 5.0) -> SupabaseSettings:
    return SupabaseSettings(url=url, service_role_key=Secret(key), timeout=timeout)


def always(status: int, body: str, headers: Mapping[str, str] | None = None) -> Starlette:
    """A site that gives everybody the same answer."""

    async def answer(request: Request) -> Response:
        return Response(body, status_code=status, headers=headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PATCH", "DELETE"])])


@asynccontextmanager
async def listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The address of a server that lets `handle` do with each connection as it likes, then closes it."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await handle(reader, writer)
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*connections)


REFUSALS = [
    (503, '{"code": "PGRST002", "message": "schema cache"}', Unavailable, "unavailable"),
    (504, '{"code": "PGRST003"}', Unavailable, "unavailable"),
    (500, '{"code": "53300", "message": "too many clients"}', Unavailable, "unavailable"),
    (500, '{"code": "57P01"}', Unavailable, "unavailable"),
    (405, '{"code": "25006"}', Unavailable, "unavailable"),
    (502, "<html>Bad gateway</html>", Unavailable, "unavailable"),
    (520, "", Unavailable, "unavailable"),
    (500, '{"message": "An invalid response was received from the upstream server"}', Unavailable, "unavailable"),
    (429, "", Unavailable, "unavailable"),
    (500, '{"code": "40P01"}', Transient, "transaction_failed"),
    (500, '{"code": "40001"}', Transient, "transaction_failed"),
    (500, '{"code": "57014", "message": "statement timeout"}', Transient, "transaction_failed"),
    (401, '{"message": "Invalid API key", "hint": "Double check"}', Permanent, "key_refused"),
    (401, '{"code": "PGRST301"}', Permanent, "key_refused"),
    (401, '{"code": "PGRST303"}', Permanent, "key_refused"),
    (403, '{"code": "42501"}', Permanent, "key_refused"),
    (404, '{"code": "PGRST205"}', Permanent, "schema_outdated"),
    (404, '{"code": "42P01"}', Permanent, "schema_outdated"),
    (400, '{"code": "42703"}', Permanent, "schema_outdated"),
    (404, '{"code": "PGRST202"}', Permanent, "schema_outdated"),
    (406, '{"code": "PGRST106"}', Permanent, "schema_outdated"),
    (400, '{"code": "23502", "message": "null value in column \\"owner_id\\""}', Permanent, "column_required"),
    (409, '{"code": "23505"}', Permanent, "supabase_23505"),
    (409, '{"code": "23503"}', NotFound, "not_found"),
    (
        404,
        '{"code": "PT404", "message": "There is no such deal.", "details": "deal_not_found"}',
        NotFound,
        "deal_not_found",
    ),
    (413, "", Permanent, "request_too_large"),
    (404, "<html>Not here</html>", Permanent, "wrong_address"),
    (301, "", Permanent, "wrong_address"),
    (200, "<html>Welcome</html>", Permanent, "unexpected_answer"),
    (200, '[{"nothing": "we know"}]', Permanent, "unexpected_answer"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), REFUSALS)
async def test_each_refusal_says_what_to_do_next(status: int, body: str, kind: type[DealPulseError], code: str) -> None:
    board = Board()
    with serving(always(status, body)) as url:
        async with open_store(at(url), health=board) as store:
            with pytest.raises(DealPulseError) as refusal:
                await store.deals.all()

    assert type(refusal.value) is kind
    assert refusal.value.code == code
    if isinstance(refusal.value, Unavailable):
        assert refusal.value.dependency == "supabase"
        assert board.said == ["supabase failed"]
    else:
        assert "supabase failed" not in board.said


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, '{"statusCode": "404", "error": "not_found", "message": "Object not found"}', NotFound, "file_not_found"),
        (404, '{"code": "NoSuchKey", "message": "Object not found"}', NotFound, "file_not_found"),
        (400, '{"statusCode": "404", "error": "Bucket not found", "message": "..."}', NotFound, "file_not_found"),
        (404, "<html>Not here</html>", Permanent, "wrong_address"),
        (400, '{"statusCode": "403", "error": "Unauthorized", "message": "..."}', Permanent, "key_refused"),
        (400, '{"statusCode": "500", "error": "Internal", "message": "..."}', Unavailable, "unavailable"),
        (400, '{"statusCode": "429", "error": "SlowDown", "message": "..."}', Unavailable, "unavailable"),
        (544, '{"statusCode": "544", "error": "DatabaseTimeout", "message": "..."}', Unavailable, "unavailable"),
    ],
)
async def test_refusals_of_the_storage_count_by_the_status_in_their_body(
    tmp_path: Path, status: int, body: str, kind: type[DealPulseError], code: str
) -> None:
    with serving(always(status, body)) as url:
        async with open_store(at(url)) as store:
            with pytest.raises(DealPulseError) as refusal:
                await store.files.download("deal/k", tmp_path / "download")

    assert type(refusal.value) is kind
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        '{"statusCode": "409", "error": "Duplicate", "message": "The resource already exists"}',
        '{"statusCode": "409", "code": "KeyAlreadyExists", "error": "KeyAlreadyExists", "message": "..."}',
    ],
)
async def test_an_object_that_is_there_already_counts_as_uploaded(tmp_path: Path, body: str) -> None:
    (tmp_path / "file").write_text("text")
    with serving(always(400, body)) as url:
        async with open_store(at(url)) as store:
            await store.files.upload("deal/k", tmp_path / "file", content_type="text/plain")


async def test_the_time_to_wait_that_supabase_asks_for_is_kept() -> None:
    with serving(always(429, "", {"retry-after": "7"})) as url:
        async with open_store(at(url)) as store:
            with pytest.raises(Unavailable) as refusal:
                await store.deals.all()
    assert refusal.value.retry_after == 7.0


async def test_an_unreachable_supabase_is_unavailable_for_every_kind_of_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    board = Board()
    async with open_store(at("http://127.0.0.1:1"), health=board) as store:
        for call in (
            store.deals.all(),
            store.deals.create("Project Larkspur"),
            store.operations.stale(older_than=0, limit=1),
            store.files.upload("deal/k", tmp_path / "file", content_type="text/plain"),
            store.files.download("deal/k", tmp_path / "download"),
            store.files.delete(["deal/k"]),
            store.gaps(),
        ):
            with pytest.raises(Unavailable) as refusal:
                await call
            assert refusal.value.dependency == "supabase"
    assert set(board.said) == {"supabase failed"}


async def test_a_supabase_that_never_answers_is_unavailable() -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(keep_silent) as url, open_store(at(url, timeout=0.2)) as store:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await store.deals.all()


async def test_a_connection_that_was_closed_meanwhile_costs_nothing() -> None:
    answered: list[int] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered.append(len(answered))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]")
        await reader.readuntil(b"\r\n\r\n")

    async with listening(answer_once) as url, open_store(at(url)) as store:
        assert await store.deals.all() == []
        assert await store.deals.all() == []
    assert answered == [0, 1]


@pytest.mark.parametrize("url", ["db.example", "", "ftp://db.example"])
async def test_an_address_that_cannot_be_one_is_refused_at_once(url: str) -> None:
    with pytest.raises(Permanent, match="SUPABASE_URL"):
        async with open_store(at(url)):
            pass


async def test_a_key_that_is_not_the_service_roles_is_refused_with_advice(clean_stack: Stack) -> None:
    board = Board()
    for key in (KEY, "nonsense", clean_stack.anon_key, clean_stack.publishable_key):
        async with open_store(at(clean_stack.supabase_url, key=key), health=board) as store:
            with pytest.raises(Permanent, match="SUPABASE_SERVICE_ROLE_KEY") as refusal:
                await store.deals.all()
            assert refusal.value.code == "key_refused"
            assert key not in refusal.value.message


async def test_new_secret_keys_work_as_well(clean_stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    board = Board()
    async with open_store(at(clean_stack.supabase_url, key=clean_stack.secret_key), health=board) as store:
        await store.deals.create("Project Larkspur")
        await store.files.upload("deal/k", tmp_path / "file", content_type="text/plain")
        await store.files.download("deal/k", tmp_path / "download")
    assert set(board.said) == {"supabase answered"}


async def test_opening_warns_of_nothing_and_leaves_no_connection(clean_stack: Stack) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        async with open_store(at(clean_stack.supabase_url, key=clean_stack.service_role_key)) as store:
            await store.deals.all()
            await store.files.delete(["deal/k"])
    with pytest.raises(RuntimeError, match="closed"):
        await store.deals.all()
