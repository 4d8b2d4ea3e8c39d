"""The document queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from dealpulse.jobs.contract import Queue
from dealpulse.models import Operation, SubjectType

DOCUMENTS = Queue(
    name="documentProcessing", slug="document", prefix="DOCUMENT", concurrency=5, attempts=4, time_limit=600
)


class DocumentOperation(StrEnum):
    ingest = "ingest"
    """Read the file into pages; asks for ``analyze`` when done."""
    summarize = "summarize"
    extract_risks = "extract_risks"
    classify = "classify"
    analyze = "analyze"
    """Summary, risks and workstreams in one reading."""


@dataclass(frozen=True)
class ProcessDocument:
    """Do one operation on one document."""

    document_id: str
    deal_id: str
    name: DocumentOperation

    queue: ClassVar[Queue] = DOCUMENTS
    function: ClassVar[str] = "process_document"

    @property
    def id(self) -> str:
        return f"doc:{self.document_id}:{self.name}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.document_id, self.deal_id, self.name.value)

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.document,
            subject_id=self.document_id,
            name=self.name.value,
            deal_id=self.deal_id,
        )

    @classmethod
    def of(cls, operation: Operation) -> ProcessDocument:
        return cls(
            document_id=operation.subject_id,
            deal_id=operation.deal_id,
            name=DocumentOperation(operation.name),
        )

    @classmethod
    def called(
        cls, document_id: str, deal_id: str, operation: str = DocumentOperation.summarize.value
    ) -> ProcessDocument:
        """What a call of ``function`` asks for."""
        return cls(document_id, deal_id, DocumentOperation(operation))
