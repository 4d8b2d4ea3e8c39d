"""The audit log: who did what to the service, when and from where.

Each action is a log line, and a row that can be looked up. A row that cannot be written keeps nobody from mending what
is broken: the line has the same facts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

import structlog

from dealpulse.errors import DealPulseError
from dealpulse.models import AuditEntry
from dealpulse.web.errors import HttpFault

OPERATOR_ACTED: Final = "operator_acted"
AUDIT_ROW_LOST: Final = "audit_row_lost"
DONE: Final = "done"

log = structlog.get_logger(__name__)


class AuditLog(Protocol):
    """Where entries are kept."""

    async def record(self, entry: AuditEntry) -> None: ...


class Audit:
    """Writes down what callers with the right to operate do."""

    def __init__(self, kept: AuditLog) -> None:
        self._kept = kept

    def begin(
        self, *, actor: str, action: str, target: Mapping[str, str], peer: str | None
    ) -> AbstractAsyncContextManager[None]:
        """Around the action; what it raises is its outcome."""
        return self._around(actor, action, dict(target), peer)

    @asynccontextmanager
    async def _around(self, actor: str, action: str, target: dict[str, str], peer: str | None) -> AsyncIterator[None]:
        outcome = "internal_error"
        try:
            yield
            outcome = DONE
        except (DealPulseError, HttpFault) as error:
            outcome = error.code
            raise
        finally:
            request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
            entry = AuditEntry(
                actor=actor, action=action, target=target, outcome=outcome, peer=peer or "", request_id=request_id
            )
            await self._write(entry)

    async def _write(self, entry: AuditEntry) -> None:
        log.info(
            OPERATOR_ACTED,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome,
            peer=entry.peer,
        )
        try:
            await self._kept.record(entry)
        except DealPulseError as error:
            log.error(AUDIT_ROW_LOST, action=entry.action, code=error.code)
