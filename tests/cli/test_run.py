"""`dealpulse run` on a small folder: one run, looked at from all sides."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import CommandLine

CONTRACT = """SUPPLY AGREEMENT between Alder Works Ltd and Birch Mills Inc.

12.3 Change of Control. The Customer may terminate this Agreement without penalty upon thirty (30) days' written notice
if a Change of Control of the Supplier occurs.
"""
MINUTES = "Minutes of the meeting of 3 November 2026. The parties agreed to meet again in a week.\n"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="dealpulse-cli-run-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def deal_room(place: Path) -> Path:
    folder = place / "deal room"
    (folder / "contracts" / ".git").mkdir(parents=True)
    (folder / "contracts" / "supply agreement.txt").write_text(CONTRACT)
    (folder / "contracts" / "empty.pdf").write_bytes(b"")
    (folder / "contracts" / ".git" / "HEAD").write_text("ref")
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "shortcut.txt").symlink_to(folder / "contracts" / "supply agreement.txt")
    message = EmailMessage()
    message["From"], message["To"] = "Ana Ruiz <ana@alder.example>", "Ben Cole <ben@birch.example>"
    message["Subject"], message["Date"] = "Minutes", "Wed, 04 Nov 2026 09:30:00 +0000"
    message["Message-ID"] = "<minutes-1@alder.example>"
    message.set_content("Hello Ben,\n\nthe minutes are attached. Thank you for a good meeting.\n\nAna\n")
    message.add_attachment(MINUTES, filename="minutes.txt")
    message.add_attachment(b"%PDF-1.7\n", maintype="application", subtype="pdf", filename="torn.pdf")
    (folder / "minutes.eml").write_bytes(message.as_bytes())
    return folder


@pytest.fixture(scope="module")
def done(place: Path, deal_room: Path) -> subprocess.CompletedProcess[str]:
    # The settings of a deployment, which must not reach the services of the run.
    elsewhere = {"SUPABASE_URL": "http://127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1", "REDIS_SENTINELS": "a:1"}
    return CommandLine(place, elsewhere)("run", str(deal_room), "--out", "out", "--engine", "local")


@pytest.fixture(scope="module")
def result(place: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads((place / "out" / "result.json").read_bytes())
    return answer


def test_every_file_of_the_folder_is_in_exactly_one_place(deal_room: Path, result: dict[str, Any]) -> None:
    placed = [
        one["path"]
        for kind in ("documents", "emails", "failed", "skipped")
        for one in result[kind]
        if one.get("attachmentOf") is None
    ]
    there = [path.relative_to(deal_room).as_posix() for path in deal_room.rglob("*") if not path.is_dir()]
    assert sorted(placed) == sorted(there)
    assert result["counts"] == {
        "files": 6,
        "documents": 1,
        "emails": 1,
        "failed": 1,
        "skipped": 3,
        "attachments": 2,
    }


def test_a_document_comes_with_pages_workstream_summary_and_quoted_risks(result: dict[str, Any]) -> None:
    (document,) = [one for one in result["documents"] if one["attachmentOf"] is None]
    text = document["pages"][0]["text"]
    assert "Change of Control of the Supplier" in text
    assert document["workstream"]
    assert document["summary"]["documentType"]
    assert document["origin"]["engine"] == "local"
    risks = {risk["category"]: risk for risk in document["risks"]}
    assert risks["change_of_control"]["page"] == 1
    assert risks["change_of_control"]["severity"] in ("P0", "P1", "P2", "P3")
    for risk in document["risks"]:
        assert risk["verification"] == "verified"
        assert " ".join(risk["quote"].split()) in " ".join(text.split())


def test_an_email_comes_with_its_sentiment_and_its_attachments(result: dict[str, Any]) -> None:
    (email,) = result["emails"]
    assert (email["subject"], email["sender"]["address"]) == ("Minutes", "ana@alder.example")
    assert email["sentiment"]["label"] in ("positive", "neutral", "negative")
    assert email["blockers"] == []
    (attachment,) = [one for one in result["documents"] if one["attachmentOf"]]
    assert attachment["attachmentOf"] == "minutes.eml"
    assert "meet again in a week" in attachment["pages"][0]["text"]


def test_what_cannot_be_read_fails_with_a_reason_and_costs_the_others_nothing(result: dict[str, Any]) -> None:
    failed = {one["path"]: one for one in result["failed"]}
    assert failed["contracts/empty.pdf"]["code"] == "empty_file"
    assert failed["contracts/empty.pdf"]["reason"].endswith(".")
    assert failed["minutes.eml/torn.pdf"]["attachmentOf"] == "minutes.eml"


def test_what_was_left_out_says_why(result: dict[str, Any]) -> None:
    reasons = {one["path"]: one["reason"] for one in result["skipped"]}
    assert "Hidden" in reasons[".DS_Store"]
    assert "Hidden" in reasons["contracts/.git/HEAD"]
    assert "Links" in reasons["shortcut.txt"]


def test_the_brief_is_written_beside_it(place: Path, result: dict[str, Any]) -> None:
    brief = (place / "out" / "brief.md").read_text()
    assert brief.startswith("# deal room: daily brief")
    assert result["brief"]["origin"]["engine"] == "local"
    assert result["brief"]["origin"]["confidence"] == "low"


def test_the_person_hears_how_it_goes_in_plain_lines(
    place: Path, done: subprocess.CompletedProcess[str], result: dict[str, Any]
) -> None:
    assert done.stdout.split("\n") == [
        *(f"{place}/out/{name}" for name in ("result.json", "brief.md", "brief.html")),
        "",
    ]
    assert "failed: contracts/empty.pdf" in done.stderr
    assert '"event"' not in done.stderr
    assert len(done.stderr.splitlines()) < 30


def test_nothing_is_left_of_the_stack_but_the_results(place: Path, result: dict[str, Any]) -> None:
    assert sorted(path.name for path in (place / "out").iterdir()) == ["brief.html", "brief.md", "result.json"]


def test_a_folder_that_cannot_take_results_is_refused_at_once(place: Path, deal_room: Path) -> None:
    (place / "taken").write_text("a file")
    done = CommandLine(place, {})("run", str(deal_room), "--out", "taken")
    assert done.returncode == 2
    assert "taken" in done.stderr


def test_asking_for_claude_without_a_key_is_refused_at_once(place: Path, deal_room: Path) -> None:
    done = CommandLine(place, {})("run", str(deal_room), "--out", "out2", "--engine", "claude")
    assert done.returncode == 2
    assert "ANTHROPIC_API_KEY" in done.stderr
