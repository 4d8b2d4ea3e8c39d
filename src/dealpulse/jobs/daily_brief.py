"""The daily-brief queue."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import ClassVar

from dealpulse.jobs.contract import Queue
from dealpulse.models import Operation, SubjectType

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
