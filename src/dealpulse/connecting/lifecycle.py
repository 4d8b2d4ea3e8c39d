"""What happens to sources and accounts between being connected and being removed.

Every function raises ``Invalid`` or ``NotFound`` when it cannot be done as asked; then nothing was changed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import httpx
import msgspec
import structlog
from msgspec import Struct

from dealpulse.errors import DealPulseError, Invalid, NotFound
from dealpulse.intake import Intake
from dealpulse.jobs import CheckSource, Priority, SyncSource, SyncType
from dealpulse.models import Connection, Provider, Source, SourceState
from dealpulse.queue import Enqueued
from dealpulse.settings import SourceSettings
from dealpulse.sources.oauth import revoke
from dealpulse.sources.sealing import Seal
from dealpulse.sources.tokens import Grant

SOURCE_PAUSED: Final = "source_paused"
SOURCE_RESUMED: Final = "source_resumed"
SOURCE_REMOVED: Final = "source_removed"
ACCOUNT_REMOVED: Final = "account_removed"
CONSENT_NOT_REVOKED: Final = "consent_not_revoked"

_LOOK_AGAIN_SECONDS: Final = 0.1
_ENDED: Final = ("completed", "failed", "cancelled")

log = structlog.get_logger(__name__)


class Check(Struct, frozen=True, kw_only=True):
    """Whether a source can be read, and what its vendor calls it, or why not."""

    readable: bool
    name: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Checking:
    """A check asked for; ``outcome`` is None where no worker came to it in time, and its job tells later."""

    job_id: str
    outcome: Check | None


async def source_of(deal_id: str, source_id: str, *, intake: Intake) -> Source:
    """The deal's source. Raises NotFound (``source_not_found``)."""
    source = await intake.store.sources.get(source_id)
    if source.deal_id != deal_id.lower():
        raise NotFound("The deal has no such source.", code="source_not_found")
    return source


async def connection_of(deal_id: str, connection_id: str, *, intake: Intake) -> Connection:
    """The deal's connection. Raises NotFound (``connection_not_found``)."""
    connection = await intake.store.connections.get(connection_id)
    if connection.deal_id != deal_id.lower():
        raise NotFound("The deal has no such connection.", code="connection_not_found")
    return connection


async def check(source: Source, *, intake: Intake, wait: float) -> Checking:
    """Ask a worker whether the source can be read, and wait for its answer, at most ``wait`` seconds."""
    job = CheckSource(source.id, source.deal_id)
    asked = await intake.queue.enqueue(job, priority=Priority.critical)
    with suppress(TimeoutError):
        async with asyncio.timeout(wait):
            while True:
                view = await intake.queue.job(asked.job_id)
                if view is not None and view.state == "completed":
                    return Checking(asked.job_id, msgspec.convert(view.result, Check))
                if view is None or view.state in _ENDED:
                    failed = Check(readable=False, code=view.error_code if view else None, message=_why(view))
                    return Checking(asked.job_id, failed)
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return Checking(asked.job_id, None)


def _why(view: object) -> str:
    return getattr(view, "error_message", None) or "The check did not come to an end."


async def sync(source: Source, sync_type: str, *, intake: Intake) -> Enqueued:
    """Ask for a sync of one source. Raises Invalid (``unknown_sync_type``, ``source_paused``)."""
    try:
        how = SyncType(sync_type)
    except ValueError:
        valid = [member.value for member in SyncType]
        message = f"There is no sync type {sync_type[:60]!r}; there is {', '.join(valid)}."
        raise Invalid(message, code="unknown_sync_type", details={"valid": valid}) from None
    if source.state is SourceState.paused:
        raise Invalid("The source is paused; resume it first.", code="source_paused")
    return (await intake.sync_sources([source], how))[0]


async def pause(source: Source, *, intake: Intake) -> None:
    """Sync it no more until it is resumed. A sync that waits or runs is called off; it goes on from there later."""
    await intake.store.sources.set_state(source.id, SourceState.paused)
    await _call_off(source, intake)
    log.info(SOURCE_PAUSED, deal_id=source.deal_id, source_id=source.id)


async def resume(source: Source, *, intake: Intake) -> Enqueued:
    """Sync it again, now and from then on. Raises Invalid (``source_not_paused``)."""
    if source.state is not SourceState.paused:
        raise Invalid(f"The source is not paused, it is {source.state.value}.", code="source_not_paused")
    state = SourceState.needs_confirmation if source.gone else SourceState.active
    await intake.store.sources.set_state(source.id, state)
    log.info(SOURCE_RESUMED, deal_id=source.deal_id, source_id=source.id)
    return (await intake.sync_sources([source]))[0]


async def remove(source: Source, *, delete_items: bool, intake: Intake) -> int:
    """Forget the source; returns how many documents and e-mails came from it.

    They stay, with all that was found in them, unless ``delete_items``. The vendor is told within a minute to tell of
    changes no more.
    """
    await _call_off(source, intake)
    items = await intake.store.sources.remove(source.id, delete_items=delete_items)
    log.info(SOURCE_REMOVED, deal_id=source.deal_id, source_id=source.id, items=items, deleted=delete_items)
    return items


async def _call_off(source: Source, intake: Intake) -> None:
    with suppress(NotFound, Invalid):
        await intake.cancel_job(SyncSource(source.id, source.deal_id, SyncType.incremental).id)


async def disconnect(
    connection: Connection, *, intake: Intake, settings: SourceSettings, http: httpx.AsyncClient
) -> int:
    """Forget an account and its tokens; returns how many sources it read, which wait for another consent now.

    The consent is given back at the vendor, where that is possible; that it is not keeps nobody from disconnecting.
    """
    if connection.provider is Provider.google:
        try:
            tokens = Seal(settings.encryption_keys).open(connection.sealed_tokens, owner=connection.id)
            await revoke(http, settings.google, msgspec.json.decode(tokens, type=Grant))
        except DealPulseError as error:
            log.warning(CONSENT_NOT_REVOKED, connection_id=connection.id, code=error.code)
    waiting = await intake.store.connections.remove(connection.id)
    log.info(ACCOUNT_REMOVED, deal_id=connection.deal_id, connection_id=connection.id, sources=waiting)
    return waiting
