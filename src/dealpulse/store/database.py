"""Rows in and out of PostgREST: every query of the store passes through here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import httpx
import msgspec
from supabase import AsyncClient

from dealpulse.errors import Permanent, Unavailable
from dealpulse.store.faults import DEPENDENCY, URL_ADVICE, transport_fault

Value = TypeVar("Value")
Row = Mapping[str, object]

SERVER_NOW: Final = "now"
"""What Postgres reads as the transaction's own time where a time is expected."""

PAGE_ROWS: Final = 1000
"""Supabase never sends more rows at once, and does not say when it left some out."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class HealthBoard(Protocol):
    """Who wants to know whether Supabase answered."""

    def succeeded(self, dependency: str) -> None: ...

    def failed(self, dependency: str, reason: str) -> None: ...


class _Response(Protocol):
    @property
    def data(self) -> Any: ...


class Query(Protocol):
    """A query that is ready to be sent, as supabase-py builds it; sending it twice is allowed."""

    def execute(self) -> Awaitable[_Response]: ...


class Database:
    """Queries and function calls against one Supabase project.

    Raises (all methods): ``Unavailable`` (dependency ``supabase``), ``Transient``, ``NotFound``, ``Permanent``.
    """

    def __init__(self, client: AsyncClient, *, health: HealthBoard | None = None) -> None:
        self.client = client
        self._health = health

    async def attempt(self, work: Callable[[], Awaitable[Value]]) -> Value:
        """What ``work`` returns, its transport errors as ours, its outcome on the health board.

        Tried once more at once when the connection was dropped: a kept-alive connection may close at any moment, and
        everything the store does may be done twice.
        """
        try:
            try:
                result = await work()
            except _DROPPED:
                result = await work()
        except httpx.HTTPError as error:
            fault = transport_fault(error)
            if isinstance(fault, Unavailable):
                self._failed(fault)
            raise fault from error
        except Unavailable as error:
            self._failed(error)
            raise
        except httpx.InvalidURL as error:
            raise Permanent(URL_ADVICE, code="wrong_address") from error
        if self._health is not None:
            self._health.succeeded(DEPENDENCY)
        return result

    async def rows(self, query: Query, row_type: type[Value]) -> list[Value]:
        """The rows ``query`` finds, at most ``PAGE_ROWS``."""
        return [from_row(row, row_type) for row in await self._found(query)]

    async def first(self, query: Query, row_type: type[Value]) -> Value | None:
        """The first row ``query`` finds."""
        found = await self._found(query)
        return from_row(found[0], row_type) if found else None

    async def every(
        self,
        table: str,
        columns: str,
        row_type: type[Value],
        *,
        narrow: Callable[[Any], Any],
        key: str = "id",
        page_rows: int = PAGE_ROWS,
    ) -> list[Value]:
        """All rows of ``table`` that ``narrow`` leaves, in the order of ``key``, which must be unique among them.

        Each page starts after the last key of the one before, so rows written meanwhile shift nothing.
        """
        values: list[Value] = []
        after: object = None
        while True:
            query = narrow(self.client.table(table).select(columns)).order(key).limit(page_rows)
            page = await self._found(query if after is None else query.gt(key, after))
            values.extend(from_row(row, row_type) for row in page)
            if len(page) < page_rows:
                return values
            after = page[-1][key]

    async def call(self, function: str, returns: type[Value], **parameters: object) -> Value:
        """What the database function answers; ``parameters`` are values, sequences or structs."""
        sent = storable({f"p_{name}": msgspec.to_builtins(value) for name, value in parameters.items()})
        response = await self.attempt(lambda: self.client.rpc(function, sent).execute())
        return converted(response.data, returns)

    async def perform(self, function: str, **parameters: object) -> None:
        """Call a database function that answers nothing."""
        await self.call(function, Any, **parameters)

    async def write(self, query: Query) -> int:
        """Carry out an insert, update or upsert; returns the number of rows it touched."""
        return len(await self._found(query))

    async def _found(self, query: Query) -> Sequence[Row]:
        response = await self.attempt(query.execute)
        return converted(response.data, list[dict[str, Any]])

    def _failed(self, fault: Unavailable) -> None:
        if self._health is not None:
            self._health.failed(DEPENDENCY, fault.message)


def is_uuid(text: str) -> bool:
    """Whether Postgres would take ``text`` for an id as we write them."""
    return _UUID.fullmatch(text) is not None


def from_row(row: Row, row_type: type[Value]) -> Value:
    """A row as a value; null columns take the value's default."""
    return converted({name: value for name, value in row.items() if value is not None}, row_type)


def converted(data: object, wanted: type[Value]) -> Value:
    """``data`` checked and built into ``wanted``. Raises Permanent where it does not fit."""
    try:
        return msgspec.convert(data, wanted, strict=False)
    except msgspec.ValidationError as error:
        name = getattr(wanted, "__name__", str(wanted))
        raise Permanent(f"Supabase sent what is no {name}.", code="unexpected_answer") from error


def storable(value: Any) -> Any:
    """``value`` with every character Postgres or UTF-8 cannot hold replaced, so that all offsets stay true."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("�", value) if _UNSTORABLE.search(value) else value
    if isinstance(value, Mapping):
        return {storable(name): storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
