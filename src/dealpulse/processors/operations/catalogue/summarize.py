"""Documents: what it is and what it says."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.asking import DocumentSpec, Reading
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.instructions import SUMMARY, instructions
from dealpulse.processors.operations.material import document_material
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.reading import read_summary
from dealpulse.processors.operations.schemas import SummaryAnswer

VERSION = "2"


def ask(section: DocumentText) -> Question[SummaryAnswer]:
    return Question(
        operation="document.summarize",
        version=VERSION,
        instructions=instructions(SUMMARY),
        material=document_material(section),
        schema=SummaryAnswer,
        offline=partial(summarise, section.name, section.pages),
        max_tokens=4_000,
    )


def read(reading: Reading[SummaryAnswer]) -> DocumentAnalysis:
    sections = [(one.text, one.answer) for one in reading.sections]
    return DocumentAnalysis(summary=read_summary(sections, reading.overview))


SUMMARIZE = DocumentSpec(name=DocumentOperation.summarize, ask=ask, read=read, summary=lambda answer: answer)
