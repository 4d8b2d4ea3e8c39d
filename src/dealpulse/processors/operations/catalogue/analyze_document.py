"""Documents: summary, workstreams and risks in one reading, so that a model reads the document once."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.asking import DocumentSpec, Reading
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.instructions import CLASSIFICATION, QUOTING, RISKS, SUMMARY, instructions
from dealpulse.processors.operations.material import document_material
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.offline.workstreams import classify
from dealpulse.processors.operations.reading import read_classification, read_findings, read_summary
from dealpulse.processors.operations.schemas import DocumentAnswer

VERSION = "2"


def ask(section: DocumentText) -> Question[DocumentAnswer]:
    return Question(
        operation="document.analyze",
        version=VERSION,
        instructions=instructions(SUMMARY, CLASSIFICATION, RISKS, QUOTING),
        material=document_material(section),
        schema=DocumentAnswer,
        offline=partial(_offline, section),
        max_tokens=12_000,
    )


def _offline(section: DocumentText) -> DocumentAnswer:
    return DocumentAnswer(
        summary=summarise(section.name, section.pages),
        classification=classify(section.name, section.pages),
        risks=risks(section.pages).risks,
    )


def read(reading: Reading[DocumentAnswer]) -> DocumentAnalysis:
    return DocumentAnalysis(
        summary=read_summary([(one.text, one.answer.summary) for one in reading.sections], reading.overview),
        classification=read_classification([one.answer.classification for one in reading.sections]),
        findings=read_findings([risk for one in reading.sections for risk in one.answer.risks], reading.document),
    )


ANALYZE_DOCUMENT = DocumentSpec(
    name=DocumentOperation.analyze, ask=ask, read=read, summary=lambda answer: answer.summary
)
