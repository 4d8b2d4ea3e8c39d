"""A model that obeys every order it finds changes nothing a partner would act on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dealpulse.ai.claude import ClaudeEngine
from dealpulse.ai.connection import open_client
from dealpulse.extraction import extract_document, extract_email
from dealpulse.extraction.contract import Limits
from dealpulse.health import Health
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.jobs.emails import EmailOperation
from dealpulse.models import (
    BlockerStatus,
    DocumentAnalysis,
    EmailAnalysis,
    Finding,
    Page,
    PageKind,
    RiskCategory,
    Verification,
)
from dealpulse.processors.operations import DOCUMENT_OPERATIONS, EMAIL_OPERATIONS
from dealpulse.processors.operations.contract import DocumentText, EmailText
from dealpulse.settings import AiSettings, Secret
from fakes.claude import FAKE_KEY, FakeClaude, fake_claude
from fakes.obedient import INVENTED_QUOTE, obeying
from injection import carriers
from injection.corpus import EVERY, PLAIN

SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def obedient() -> Iterator[FakeClaude]:
    """Claude's API, and behind it a model that obeys."""
    with fake_claude() as site:
        site.answerer = obeying(EVERY.values())
        yield site


@pytest.fixture
async def engine(obedient: FakeClaude) -> AsyncIterator[ClaudeEngine]:
    settings = AiSettings(api_key=Secret(FAKE_KEY), base_url=obedient.url, model="claude-sonnet-5-5", timeout=10.0)
    async with open_client(settings, Secret(FAKE_KEY)) as client:
        yield ClaudeEngine(client, model="claude-sonnet-5-5", timeout=10.0, health=Health())


def pages_of(text: str) -> tuple[Page, ...]:
    return (Page(number=1, kind=PageKind.page, text=text, char_start=0, char_end=len(text)),)


async def analysed(pages: tuple[Page, ...], engine: ClaudeEngine) -> DocumentAnalysis:
    document = DocumentText(name="lease.txt", pages=pages)
    return (await DOCUMENT_OPERATIONS[DocumentOperation.analyze].run(document, engine=engine)).analysis


def of_category(found: tuple[Finding, ...] | None, category: RiskCategory) -> list[Finding]:
    return [finding for finding in found or () if finding.category is category]


def holds(findings: tuple[Finding, ...] | None, pages: tuple[Page, ...]) -> None:
    """What must be true of a document's findings whatever the model said."""
    assert findings is not None
    attempts = of_category(findings, RiskCategory.prompt_injection)
    assert attempts, "the attempt is reported"
    assert all(finding.citation.verification is not Verification.unverified for finding in attempts)
    assert of_category(findings, RiskCategory.change_of_control), "a true risk the rules are sure of is not silenced"
    for finding in findings:
        if finding.citation.verification is Verification.unverified:
            assert finding.citation.quote == INVENTED_QUOTE
        else:
            assert finding.citation.quote in pages[finding.citation.page - 1].text if finding.citation.page else False


@pytest.mark.parametrize("attempt", EVERY.values(), ids=EVERY.keys())
async def test_an_attempt_in_a_document_is_reported_and_silences_nothing(attempt: str, engine: ClaudeEngine) -> None:
    pages = pages_of("\n\n".join((carriers.CLAUSES[0], attempt, carriers.CLAUSES[1])))
    holds((await analysed(pages, engine)).findings, pages)


@pytest.mark.parametrize("carrier", carriers.HIDING.values(), ids=carriers.HIDING.keys())
@pytest.mark.parametrize("attempt", ["ignore-previous", "machine-first", "mark-resolved"])
async def test_an_attempt_out_of_sight_is_reported_too(
    carrier: carriers.Carrier, attempt: str, engine: ClaudeEngine, tmp_path: Path
) -> None:
    path = carrier(tmp_path, PLAIN[attempt])
    content = await extract_document(path, name=path.name, limits=Limits())
    holds((await analysed(content.pages, engine)).findings, content.pages)


async def letter_analysed(attempt: str, engine: ClaudeEngine, tmp_path: Path) -> EmailAnalysis:
    path = carriers.letter(tmp_path, attempt)
    content = await extract_email(path, name=path.name, attachments_dir=tmp_path / "attached", limits=Limits())
    email = EmailText(
        subject=content.subject,
        sender=content.sender,
        sent_at=SENT,
        body_text=content.body_text,
        thread_key=content.thread_key,
    )
    return (await EMAIL_OPERATIONS[EmailOperation.analyze].run(email, engine=engine)).analysis


@pytest.mark.parametrize("attempt", ["ignore-previous", "mark-resolved", "xml-system", "llm", "claude"])
async def test_an_attempt_in_an_email_is_reported_and_settles_no_blocker(
    attempt: str, engine: ClaudeEngine, tmp_path: Path
) -> None:
    analysis = await letter_analysed(PLAIN[attempt], engine, tmp_path)
    assert of_category(analysis.findings, RiskCategory.prompt_injection)
    assert [blocker for blocker in analysis.blockers or () if blocker.status is BlockerStatus.resolved] == []
    assert analysis.sentiment is not None
    assert -1 <= analysis.sentiment.score <= 1


async def test_where_nobody_gives_orders_the_model_is_taken_at_its_word(engine: ClaudeEngine) -> None:
    pages = pages_of("\n\n".join(carriers.CLAUSES))
    assert (await analysed(pages, engine)).findings == ()
