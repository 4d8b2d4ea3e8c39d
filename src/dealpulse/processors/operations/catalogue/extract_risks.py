"""Documents: what could cost the buyer money, time or the deal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.documents import DocumentOperation
from dealpulse.models import DocumentAnalysis
from dealpulse.processors.operations.contract import DocumentText, OperationSpec
from dealpulse.processors.operations.instructions import QUOTING, RISKS, instructions
from dealpulse.processors.operations.material import document_material, document_parts
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.reading import read_findings
from dealpulse.processors.operations.schemas import RisksAnswer

VERSION = "1"


def ask(document: DocumentText) -> tuple[Question[RisksAnswer], ...]:
    return tuple(
        Question(
            operation="document.extract_risks",
            version=VERSION,
            instructions=instructions(RISKS, QUOTING),
            material=document_material(part),
            schema=RisksAnswer,
            offline=partial(risks, part.pages),
            max_tokens=8_000,
        )
        for part in document_parts(document)
    )


def read(answers: Sequence[RisksAnswer], document: DocumentText) -> DocumentAnalysis:
    return DocumentAnalysis(findings=read_findings([risk for answer in answers for risk in answer.risks], document))


EXTRACT_RISKS = OperationSpec(name=DocumentOperation.extract_risks, ask=ask, read=read)
