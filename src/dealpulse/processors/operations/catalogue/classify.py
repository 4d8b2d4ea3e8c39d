"""Documents: which workstreams they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.contract import DocumentText, OperationSpec
from dealpulse.processors.operations.instructions import CLASSIFICATION, instructions
from dealpulse.processors.operations.material import document_material, document_parts
from dealpulse.processors.operations.offline.workstreams import classify
from dealpulse.processors.operations.reading import read_classification
from dealpulse.processors.operations.schemas import ClassificationAnswer

VERSION = "1"


def ask(document: DocumentText) -> tuple[Question[ClassificationAnswer], ...]:
    return tuple(
        Question(
            operation="document.classify",
            version=VERSION,
            instructions=instructions(CLASSIFICATION),
            material=document_material(part),
            schema=ClassificationAnswer,
            offline=partial(classify, part.name, part.pages),
            max_tokens=1_000,
        )
        for part in document_parts(document)
    )


def read(answers: Sequence[ClassificationAnswer], document: DocumentText) -> DocumentAnalysis:
    return DocumentAnalysis(classification=read_classification(answers))


CLASSIFY = OperationSpec(name=DocumentOperation.classify, ask=ask, read=read)
