"""The API beside a bare route, an empty system beside a full one, a thousand listeners: ``make bench-api``.

The bare route does one Redis round trip and one PostgREST read, in a process of its own on the same stack; the two are
measured in turn. Prints each figure as it is known, then a Markdown table, and writes ``bench-api.json``.

    ONLY=enqueue,search make bench-api
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from rich.console import Console

from benchmarks.aims import reached
from benchmarks.api import filling
from benchmarks.api.load import Connection, Measured, connected, get, load, post
from benchmarks.api.servers import TOKEN, Server, api, bare, stack
from benchmarks.processes import ROOT, Failed
from benchmarks.rows import Row
from benchmarks.tables import figure, table
from dealpulse.jobs import QUEUES

BARE: Final = "bare route"
EMPTY: Final = "empty system"
ROUNDS: Final = 5
REQUESTS: Final = 1_500
AT_ONCE: Final = 20
WAITING: Final = 100_000
LOOKS: Final = 100
SEARCHES: Final = 100
LISTENERS: Final = 1_000

Rows = AsyncIterator[Row]


# --- enqueue ----------------------------------------------------------------------------------------------------------


async def enqueue_rows() -> Rows:
    """Enqueue requests a second, each a document of its own, in turn with the bare route."""
    with stack() as running, api(running) as ours, bare(running) as least:
        await filling.documents(running, ROUNDS * REQUESTS // 5 + REQUESTS)
        theirs, mine = [], []
        for number in range(ROUNDS):
            bodies = [_body(number * REQUESTS + n) for n in range(REQUESTS)]
            theirs.append(await load(least.port, [post("/bare", TOKEN, body) for body in bodies], at_once=AT_ONCE))
            requests = [post("/api/queue/document", TOKEN, body) for body in bodies]
            mine.append(await load(ours.port, requests, at_once=AT_ONCE))
        rate, bare_rate = (statistics.median(one.per_second for one in each) for each in (mine, theirs))
        yield Row("enqueue, 20 at once", "requests/s", rate, {BARE: bare_rate}, "")
        ratios = [one.per_second / other.per_second for one, other in zip(mine, theirs, strict=True)]
        yield Row("enqueue, of the bare route", "x", statistics.median(ratios), {}, ">= 0.8")
        for share in (0.5, 0.99):
            slow, bare_slow = (statistics.median(one.percentile(share) for one in each) for each in (mine, theirs))
            yield Row(f"enqueue, p{share * 100:g}", "ms", slow, {BARE: bare_slow}, "")
        alone, bare_alone = await _one_at_a_time(ours, least)
        yield Row("enqueue, one at a time, p50", "ms", alone.percentile(0.5), {BARE: bare_alone.percentile(0.5)}, "")
        batch = {"jobs": [{"queue": "documentProcessing", **_body(number)} for number in range(1_000)]}
        many = await load(ours.port, [post("/api/jobs", TOKEN, batch)] * 5, at_once=1)
        yield Row("1,000 jobs in one request", "ms", many.percentile(0.5), {}, "")


async def _one_at_a_time(ours: Server, least: Server) -> tuple[Measured, Measured]:
    bodies = [_body(ROUNDS * REQUESTS + number) for number in range(300)]
    bare_alone = await load(least.port, [post("/bare", TOKEN, body) for body in bodies], at_once=1)
    return await load(ours.port, [post("/api/queue/document", TOKEN, body) for body in bodies], at_once=1), bare_alone


def _body(number: int) -> dict[str, str]:
    job = filling.job(number)
    return {"documentId": job.document_id, "dealId": job.deal_id, "operation": job.name.value}


# --- an empty system and a full one -----------------------------------------------------------------------------------


async def overview_rows() -> Rows:
    """The same questions asked in turn of an empty system, and of one with 100,000 jobs and everything kept."""
    with stack() as running, stack() as nothing, api(running) as full, api(nothing) as empty:
        await filling.history(running)
        await filling.documents(running, WAITING // 5)
        await filling.waiting(running, WAITING)
        for name, requests in _LOOKS.items():
            rounds = [(await _look(full, requests), await _look(empty, requests)) for _ in range(LOOKS)][LOOKS // 10 :]
            ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
            yield Row(f"{name}, {WAITING:,} waiting, p50", "ms", ours, {EMPTY: theirs}, "")
            aim = "<= 1.5" if name in _AIMED else ""
            yield Row(f"{name}, of an empty system", "x", ours / theirs, {}, aim)
        async with connected(full.port) as connection:
            yield Row("overview page", "KB", len(await _success(connection, _PAGE)) / 1000, {}, "<= 100")


async def _look(at: Server, requests: Sequence[bytes]) -> float:
    """How long all of them take, one after the other, in ms."""
    async with connected(at.port) as connection:
        began = time.perf_counter()
        for request in requests:
            await _success(connection, request)
        return (time.perf_counter() - began) * 1000


_PAGE: Final = get("/", TOKEN).replace(b"Host:", b"Accept: text/html\r\nHost:")
_STATS: Final = (get("/api/queue/stats", TOKEN),)
_LOOKS: Final[Mapping[str, Sequence[bytes]]] = {
    "stats": _STATS,
    "overview page": (_PAGE,),
    "the overview's figures by the API": (
        *_STATS,
        *(get(f"/api/queue/{queue.slug}/series", TOKEN) for queue in QUEUES),
        get("/api/workers", TOKEN),
        get("/api/limits", TOKEN),
        get("/api/alerts", TOKEN),
    ),
    "dead letters by fault": (get("/api/queue/document/dead", TOKEN),),
    "series of 24 h": (get("/api/queue/document/series", TOKEN, last="1440"),),
    "metrics": (get("/metrics", TOKEN),),
}
_AIMED: Final = ("stats", "overview page", "the overview's figures by the API")


# --- search -----------------------------------------------------------------------------------------------------------


async def search_rows() -> Rows:
    """Job search over 100,000 jobs and the kept history."""
    with stack() as running, api(running) as ours:
        await filling.history(running)
        await filling.documents(running, WAITING // 5)
        await filling.waiting(running, WAITING)
        for name, requests in _searches().items():
            found = await load(ours.port, requests, at_once=1)
            yield Row(f"search by {name}, p95", "ms", found.percentile(0.95), {}, "<= 100")
        yield await _paging(ours)


def _searches() -> dict[str, list[bytes]]:
    jobs = [filling.job(number) for number in filling.numbers(SEARCHES, WAITING)]
    hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    def asked(**query: str) -> bytes:
        return get("/api/jobs", TOKEN, **query)

    return {
        "id": [asked(id=job.id) for job in jobs],
        "deal": [asked(dealId=job.deal_id) for job in jobs],
        "document": [asked(documentId=job.document_id) for job in jobs],
        "type": [asked(operation=job.name.value) for job in jobs],
        "state": [asked(state=state) for state in ("waiting", "failed", "completed", "delayed") for _ in jobs[:25]],
        "deal and state": [asked(dealId=job.deal_id, state="waiting") for job in jobs],
        "error class": [asked(errorClass=name) for name in ("Permanent", "Transient", "Nothing") for _ in jobs[:33]],
        "time": [asked(since=hour_ago, state="completed,failed,waiting") for _ in jobs],
        "text, kept history": [asked(text=f"fault_{number % 20} in the") for number in range(SEARCHES)],
        "text nobody said": [asked(text="zebra") for _ in jobs],
    }


async def _paging(ours: Server) -> Row:
    times: list[float] = []
    async with connected(ours.port) as connection:
        after: str | None = None
        for _ in range(SEARCHES):
            query = {"queue": "document", "state": "waiting", "limit": "50", **({"after": after} if after else {})}
            began = time.perf_counter()
            body = await _success(connection, get("/api/jobs", TOKEN, **query))
            times.append((time.perf_counter() - began) * 1000)
            after = json.loads(body)["next"]
    return Row("the hundredth page of what waits, p95 of all", "ms", Measured(1, times).percentile(0.95), {}, "<= 100")


async def _success(connection: Connection, request: bytes) -> bytes:
    answer = await connection.ask(request)
    if answer.status != 200:
        raise Failed(f"{request[:120]!r} was answered {answer.status}: {answer.body[:300]!r}")
    return answer.body


# --- listeners --------------------------------------------------------------------------------------------------------


async def events_rows() -> Rows:
    """A thousand clients of the event stream of one process, and how soon all of them hear of an event."""
    with stack() as running, api(running) as ours:
        await filling.documents(running, 100)
        before = ours.resident_mb
        async with AsyncExitStack() as open_streams:
            listeners = [await open_streams.enter_async_context(_listening(ours)) for _ in range(LISTENERS)]
            await asyncio.sleep(12)  # long enough for each to have heard a heartbeat
            yield Row(f"{LISTENERS:,} event streams, memory", "MB", ours.resident_mb - before, {}, "")
            cpu, idle = ours.cpu_seconds, 10
            await asyncio.sleep(idle)
            yield Row(f"{LISTENERS:,} quiet event streams, CPU", "%", 100 * (ours.cpu_seconds - cpu) / idle, {}, "")
            first, last = await _heard_by_all(ours, listeners)
            yield Row("an event, to the first of them, p50", "ms", first, {}, "")
            yield Row("an event, to all of them, p50", "ms", last, {}, "")


async def _heard_by_all(ours: Server, listeners: Sequence[asyncio.StreamReader]) -> tuple[float, float]:
    first, last = [], []
    async with connected(ours.port) as asking:
        for number in range(10):
            job_id = filling.job(number).id.encode()
            hearing = [asyncio.create_task(_hear(listener, job_id)) for listener in listeners]
            began = time.perf_counter()
            await _success(asking, post("/api/queue/document", TOKEN, _body(number)))
            async with asyncio.timeout(60):
                heard = await asyncio.gather(*hearing)
            first.append((min(heard) - began) * 1000)
            last.append((max(heard) - began) * 1000)
    return statistics.median(first), statistics.median(last)


async def _hear(listener: asyncio.StreamReader, what: bytes) -> float:
    while what not in await listener.readline():
        pass
    return time.perf_counter()


class _listening:  # noqa: N801  # a context manager
    """One client of the stream, from its first line on."""

    def __init__(self, ours: Server) -> None:
        self._port = ours.port

    async def __aenter__(self) -> asyncio.StreamReader:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(get("/api/events", TOKEN))
        while b"retry:" not in await reader.readline():
            pass
        return reader

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()


PARTS: Final[dict[str, Callable[[], Rows]]] = {
    "enqueue": enqueue_rows,
    "overview": overview_rows,
    "search": search_rows,
    "events": events_rows,
}


async def measure(chosen: Sequence[str], console: Console) -> list[Row]:
    """Every part that is chosen, a line of progress a figure."""
    rows, began = [], time.monotonic()
    for name in chosen:
        async for row in PARTS[name]():
            minutes, seconds = divmod(math.floor(time.monotonic() - began), 60)
            console.print(f"{minutes:3}:{seconds:02}  {row.name}: {figure(row.ours)} {row.unit}", markup=False)
            rows.append(row)
    return rows


def main() -> None:
    """Measure what is asked for."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    chosen = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()] or list(PARTS)
    # The filling tells of each dead letter that is kept no longer.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    load_before = os.getloadavg()[0]
    try:
        if unknown := [name for name in chosen if name not in PARTS]:
            raise Failed(f"ONLY names {unknown[0]!r}; there is {', '.join(PARTS)}.")
        rows = asyncio.run(measure(chosen, console))
    except Failed as error:
        sys.exit(str(error))
    sys.stdout.write(table(rows))
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    written = {
        "parts": chosen,
        "machine": machine | {"load": load_before},
        "rows": [asdict(row) | {"reached": reached(row)} for row in rows],
    }
    (ROOT / "bench-api.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
