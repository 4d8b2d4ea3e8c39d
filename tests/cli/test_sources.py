"""``dealpulse source`` and ``connection``: made, tried, paused, resumed, synced, removed, connected."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli.conftest import CommandLine
from dealpulse.local.stack import Stack
from dealpulse.models import Connection, Provider
from dealpulse.settings import Settings
from dealpulse.store import open_store
from fakes.consent import fake_consent

CONNECTION = "3f1c1f0e-0000-4000-8000-000000000001"


@pytest.fixture
def room(folder: Path) -> Path:
    made = folder / "room"
    made.mkdir()
    (made / "note.txt").write_text("The board met on Monday.\n")
    return made


def test_a_source_s_life_from_the_command_line(dealpulse: CommandLine, room: Path) -> None:
    deal = dealpulse("deal", "create", "Kestrel").stdout.strip()
    assert "no source" in dealpulse("source", "list", deal).stdout
    source = dealpulse("source", "add", deal, str(room), "--name", "Room").stdout.strip()
    with dealpulse.started("worker", "source-sync", FOLDER_SOURCE_ROOTS=str(room.parent)):
        tried = dealpulse("source", "test", deal, source)
        assert (tried.returncode, tried.stdout.strip()) == (0, "It can be read: room")
        (room / "note.txt").unlink()
        room.rmdir()
        tried = dealpulse("source", "test", deal, source)
        assert (tried.returncode, tried.stdout) == (1, "")
        assert tried.stderr.startswith("Error: ")
    assert dealpulse("source", "pause", deal, source).stdout.strip() == "It is paused."
    assert "paused" in dealpulse("source", "list", deal).stdout
    assert "paused; resume it" in dealpulse("source", "sync", deal, source).stderr
    assert dealpulse("source", "resume", deal, source).stdout.strip() == f"sync:{source}"
    assert dealpulse("source", "sync", deal, source, "--type", "full").stdout.strip() == f"sync:{source}"
    removed = dealpulse("source", "remove", deal, source)
    assert removed.stdout.strip() == "It is removed; 0 documents and e-mails are kept."
    assert "no such source" in dealpulse("source", "remove", deal, source).stderr


def test_an_account_is_connected_by_an_address_and_disconnected(dealpulse: CommandLine, clean_stack: Stack) -> None:
    deal = dealpulse("deal", "create", "Kestrel").stdout.strip()
    unset = dealpulse("source", "connect", deal, "gdrive")
    assert (unset.returncode, "GOOGLE_CLIENT_ID" in unset.stderr) == (1, True)
    with fake_consent() as vendor:
        variables = {
            **vendor.variables(),
            "PUBLIC_URL": "https://dp.example",
            "TOKEN_ENCRYPTION_KEYS": f"one:{b64encode(os.urandom(32)).decode()}",
        }
        asked = dealpulse("source", "connect", deal, "gmail", **variables)
        address = urlsplit(asked.stdout.strip())
        assert (address.netloc, address.path) == ("dp.example", "/api/sources/consent")

        asyncio.run(_keep_connection(clean_stack, deal))
        source = dealpulse("source", "add", deal, "me", "--type", "gmail", "--connection", CONNECTION)
        assert source.returncode == 0
        listed = dealpulse("connection", "list", deal).stdout
        assert "dana@example.com" in listed
        removed = dealpulse("connection", "remove", deal, CONNECTION, **variables)
        assert removed.stdout.strip() == "It is disconnected. Sources that wait for another account now: 1."
    assert "no account" in dealpulse("connection", "list", deal).stdout
    assert "needs_consent" in dealpulse("source", "list", deal).stdout


async def _keep_connection(stack: Stack, deal_id: str) -> None:
    async with open_store(Settings.load(environ=stack.environment()).supabase) as store:
        await store.connections.add(
            Connection(
                id=CONNECTION,
                deal_id=deal_id,
                provider=Provider.google,
                account="dana@example.com",
                sealed_tokens="v1.lost.AAAA",
            )
        )
