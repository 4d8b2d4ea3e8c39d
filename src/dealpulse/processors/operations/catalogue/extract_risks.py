"""Documents: what could cost the buyer money, time or the deal."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.asking import DocumentSpec, Reading
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.instructions import QUOTING, RISKS, instructions
from dealpulse.processors.operations.material import document_material
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.reading import read_findings
from dealpulse.processors.operations.schemas import RisksAnswer

VERSION = "1"


def ask(section: DocumentText) -> Question[RisksAnswer]:
    return Question(
        operation="document.extract_risks",
        version=VERSION,
        instructions=instructions(RISKS, QUOTING),
        material=document_material(section),
        schema=RisksAnswer,
        offline=partial(risks, section.pages),
        max_tokens=8_000,
    )


def read(reading: Reading[RisksAnswer]) -> DocumentAnalysis:
    entries = [risk for one in reading.sections for risk in one.answer.risks]
    return DocumentAnalysis(findings=read_findings(entries, reading.document))


EXTRACT_RISKS = DocumentSpec(name=DocumentOperation.extract_risks, ask=ask, read=read)
