"""What is asked of each document, e-mail, source and brief: the truth the queues are rebuilt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from dealpulse.models import Operation, OperationState, SubjectType
from dealpulse.store.database import Database, is_uuid

ASK_LATER_SECONDS: Final = 900.0
"""How long an answer that only stands in is left alone."""
_UNDER_WAY: Final = (OperationState.pending, OperationState.queued, OperationState.running)


class AskedOperation(Operation, frozen=True, kw_only=True):
    """What is asked of a row, and since when. The time is kept as the database writes it, to the microsecond."""

    asked_at: str


class Subject(Struct, frozen=True):
    """What an operation is asked of: the deal it belongs to, and whether that one gets briefs."""

    deal_id: str
    is_active: bool


class Operations:
    """The rows that say what is to be done and how far it is. Times are the database server's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, operations: Sequence[Operation]) -> None:
        """They are pending now, whatever came of them before.

        One that is running goes back to pending when that run ends: it may have begun before what it is asked for.
        """
        if operations:
            await self._database.perform("ask_operations", operations=keys(operations))

    async def ask_known(self, operations: Sequence[Operation]) -> list[Subject | None]:
        """Ask for those whose subject is there, in that deal, and for briefs of active deals only; as :meth:`ask`.

        Returns what each is asked of, in their order; None where there is no such thing.
        """
        asked = [
            {
                "subject_type": one.subject_type.value,
                "subject_id": one.subject_id if is_uuid(one.subject_id) else None,
                "operation": one.name,
                "deal_id": one.deal_id if is_uuid(one.deal_id) else None,
            }
            for one in operations
        ]
        if not asked:
            return []
        return await self._database.call("ask_known_operations", list[Subject | None], operations=asked)

    async def mark_queued(self, operations: Sequence[Operation]) -> None:
        """Those still pending are known to Redis; a worker that was quicker is not overruled."""
        if operations:
            await self._database.perform("mark_operations_queued", operations=keys(operations))

    async def mark(
        self,
        operation: Operation,
        state: OperationState,
        *,
        error_code: str | None = None,
        error_message: str | None = None,
    ) -> None:
        """It is in this state now; recorded also if nobody asked for it here.

        Raises NotFound for a deal that is gone.
        """
        await self._database.perform(
            "mark_operation",
            operation=keys([operation])[0],
            state=state.value,
            error_code=error_code,
            error_message=error_message,
        )

    async def stale(self, *, older_than: float, limit: int) -> list[Operation]:
        """Unfinished ones nobody touched for ``older_than`` seconds, longest untouched first."""
        return await self._database.call("stale_operations", list[Operation], older_than=older_than, limit=limit)

    async def touch(self, operations: Sequence[Operation]) -> None:
        """Somebody looked after them just now; finished ones are left alone."""
        if operations:
            await self._database.perform("touch_operations", operations=keys(operations))

    async def ask_later(self, operation: Operation, *, seconds: float = ASK_LATER_SECONDS) -> None:
        """Have :meth:`ask_due` ask for it again then, though it is done: what it found out stands only until then."""
        await self._database.perform("defer_operation", operation=keys([operation])[0], seconds=seconds)

    async def ask_due(self, *, limit: int) -> list[Operation]:
        """Ask for what was put off until now, longest due first; returns what was asked for."""
        return await self._database.call("ask_deferred_operations", list[Operation], limit=limit)

    async def of_deal(self, deal_id: str) -> list[Operation]:
        """All of a deal's, in the order they were asked for."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call("deal_operations", list[Operation], deal_id=deal_id)

    async def page_of_deal(
        self,
        deal_id: str,
        *,
        states: Sequence[OperationState] | None = None,
        name: str | None = None,
        limit: int,
        after: AskedOperation | None = None,
    ) -> list[AskedOperation]:
        """Those of a deal behind ``after``, the latest asked for first, of some states or one name if given."""
        if not is_uuid(deal_id):
            return []
        return await self._database.call(
            "deal_operations_page",
            list[AskedOperation],
            deal_id=deal_id,
            states=None if states is None else [state.value for state in states],
            operation=name,
            limit=limit,
            after=None if after is None else {**keys([after])[0], "asked_at": after.asked_at},
        )

    async def any_under_way(self, deal_id: str, subject_type: SubjectType, name: str) -> bool:
        """Whether an operation of this name, on a thing of this kind in the deal, is asked for and has not ended."""
        if not is_uuid(deal_id):
            return False
        table = self._database.client.table("processing_operations")
        query = table.select("state").eq("deal_id", deal_id).eq("subject_type", subject_type.value)
        unfinished = query.eq("operation", name).in_("state", [state.value for state in _UNDER_WAY])
        return await self._database.first(unfinished.limit(1), _State) is not None


class _State(Struct, frozen=True):
    state: OperationState


def keys(operations: Sequence[Operation]) -> list[dict[str, str]]:
    """What tells each from all others, as our database functions take it."""
    return [
        {
            "subject_type": operation.subject_type.value,
            "subject_id": operation.subject_id,
            "operation": operation.name,
            "deal_id": operation.deal_id,
        }
        for operation in operations
    ]
