"""`dealpulse demo` and what a partner can do with the brief it prints; with a key, and once more for nothing."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from cli.conftest import CommandLine
from dealpulse.local import sample_deal
from fakes.claude import FAKE_KEY, FakeClaude, fake_claude
from sources.demo import SHOWN, addresses, fill
from sources.sites import SITES

LINK = re.compile(r"\]\(<([^>]+)>\)")
CLAUSE = "The Lender may call the whole loan at any time without giving a reason."


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="dealpulse-cli-demo-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def printed(place: Path) -> str:
    """What the demo of the sample deal prints, without a key; by then all of it has stopped."""
    done = CommandLine(place, {})("demo", "--engine", "local")
    assert done.returncode == 0, done.stderr
    return done.stdout


def serious(brief: str) -> Iterator[tuple[str, list[str]]]:
    """Each P0 and P1 line of a brief, with the lines of its citations."""
    for section in re.findall(r"^### (?:P0|P1) .*?$(.*?)(?=^##|\Z)", brief, flags=re.MULTILINE | re.DOTALL):
        for entry in re.split(r"^- ", section, flags=re.MULTILINE)[1:]:
            line, *cited = entry.strip().splitlines()
            yield line, [one for one in cited if "“" in one]


def evidence_at(link: str) -> str:
    """The text of the evidence that a link into a brief's page leads to."""
    parts = urlsplit(link)
    html = Path(unquote(parts.path)).read_text(encoding="utf-8")
    (article,) = re.findall(rf'<article class="evidence" id="{parts.fragment}">(.*?)</article>', html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", article))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_every_serious_line_is_cited_and_every_link_still_works_when_the_demo_is_over(printed: str) -> None:
    found = list(serious(printed))
    assert len(found) >= 5
    for line, cited in found:
        assert cited, line
        for citation in cited:
            evidence, source = LINK.findall(citation)
            assert urlsplit(evidence).scheme == urlsplit(source).scheme == "file"
            original = Path(unquote(urlsplit(source).path))
            assert original.is_relative_to(sample_deal.PATH)
            assert original.is_file()
            place, quote = re.findall(r"\[([^\]\\][^\]]*)\]\(<[^>]+>\): “(.*)”", citation)[0]
            shown = evidence_at(evidence)
            assert original.name in shown
            assert ", " in place
            assert " ".join(words(quote.removesuffix("…")))[:-12] in " ".join(words(shown))


def test_the_summary_refers_to_evidence_too(printed: str) -> None:
    summary = printed.split("\n")[4]
    links = LINK.findall(summary)
    assert links
    assert all(evidence_at(link) for link in links)


def test_it_says_plainly_who_wrote_it(printed: str) -> None:
    assert "Written by the offline engine" in printed
    assert "confidence low" in printed


@pytest.mark.parametrize("vendor", sorted(SHOWN))
def test_a_deal_at_a_vendor_becomes_a_brief_that_links_there(vendor: str, folder: Path) -> None:
    with SITES[SHOWN[vendor]](folder) as site:
        fill(site)
        dealpulse = CommandLine(folder, addresses(site.settings))
        done = dealpulse("demo", "--engine", "local", "--source", vendor, "--name", "Kestrel", "--", site.location)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# Kestrel: daily brief")
    links = [urlsplit(link) for link in LINK.findall(done.stdout)]
    assert {link.scheme for link in links} == {"file", "https"}
    assert all(evidence_at(link.geturl()) for link in links if link.scheme == "file")
    assert sum(link.scheme == "https" for link in links) >= 3


@pytest.mark.parametrize(("words_", "said"), [(("--source", "gdrive"), "needs the place"), (("nowhere",), "no folder")])
def test_a_demo_of_nothing_is_refused_before_anything_starts(folder: Path, words_: tuple[str, ...], said: str) -> None:
    done = CommandLine(folder, {})("demo", *words_)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (folder / ".dealpulse").exists()


def test_blockers_are_cited_from_their_emails(printed: str) -> None:
    (section,) = re.findall(r"^## Blockers$(.*?)(?=^##)", printed, flags=re.MULTILINE | re.DOTALL)
    entries = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        evidence, source = LINK.findall(entry)
        assert Path(unquote(urlsplit(source).path)).suffix == ".eml"
        assert evidence_at(evidence)


# --- with a key -------------------------------------------------------------------------------------------------------


def says(body: dict[str, Any]) -> dict[str, Any]:
    """What Claude answers, by what it is asked for."""
    asked = body["output_config"]["format"]["schema"]["properties"]
    if "headline" in asked:
        return {"headline": "One loan can be called", "summary": "The loan is callable [1]."}
    if "sentiment" in asked:
        return {"sentiment": {"label": "neutral", "score": 0.1, "reason": "Matter of fact."}, "blockers": []}
    risk = {
        "category": "termination_for_convenience",
        "severity": "P0",
        "action": "structure",
        "title": "Loan callable at will",
        "explanation": "The lender may ask for its money on the day after closing.",
        "quote": CLAUSE,
        "page": 1,
    }
    return {
        "summary": {"document_type": "loan agreement", "summary": "A loan the lender may call at will."},
        "classification": {"primary": "financial", "workstreams": [{"workstream": "financial", "score": 0.9}]},
        "risks": [risk] if CLAUSE in json.dumps(body["messages"]) else [],
    }


@pytest.fixture
def claude() -> Iterator[FakeClaude]:
    with fake_claude(says) as site:
        yield site


@pytest.fixture
def room(folder: Path) -> Path:
    """Three papers, one of them twice, and a thread whose order the workers do not know beforehand."""
    made = folder / "room"
    made.mkdir()
    for name in ("loan.txt", "loan copy.txt"):
        (made / name).write_text(f"LOAN AGREEMENT\n\n{CLAUSE}\n")
    (made / "note.txt").write_text("The board met on Monday.\n")
    for number in range(8):
        message = EmailMessage()
        message["From"], message["To"] = f"Ana {number} <ana{number}@alder.example>", "ben@birch.example"
        message["Subject"], message["Date"] = "Re: The loan", f"Wed, {number + 4:02} Nov 2026 09:30:00 +0000"
        message["Message-ID"] = f"<loan-{number}@alder.example>"
        message["References"] = "<loan-0@alder.example>"
        message.set_content(f"Hello Ben,\n\nthis is message {number} about the loan.\n\nAna\n")
        (made / f"{number}.eml").write_bytes(bytes(message))
    return made


def test_with_a_key_the_same_comes_from_claude_and_once_more_for_nothing(
    folder: Path, room: Path, claude: FakeClaude
) -> None:
    # The address of the fake is no part of what is asked.
    dealpulse = CommandLine(folder, {"ANTHROPIC_API_KEY": FAKE_KEY, "ANTHROPIC_BASE_URL": claude.url})
    first = dealpulse("run", str(room), "--out", "first")
    assert first.returncode == 0, first.stderr
    paid = len(claude.requests)
    assert paid == 3 + 8 + 1
    brief = (folder / "first" / "brief.md").read_text()
    ((_, cited),) = serious(brief)
    assert "loan" in cited[0]
    assert "Opening written by claude" in brief
    assert "offline engine" not in brief

    second = dealpulse("run", str(room), "--out", "second")
    assert second.returncode == 0, second.stderr
    assert len(claude.requests) == paid
    assert (folder / "second" / "brief.md").read_text() == brief
    assert (folder / ".dealpulse" / "answers").stat().st_mode & 0o077 == 0

    broken = folder / ".dealpulse" / "answers"
    broken.write_bytes(b"not what was kept")
    third = dealpulse("run", str(room), "--out", "third")
    assert third.returncode == 0, third.stderr
    assert len(claude.requests) == 2 * paid
