"""Documents: summary, workstreams and risks in one reading, so that a model reads the document once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.contract import DocumentText, OperationSpec
from dealpulse.processors.operations.instructions import CLASSIFICATION, QUOTING, RISKS, SUMMARY, instructions
from dealpulse.processors.operations.material import document_material, document_parts
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.offline.workstreams import classify
from dealpulse.processors.operations.reading import read_classification, read_findings, read_summary
from dealpulse.processors.operations.schemas import DocumentAnswer

VERSION = "1"


def ask(document: DocumentText) -> tuple[Question[DocumentAnswer], ...]:
    return tuple(
        Question(
            operation="document.analyze",
            version=VERSION,
            instructions=instructions(SUMMARY, CLASSIFICATION, RISKS, QUOTING),
            material=document_material(part),
            schema=DocumentAnswer,
            offline=partial(_offline, part),
            max_tokens=12_000,
        )
        for part in document_parts(document)
    )


def _offline(part: DocumentText) -> DocumentAnswer:
    return DocumentAnswer(
        summary=summarise(part.name, part.pages),
        classification=classify(part.name, part.pages),
        risks=risks(part.pages).risks,
    )


def read(answers: Sequence[DocumentAnswer], document: DocumentText) -> DocumentAnalysis:
    return DocumentAnalysis(
        summary=read_summary([answer.summary for answer in answers]),
        classification=read_classification([answer.classification for answer in answers]),
        findings=read_findings([risk for answer in answers for risk in answer.risks], document),
    )


ANALYZE_DOCUMENT = OperationSpec(name=DocumentOperation.analyze, ask=ask, read=read)
