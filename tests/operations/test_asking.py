"""How a document in sections is asked about, what becomes of faults, and how the answers are put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from dealpulse.ai.contract import Answer, Question, SchemaT, Unanswered
from dealpulse.errors import DealPulseError, Permanent, RateLimited
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import Confidence, DocumentAnalysis, EngineName, Origin, Usage
from dealpulse.processors.operations import DOCUMENT_OPERATIONS, Analysed, DocumentText
from dealpulse.processors.operations.asking import AT_ONCE
from dealpulse.processors.operations.sections import LONGEST_SECTION, SMALLEST_SECTION

from .conftest import Make

CLAUDE = Origin(engine=EngineName.claude, model="m", confidence=Confidence.normal)
LOCAL = Origin(engine=EngineName.local, model="offline", confidence=Confidence.low)
USAGE = Usage(operation="document", origin=CLAUDE)
CLAUSE = "Customer may terminate this Agreement for convenience on 30 days notice."
HALF = "The parties met. " * (LONGEST_SECTION // 2 // 17)


class Reader:
    """Answers offline under Claude's name, a turn of the loop later; ``fault`` decides which questions it fails."""

    def __init__(self, fault: Callable[[str, str], Exception | None] = lambda operation, text: None) -> None:
        self._fault = fault
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.under_way = self.most_under_way = 0
        self.origins: dict[str, Origin] = {}

    async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
        text = "".join(piece.text for piece in question.material if piece.label.startswith("page "))
        self.asked.append(text)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1
        error = self._fault(question.operation, text)
        if error is not None:
            raise error
        self.answered.append(text)
        origin = next((found for mark, found in self.origins.items() if mark in text), CLAUDE)
        local = origin.engine is EngineName.local
        return Answer(question.offline(), origin, Usage(operation=question.operation, origin=origin), provisional=local)

    async def aclose(self) -> None: ...


async def analysed(
    document: DocumentText, reader: Reader, name: DocumentOperation = DocumentOperation.analyze
) -> Analysed[DocumentAnalysis]:
    return await DOCUMENT_OPERATIONS[name].run(document, engine=reader)


def too_long(limit: int, code: str) -> Callable[[str, str], Exception | None]:
    """An engine that takes no more than ``limit`` characters."""
    return lambda _, text: Permanent("Too long.", code=code) if len(text) > limit else None


async def test_a_risk_in_any_section_is_found_on_its_page(make: Make) -> None:
    reader = Reader()
    document = make.document(HALF, HALF, CLAUSE)
    found = (await analysed(document, reader, DocumentOperation.extract_risks)).analysis.findings
    assert len(reader.asked) == 2
    assert [finding.citation.page for finding in found or ()] == [3]


async def test_a_page_longer_than_a_question_is_read_to_its_end(make: Make) -> None:
    reader = Reader()
    document = make.document(HALF * 3 + CLAUSE)
    found = (await analysed(document, reader, DocumentOperation.extract_risks)).analysis.findings
    assert len(reader.asked) == 2
    assert [finding.citation.page for finding in found or ()] == [1]


@pytest.mark.parametrize("code", ["context_too_long", "output_too_long"])
async def test_what_proves_too_long_is_asked_again_in_halves_until_it_fits(make: Make, code: str) -> None:
    pages = [f"Page {number} says so. " * 400 for number in range(8)]
    reader = Reader(too_long(20_000, code))
    result = await analysed(make.document(*pages), reader)
    assert sorted(text for text in reader.answered if text) == sorted(
        "".join(pages[number : number + 2]) for number in range(0, 8, 2)
    )
    assert result.analysis.summary is not None
    assert [(one.first_page, one.last_page) for one in result.analysis.summary.sections] == [
        (1, 2), (3, 4), (5, 6), (7, 8)
    ]  # fmt: skip


async def test_a_short_text_that_is_too_long_all_the_same_is_a_fault(make: Make) -> None:
    reader = Reader(too_long(0, "context_too_long"))
    with pytest.raises(Permanent) as raised:
        await analysed(make.document("x" * (2 * SMALLEST_SECTION - 1)), reader, DocumentOperation.classify)
    assert raised.value.code == "context_too_long"
    assert len(reader.asked) == 1


async def test_an_engine_to_which_everything_is_too_long_is_not_asked_about_everything(make: Make) -> None:
    reader = Reader(too_long(0, "context_too_long"))
    with pytest.raises(Permanent):
        await analysed(make.document("word " * 100_000), reader, DocumentOperation.classify)
    assert len(reader.asked) < 20


async def test_a_few_questions_are_under_way_at_a_time(make: Make) -> None:
    reader = Reader()
    await analysed(make.document(*[HALF] * 12), reader, DocumentOperation.classify)
    assert reader.most_under_way == AT_ONCE


async def test_after_a_fault_no_question_begins_and_those_under_way_end(make: Make) -> None:
    refusal = RateLimited("Slow down.", bucket="anthropic")
    reader = Reader(lambda _, text: refusal if "First" in text else None)
    document = make.document("First. " + HALF, *[HALF] * 12)
    with pytest.raises(DealPulseError) as raised:
        await analysed(document, reader, DocumentOperation.classify)
    assert raised.value is refusal
    assert len(reader.asked) == AT_ONCE
    assert reader.under_way == 0


async def test_the_summary_of_sections_has_five_lines_and_keeps_what_each_says(make: Make) -> None:
    lease = "LEASE AGREEMENT. Tenant shall pay rent to Landlord for the premises on the first day of each month. "
    document = make.document(lease + HALF, "Tenant shall repair the roof of the premises at its own cost. " + HALF)
    reader = Reader()
    summary = (await analysed(document, reader)).analysis.summary
    assert summary is not None
    assert 1 <= len(summary.summary.splitlines()) <= 5
    assert [(one.first_page, one.last_page) for one in summary.sections] == [(1, 1), (2, 2)]
    assert len(reader.asked) == 3


async def test_a_document_in_one_piece_is_summarised_by_one_question(make: Make) -> None:
    reader = Reader()
    summary = (await analysed(make.document("Tenant shall pay rent to Landlord."), reader)).analysis.summary
    assert summary is not None
    assert summary.sections == ()
    assert len(reader.asked) == 1


async def test_without_an_overview_the_lines_are_picked_from_the_sections(make: Make) -> None:
    refused = Unanswered("Refused.", code="refused", usage=USAGE)
    reader = Reader(lambda operation, _: refused if operation == "document.overview" else None)
    result = await analysed(make.document(HALF, HALF, HALF), reader, DocumentOperation.summarize)
    assert result.analysis.summary is not None
    assert result.analysis.summary.summary
    assert result.origin == CLAUDE


async def test_one_section_answered_offline_makes_the_whole_provisional(make: Make) -> None:
    reader = Reader()
    reader.origins["Odd"] = LOCAL
    document = make.document(HALF, "Odd. " + HALF, HALF)
    result = await analysed(document, reader, DocumentOperation.classify)
    assert (result.origin, result.provisional) == (LOCAL, True)


async def test_no_party_date_or_amount_is_left_out_however_many_there_are(make: Make) -> None:
    names = [f"Party {number} LLC" for number in range(100)]

    class Many(Reader):
        async def ask(self, question: Question[SchemaT]) -> Answer[SchemaT]:
            answer = await super().ask(question)
            fields = {"parties": names, "amounts": [{"name": name, "value": "USD 1"} for name in names]}
            value = question.schema.model_validate(answer.value.model_dump() | fields)
            return replace(answer, value=value)

    document = make.document("Tenant shall pay.")
    summary = (await analysed(document, Many(), DocumentOperation.summarize)).analysis.summary
    assert summary is not None
    assert summary.parties == tuple(names)
    assert len(summary.amounts) == 100
