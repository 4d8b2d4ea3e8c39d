"""The daily-brief queue: what is written about a deal, and its delivery."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import ClassVar

from dealpulse.jobs.contract import Queue
from dealpulse.models import Operation, ReportKind, SubjectType

DAILY_BRIEF = Queue(
    name="dailyBrief", slug="daily-brief", prefix="DAILY_BRIEF", concurrency=2, attempts=3, time_limit=300
)


@dataclass(frozen=True)
class GenerateDailyBrief:
    """Write the brief of one deal for one of its local dates."""

    deal_id: str
    date: datetime.date

    queue: ClassVar[Queue] = DAILY_BRIEF
    function: ClassVar[str] = "generate_daily_brief"

    @property
    def id(self) -> str:
        return f"brief:{self.deal_id}:{self.date.isoformat()}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.deal_id, self.date.isoformat())

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.brief,
            subject_id=self.deal_id,
            name=self.date.isoformat(),
            deal_id=self.deal_id,
        )

    @classmethod
    def of(cls, operation: Operation) -> GenerateDailyBrief:
        return cls(deal_id=operation.deal_id, date=datetime.date.fromisoformat(operation.name))

    @classmethod
    def called(cls, deal_id: str, date: str) -> GenerateDailyBrief:
        """What a call of ``function`` asks for; without a date nobody knows before it runs."""
        return cls(deal_id, datetime.date.fromisoformat(date))


@dataclass(frozen=True)
class GenerateReport:
    """Make one report of a deal, as of one of its local dates."""

    deal_id: str
    kind: ReportKind
    date: datetime.date

    queue: ClassVar[Queue] = DAILY_BRIEF
    function: ClassVar[str] = "generate_report"

    @property
    def id(self) -> str:
        return f"report:{self.deal_id}:{self.kind}:{self.date.isoformat()}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.deal_id, self.kind.value, self.date.isoformat())

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.report,
            subject_id=self.deal_id,
            name=f"{self.kind}:{self.date.isoformat()}",
            deal_id=self.deal_id,
        )

    @classmethod
    def of(cls, operation: Operation) -> GenerateReport:
        kind, _, date = operation.name.partition(":")
        return cls.called(operation.deal_id, kind, date)

    @classmethod
    def called(cls, deal_id: str, kind: str, date: str) -> GenerateReport:
        """What a call of ``function`` asks for."""
        return cls(deal_id, ReportKind(kind), datetime.date.fromisoformat(date))


@dataclass(frozen=True)
class Deliver:
    """Send one brief or report to one recipient."""

    delivery_id: str
    deal_id: str

    queue: ClassVar[Queue] = DAILY_BRIEF
    function: ClassVar[str] = "deliver"

    @property
    def id(self) -> str:
        return f"deliver:{self.delivery_id}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.delivery_id, self.deal_id)

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.delivery,
            subject_id=self.delivery_id,
            name=self.function,
            deal_id=self.deal_id,
        )

    @classmethod
    def of(cls, operation: Operation) -> Deliver:
        return cls(delivery_id=operation.subject_id, deal_id=operation.deal_id)

    @classmethod
    def called(cls, delivery_id: str, deal_id: str) -> Deliver:
        """What a call of ``function`` asks for."""
        return cls(delivery_id, deal_id)
