"""Documents: what it is and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.contract import DocumentText, OperationSpec
from dealpulse.processors.operations.instructions import SUMMARY, instructions
from dealpulse.processors.operations.material import document_material, document_parts
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.reading import read_summary
from dealpulse.processors.operations.schemas import SummaryAnswer

VERSION = "1"


def ask(document: DocumentText) -> tuple[Question[SummaryAnswer], ...]:
    return tuple(
        Question(
            operation="document.summarize",
            version=VERSION,
            instructions=instructions(SUMMARY),
            material=document_material(part),
            schema=SummaryAnswer,
            offline=partial(summarise, part.name, part.pages),
            max_tokens=4_000,
        )
        for part in document_parts(document)
    )


def read(answers: Sequence[SummaryAnswer], document: DocumentText) -> DocumentAnalysis:
    return DocumentAnalysis(summary=read_summary(answers))


SUMMARIZE = OperationSpec(name=DocumentOperation.summarize, ask=ask, read=read)
