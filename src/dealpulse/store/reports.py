"""Weekly reports and risk registers, one a deal, kind and local date, and the schedules they are made by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

import msgspec
from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import BriefStatus, Operation, Report, ReportKind, ReportSchedule, ScheduleState
from dealpulse.store.database import SERVER_NOW, Database, is_uuid, storable
from dealpulse.store.operations import keys

_REPORT: Final = "deal_id,kind,report_date,status,headline,markdown,html,csv,content"
_SCHEDULE: Final = "id,deal_id,kind,cron,time_zone,state,asked_until"


class _Ended(Struct, frozen=True):
    fingerprint: str


class _Written(Struct, frozen=True):
    status: BriefStatus


class Reports:
    """The reports made so far, and what of a deal's history they alone ask for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, report: Report) -> None:
        """Store the report in place of any earlier one of that deal, kind and date."""
        row = storable(msgspec.to_builtins(report)) | {"updated_at": SERVER_NOW}
        table = self._database.client.table("reports")
        await self._database.write(table.upsert(row, on_conflict="deal_id,kind,report_date").select("id"))

    async def get(self, deal_id: str, kind: ReportKind, date: date) -> Report:
        """Raises NotFound (``report_not_found``)."""
        found = None
        if is_uuid(deal_id):
            table = self._database.client.table("reports").select(_REPORT)
            query = table.eq("deal_id", deal_id).eq("kind", kind.value).eq("report_date", date.isoformat())
            found = await self._database.first(query.limit(1), Report)
        if found is None:
            raise NotFound("The deal has no such report yet.", code="report_not_found")
        return found

    async def findings_ended(self, deal_id: str, *, since: datetime, until: datetime) -> frozenset[str]:
        """Fingerprints of the findings that are open no more and last changed from ``since`` to before ``until``."""
        rows = await self._database.every(
            "findings",
            "id,fingerprint",
            _Ended,
            narrow=lambda query: (
                query.eq("deal_id", deal_id)
                .neq("status", "open")
                .gte("updated_at", since.isoformat())
                .lt("updated_at", until.isoformat())
            ),
        )
        return frozenset(row.fingerprint for row in rows)

    async def briefs_written(self, deal_id: str, *, first: date, last: date) -> list[BriefStatus]:
        """How complete the deal's briefs of these days are, oldest first; both days count."""
        table = self._database.client.table("briefs").select("status").eq("deal_id", deal_id)
        query = table.gte("brief_date", first.isoformat()).lte("brief_date", last.isoformat()).order("brief_date")
        return [row.status for row in await self._database.rows(query, _Written)]


class ReportSchedules:
    """When reports are made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, deal_id: str, kind: ReportKind, *, cron: str, time_zone: str) -> ReportSchedule:
        """A new schedule, which begins now."""
        row = {"deal_id": deal_id, "kind": kind.value, "cron": cron, "time_zone": time_zone}
        query = self._database.client.table("report_schedules").insert(row).select(_SCHEDULE)
        added = await self._database.first(query, ReportSchedule)
        if added is None:
            raise _missing()
        return added

    async def of_deal(self, deal_id: str) -> list[ReportSchedule]:
        """By kind."""
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "report_schedules", _SCHEDULE, ReportSchedule, narrow=lambda query: query.eq("deal_id", deal_id)
        )
        return sorted(found, key=lambda one: (one.kind, one.cron, one.id))

    async def active(self) -> list[ReportSchedule]:
        """Those of all deals that run."""
        return await self._database.every(
            "report_schedules",
            _SCHEDULE,
            ReportSchedule,
            narrow=lambda query: query.eq("state", ScheduleState.active.value),
        )

    async def ask(self, schedule: ReportSchedule, due: datetime, operation: Operation | None) -> bool:
        """See to the due time: ask for ``operation``, if it is not too late for it.

        False if another worker has done so, or if the schedule is not as it was when read.
        """
        return await self._database.call(
            "ask_due_report",
            bool,
            schedule_id=schedule.id,
            seen=schedule.asked_until,
            due=due,
            operations=[] if operation is None else keys([operation]),
        )

    async def remove(self, schedule_id: str) -> None:
        """Raises NotFound (``schedule_not_found``)."""
        table = self._database.client.table("report_schedules")
        if not is_uuid(schedule_id) or not await self._database.write(
            table.delete().eq("id", schedule_id).select("id")
        ):
            raise _missing()


def _missing() -> NotFound:
    return NotFound("There is no such schedule.", code="schedule_not_found")
