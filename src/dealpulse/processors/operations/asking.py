"""How a document is asked about: in sections where one question could not hold it, and what they say put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias

import structlog

from dealpulse.ai.contract import Answer, Engine, Question, SchemaT, Unanswered
from dealpulse.errors import DealPulseError
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.contract import Analysed, DocumentText, analysed
from dealpulse.processors.operations.overview import overview_question
from dealpulse.processors.operations.schemas import OverviewAnswer, SummaryAnswer
from dealpulse.processors.operations.sections import sections_of, smaller

SECTION_DIVIDED: Final = "section_divided"
OVERVIEW_UNANSWERED: Final = "overview_unanswered"

AT_ONCE: Final = 3
"""Questions about one document under way at a time."""
_TOO_LONG: Final = frozenset({"context_too_long", "output_too_long"})

_log = structlog.get_logger("dealpulse.processors.operations")


@dataclass(frozen=True)
class Section(Generic[SchemaT]):
    """A section of a document and what was answered about it."""

    text: DocumentText
    answer: SchemaT


@dataclass(frozen=True)
class Reading(Generic[SchemaT]):
    """All that was answered about a document, in its order."""

    document: DocumentText
    sections: Sequence[Section[SchemaT]]
    overview: OverviewAnswer | None = None
    """What the sections say together; None where there is one section, or nobody asked for a summary."""


@dataclass(frozen=True)
class DocumentSpec(Generic[SchemaT]):
    """How one operation on a document is done."""

    name: DocumentOperation
    ask: Callable[[DocumentText], Question[SchemaT]]
    """The question about a document or one section of it."""
    read: Callable[[Reading[SchemaT]], DocumentAnalysis]
    """The answers as domain values: quotes looked up, fingerprints set. CPU-bound."""
    summary: Callable[[SchemaT], SummaryAnswer] | None = None
    """The summary in an answer, where the operation asks for one: those of several sections become one."""

    async def run(self, document: DocumentText, *, engine: Engine) -> Analysed[DocumentAnalysis]:
        """Ask, and read what was answered. Raises what ``engine`` raises."""
        answered = await _Asking(self.ask, engine).about(document)
        sections = [Section(text, answer.value) for text, answer in answered]
        answers: list[Answer[Any]] = [answer for _, answer in answered]
        overview = None
        if self.summary is not None and len(sections) > 1:
            summaries = [(section.text, self.summary(section.answer)) for section in sections]
            overview = await _overview(overview_question(document.name, summaries), answers, engine)
        reading = Reading(document, sections, overview)
        return analysed(await asyncio.to_thread(self.read, reading), answers)


DocumentOperationSpec: TypeAlias = DocumentSpec[Any]


class _Asking(Generic[SchemaT]):
    """One document's questions: a few at a time, and none begun after one has failed.

    Those under way then are waited for: they are paid for, and their answers are kept for the next try. Parts of a
    section come before sections that wait, so that a fault in all of them is found after few questions.
    """

    def __init__(self, ask: Callable[[DocumentText], Question[SchemaT]], engine: Engine) -> None:
        self._ask = ask
        self._engine = engine
        self._waiting: asyncio.LifoQueue[DocumentText] = asyncio.LifoQueue()
        self._answered: list[tuple[DocumentText, Answer[SchemaT]]] = []
        self._fault: Exception | None = None

    async def about(self, document: DocumentText) -> list[tuple[DocumentText, Answer[SchemaT]]]:
        """Every section with its answer, in order. Raises the first fault."""
        self._put(sections_of(document))
        askers = [asyncio.create_task(self._go_on()) for _ in range(AT_ONCE)]
        try:
            await self._waiting.join()
        finally:
            for asker in askers:
                asker.cancel()
            await asyncio.gather(*askers, return_exceptions=True)
        if self._fault is not None:
            raise self._fault
        return sorted(self._answered, key=lambda answered: _position(answered[0]))

    def _put(self, sections: Sequence[DocumentText]) -> None:
        for section in reversed(sections):
            self._waiting.put_nowait(section)

    async def _go_on(self) -> None:
        while True:
            section = await self._waiting.get()
            if self._fault is None:
                await self._one(section)
            self._waiting.task_done()

    async def _one(self, section: DocumentText) -> None:
        """Have it answered, or its parts when it or its answer proves too long."""
        try:
            self._answered.append((section, await self._engine.ask(self._ask(section))))
        except Exception as error:
            parts = smaller(section) if _is_too_long(error) else []
            if parts:
                _log.info(SECTION_DIVIDED, parts=len(parts), pages=len(section.pages))
                self._put(parts)
            else:
                self._fault = self._fault or error


def _position(section: DocumentText) -> tuple[int, int]:
    return (section.pages[0].number, section.pages[0].char_start) if section.pages else (0, 0)


def _is_too_long(error: Exception) -> bool:
    return isinstance(error, DealPulseError) and error.code in _TOO_LONG


async def _overview(question: Question[OverviewAnswer], answers: list[Answer[Any]], engine: Engine) -> OverviewAnswer:
    """One summary of the sections' summaries; ``answers`` gains whoever gave it.

    A model that gives none loses nothing of the document: lines are then picked from the sections' own.
    """
    try:
        answer = await engine.ask(question)
    except Unanswered as error:
        _log.warning(OVERVIEW_UNANSWERED, code=error.code)
        return await asyncio.to_thread(question.offline)
    answers.append(answer)
    return answer.value
