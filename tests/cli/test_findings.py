"""``dealpulse finding``: what was found is listed, and what a person says of it is kept."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from cli.conftest import CommandLine
from dealpulse.local.stack import Stack
from dealpulse.settings import Settings
from dealpulse.store import open_store
from store.samples import LOCAL, finding, findings


@pytest.fixture
def deal_id(clean_stack: Stack) -> str:
    """Of a deal with one finding."""

    async def fill() -> str:
        async with open_store(Settings.load(environ=clean_stack.environment()).supabase) as store:
            deal = await store.deals.create("Project Heron")
            document = await store.documents.create(
                deal.id,
                name="lease.pdf",
                path="lease.pdf",
                mime_type="application/pdf",
                size_bytes=1,
                content_hash=uuid.uuid4().hex * 2,
                storage_key=f"deals/{deal.id}/x",
            )
            await store.documents.save_analysis(document.id, findings(finding("f1", title="A consent is due")), LOCAL)
            return deal.id

    return asyncio.run(fill())


def test_a_finding_is_listed_corrected_and_rejected(dealpulse: CommandLine, deal_id: str) -> None:
    (line,) = [line for line in dealpulse("finding", "list", deal_id).stdout.splitlines() if "A consent" in line]
    finding_id = line.split()[0]
    assert dealpulse("finding", "correct", finding_id, "--author", "anna", "--severity", "P0").returncode == 0
    assert dealpulse("finding", "reject", finding_id, "--author", "anna", "--reason", "Waived.").returncode == 0
    (line,) = [line for line in dealpulse("finding", "list", deal_id).stdout.splitlines() if "A consent" in line]
    assert "P0" in line
    assert "rejected" in line


def test_what_cannot_be_said_of_a_finding_is_told(dealpulse: CommandLine, deal_id: str) -> None:
    nobody = str(uuid.UUID(int=1))
    assert "no such finding" in dealpulse("finding", "accept", nobody, "--author", "anna").stderr
    wrong = dealpulse("finding", "correct", nobody, "--author", "anna", "--severity", "P9")
    assert (wrong.returncode, "no severity" in wrong.stderr) == (1, True)
