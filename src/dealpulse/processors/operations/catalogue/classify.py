"""Documents: which workstreams they belong to."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.asking import DocumentSpec, Reading
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.instructions import CLASSIFICATION, instructions
from dealpulse.processors.operations.material import document_material
from dealpulse.processors.operations.offline.workstreams import classify
from dealpulse.processors.operations.reading import read_classification
from dealpulse.processors.operations.schemas import ClassificationAnswer

VERSION = "2"


def ask(section: DocumentText) -> Question[ClassificationAnswer]:
    return Question(
        operation="document.classify",
        version=VERSION,
        instructions=instructions(CLASSIFICATION),
        material=document_material(section),
        schema=ClassificationAnswer,
        offline=partial(classify, section.name, section.pages),
        max_tokens=1_000,
    )


def read(reading: Reading[ClassificationAnswer]) -> DocumentAnalysis:
    return DocumentAnalysis(classification=read_classification([one.answer for one in reading.sections]))


CLASSIFY = DocumentSpec(name=DocumentOperation.classify, ask=ask, read=read)
