"""Taking one place through the real queues to its brief: what `dealpulse demo` and `dealpulse run` do."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from dealpulse.errors import DealPulseError, Transient
from dealpulse.intake import Intake
from dealpulse.jobs import DocumentOperation, EmailOperation, SyncType
from dealpulse.models import Brief, Deal, Operation, OperationState, Source, SourceType, SubjectType
from dealpulse.queue import QueueStats

STALLED_SECONDS: Final = 900.0
"""Longer than the longest job may take; when nothing at all happened for so long, something is broken."""

_POLL_SECONDS: Final = 0.4
_ENDED: Final = (OperationState.done, OperationState.failed, OperationState.cancelled)


class RunFailed(DealPulseError):
    """The place did not become a brief.

    Codes: ``sync_failed``, ``brief_failed``, ``part_failed``, ``stalled``.
    """

    code = "run_failed"


class Phase(StrEnum):
    listing = "listing the source"
    processing = "reading and analysing"
    writing = "writing the brief"


@dataclass(frozen=True)
class Tally:
    """How far the documents or the e-mails are. ``failed`` ones could not be read or not be analysed."""

    found: int = 0
    read: int = 0
    analysed: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A deal's work at one moment."""

    phase: Phase
    documents: Tally
    emails: Tally
    queues: Mapping[str, QueueStats] = field(default_factory=dict)
    """By wire name."""


@dataclass(frozen=True)
class Place:
    """Where a deal's documents and e-mails are, as a source of it names it."""

    type: SourceType
    location: str
    name: str

    @classmethod
    def folder(cls, path: Path) -> Place:
        """``path`` is absolute."""
        return cls(SourceType.folder, str(path), path.name or str(path))


@dataclass(frozen=True, kw_only=True)
class DealRun:
    """A place that went through: ``operations`` say how each thing asked for ended."""

    deal: Deal
    source: Source
    brief: Brief
    operations: Sequence[Operation]
    sync_job_id: str


@dataclass(frozen=True, kw_only=True)
class DealRunner:
    """Runs places against services that are up.

    ``watch`` is told the progress every moment; ``fault`` says why a service is gone, None while all are there.
    """

    intake: Intake
    watch: Callable[[Progress], None]
    fault: Callable[[], str | None]
    stalled_after: float = STALLED_SECONDS

    async def run(self, place: Place, *, deal_name: str) -> DealRun:
        """Make a deal of ``place``, sync it, wait until everything is processed, and have its brief written.

        Files that cannot be read fail alone. Raises RunFailed, and what intake raises.
        """
        deal = await self.intake.create_deal(deal_name)
        source = await self.intake.add_source(deal.id, place.type, location=place.location, name=place.name)
        (sync,) = await self.intake.queue_source_sync(deal.id, place.type, SyncType.full, brief=False)
        operations = await self._until_ended(deal, Phase.listing)
        failed = next((one for one in _of(operations, SubjectType.source) if one.state is OperationState.failed), None)
        if failed is not None:
            raise RunFailed(f"The source could not be listed. {failed.error_message}", code="sync_failed")
        brief = await self._brief(deal)
        return DealRun(deal=deal, source=source, brief=brief, operations=operations, sync_job_id=sync.job_id)

    async def _brief(self, deal: Deal) -> Brief:
        day: date = self.intake.local_date(deal)
        await self.intake.queue_daily_brief(deal.id, day)
        operations = await self._until_ended(deal, Phase.writing)
        brief = await self.intake.store.briefs.get(deal.id, day)
        if brief is None:
            reasons = [one.error_message for one in _of(operations, SubjectType.brief) if one.error_message]
            raise RunFailed(" ".join(["The brief could not be written.", *reasons]), code="brief_failed")
        return brief

    async def _until_ended(self, deal: Deal, phase: Phase) -> Sequence[Operation]:
        """All of the deal's operations, once none is under way: what an operation asks for is asked before it ends."""
        seen: Counter[tuple[SubjectType, str, OperationState]] = Counter()
        moved = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                operations = await self.intake.store.operations.of_deal(deal.id)
                queues = await self.intake.get_queue_stats()
            except Transient:  # counts as standing still; what is wrong for long is reported as that
                operations, queues = None, {}
            if operations is not None:
                self.watch(progress_of(operations, phase, queues))
                if all(one.state in _ENDED for one in operations):
                    return operations
                states = Counter((one.subject_type, one.name, one.state) for one in operations)
                if states != seen:
                    seen, moved = states, time.monotonic()
            self._check(moved)
            # A deal of thousands of rows takes longer to ask about: never spend more than a fifth of the time on it.
            await asyncio.sleep(max(_POLL_SECONDS, 4 * (time.monotonic() - began)))

    def _check(self, moved: float) -> None:
        if (fault := self.fault()) is not None:
            raise RunFailed(fault, code="part_failed")
        if time.monotonic() - moved > self.stalled_after:
            problem = f"Nothing has happened for {self.stalled_after:.0f} s, so this was given up."
            raise RunFailed(f"{problem} The worker's log says more.", code="stalled")


def progress_of(operations: Sequence[Operation], phase: Phase, queues: Mapping[str, QueueStats]) -> Progress:
    """What the deal's operations say about how far it is."""
    listed = all(one.state in _ENDED for one in _of(operations, SubjectType.source))
    return Progress(
        phase=Phase.processing if phase is Phase.listing and listed else phase,
        documents=_tally(operations, SubjectType.document, DocumentOperation.ingest, DocumentOperation.analyze),
        emails=_tally(operations, SubjectType.email, EmailOperation.parse, EmailOperation.analyze),
        queues=queues,
    )


def _of(operations: Sequence[Operation], subject: SubjectType) -> list[Operation]:
    return [one for one in operations if one.subject_type is subject]


def _tally(operations: Sequence[Operation], subject: SubjectType, reading: str, analysis: str) -> Tally:
    mine = _of(operations, subject)

    def count(name: str) -> int:
        return sum(one.name == name and one.state is OperationState.done for one in mine)

    return Tally(
        found=len({one.subject_id for one in mine}),
        read=count(reading),
        analysed=count(analysis),
        failed=len({one.subject_id for one in mine if one.state is OperationState.failed}),
    )
