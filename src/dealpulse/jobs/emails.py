"""The e-mail queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from dealpulse.jobs.contract import Queue
from dealpulse.models import Operation, SubjectType

EMAILS = Queue(name="emailProcessing", slug="email", prefix="EMAIL", concurrency=10, attempts=4, time_limit=120)


class EmailOperation(StrEnum):
    parse = "parse"
    """Read the message; asks for ``analyze`` when done, and for its attachments to be ingested."""
    analyze_sentiment = "analyze_sentiment"
    detect_blocker = "detect_blocker"
    analyze = "analyze"
    """Sentiment and blockers in one reading."""


@dataclass(frozen=True)
class ProcessEmail:
    """Do one operation on one e-mail."""

    email_id: str
    deal_id: str
    name: EmailOperation

    queue: ClassVar[Queue] = EMAILS
    function: ClassVar[str] = "process_email"

    @property
    def id(self) -> str:
        return f"mail:{self.email_id}:{self.name}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.email_id, self.deal_id, self.name.value)

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.email, subject_id=self.email_id, name=self.name.value, deal_id=self.deal_id
        )

    @classmethod
    def of(cls, operation: Operation) -> ProcessEmail:
        return cls(email_id=operation.subject_id, deal_id=operation.deal_id, name=EmailOperation(operation.name))

    @classmethod
    def called(cls, email_id: str, deal_id: str, operation: str = EmailOperation.analyze.value) -> ProcessEmail:
        """What a call of ``function`` asks for."""
        return cls(email_id, deal_id, EmailOperation(operation))
