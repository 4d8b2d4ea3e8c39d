"""The dashboard in a real browser: Debian's Chromium, on the API over the embedded stack.

``make test-browser`` runs these; ``make test`` does not, for not every machine has a browser.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from arq.connections import ArqRedis
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from dealpulse.jobs import DocumentOperation, ProcessDocument
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, Document, PageKind
from dealpulse.models import Page as DocumentPage
from dealpulse.outbox import request
from dealpulse.queue import QueueClient, create_pool
from dealpulse.settings import Settings
from dealpulse.store import Store, open_store
from dealpulse.web.app import build_app

TOKENS: Final = {"viewer": "dp_of_a_viewer", "operator": "dp_of_an_operator", "admin": "dp_of_an_admin"}
_SCOPES: Final = {"viewer": "read", "operator": "operate", "admin": "admin"}
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
CLAUSE: Final = "Customer may terminate this Agreement at any time."


@dataclass(frozen=True)
class Site:
    """The dashboard, and what is behind it."""

    url: str
    store: Store
    queue: QueueClient
    pool: ArqRedis

    async def asked(self, deal: Deal, document: Document, *names: DocumentOperation) -> list[str]:
        """The ids of jobs asked for on a document."""
        jobs = [ProcessDocument(document.id, deal.id, name) for name in names]
        await request(jobs, operations=self.store.operations, queue=self.queue)
        return [job.id for job in jobs]


@pytest.fixture
async def site(clean_stack: Stack) -> AsyncIterator[Site]:
    tokens = ",".join(f"{name}:{_SCOPES[name]}:{token}" for name, token in TOKENS.items())
    settings = Settings.load(environ={**clean_stack.environment(), "API_TOKENS": tokens})
    pool = await create_pool(settings.redis)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(build_app(settings), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with open_store(settings.supabase) as store:
                yield Site(f"http://localhost:{listener.getsockname()[1]}", store, QueueClient(pool), pool)
        finally:
            server.should_exit = True
            await serving
            await pool.aclose(close_connection_pool=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    assert program, f"none of {', '.join(_PROGRAMS)} is on PATH; install one, or name it: CHROMIUM=path"
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        await opened.close()


Visit = Callable[..., Awaitable[Page]]


@pytest.fixture
async def visit(site: Site, browser: Browser) -> AsyncIterator[Visit]:
    """A page of the dashboard as somebody with a role sees it; whatever a page throws fails the test."""
    contexts: list[BrowserContext] = []
    thrown: list[str] = []

    async def visited(path: str = "/", *, role: str | None = "operator", **options: object) -> Page:
        context = await browser.new_context(base_url=site.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.on("console", lambda message: thrown.append(message.text) if "Content Security" in message.text else None)
        if role is not None:
            await log_in(page, TOKENS[role])
        await page.goto(path)
        return page

    yield visited
    for context in contexts:
        await context.close()
    assert thrown == []


async def log_in(page: Page, token: str) -> None:
    await page.goto("/login")
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_title("Overview · DealPulse")


@pytest.fixture
async def deal(site: Site) -> Deal:
    return await site.store.deals.create("Project Alder")


@pytest.fixture
async def document(site: Site, deal: Deal) -> Document:
    """A document of two pages; the second holds :data:`CLAUSE`."""
    made = await site.store.documents.create(
        deal.id,
        name="supply.pdf",
        path="contracts/supply.pdf",
        mime_type="application/pdf",
        size_bytes=10,
        content_hash="a" * 64,
        storage_key=f"deals/{deal.id}/{'a' * 64}",
    )
    pages, start = [], 0
    for number, text in enumerate(("Supply agreement.", f"Term. {CLAUSE} The end."), start=1):
        pages.append(
            DocumentPage(number=number, kind=PageKind.page, text=text, char_start=start, char_end=start + len(text))
        )
        start += len(text) + 1
    await site.store.documents.save_content(made.id, mime_type="application/pdf", pages=pages)
    return made


@pytest.fixture
def axe() -> str:
    """The script of axe-core."""
    path = Path(os.environ.get("AXE", ".tools/axe/package/axe.min.js"))
    assert path.exists(), f"{path} is not there: make test-browser fetches it"
    return path.read_text(encoding="utf-8")
