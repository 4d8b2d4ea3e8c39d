"""The source-sync queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from dealpulse.jobs.contract import Queue
from dealpulse.models import Operation, SubjectType

SOURCE_SYNC = Queue(
    name="sourceSync",
    slug="source-sync",
    prefix="SOURCE_SYNC",
    concurrency=3,
    attempts=5,
    time_limit=1800,
    backoff_base=10.0,
)


class SyncType(StrEnum):
    full = "full"
    incremental = "incremental"


@dataclass(frozen=True)
class SyncSource:
    """Bring one source's files and e-mails up to date.

    The id leaves the type out: a source has one cursor and so one writer at a time.
    """

    source_id: str
    deal_id: str
    sync_type: SyncType

    queue: ClassVar[Queue] = SOURCE_SYNC
    function: ClassVar[str] = "sync_source"

    @property
    def id(self) -> str:
        return f"sync:{self.source_id}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.source_id, self.deal_id, self.sync_type.value)

    @property
    def operation(self) -> Operation:
        return Operation(
            subject_type=SubjectType.source,
            subject_id=self.source_id,
            name=self.sync_type.value,
            deal_id=self.deal_id,
        )

    @classmethod
    def of(cls, operation: Operation) -> SyncSource:
        return cls(source_id=operation.subject_id, deal_id=operation.deal_id, sync_type=SyncType(operation.name))

    @classmethod
    def called(cls, source_id: str, deal_id: str, sync_type: str = SyncType.incremental.value) -> SyncSource:
        """What a call of ``function`` asks for."""
        return cls(source_id, deal_id, SyncType(sync_type))


@dataclass(frozen=True)
class CheckSource:
    """Find out whether one source can be read."""

    source_id: str
    deal_id: str

    queue: ClassVar[Queue] = SOURCE_SYNC
    function: ClassVar[str] = "check_source"

    @property
    def id(self) -> str:
        return f"check:{self.source_id}"

    @property
    def args(self) -> tuple[str, ...]:
        return (self.source_id, self.deal_id)
