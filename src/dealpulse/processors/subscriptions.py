"""Keeps vendors telling of changes: subscriptions are made, renewed before they end, made again when lost, and ended.

All of it is done here, whoever found out that something is to be done: a tick a minute takes what is due. A sync does
not need it, so nothing here ever fails one; what went wrong stands on the source and is tried again later.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from dealpulse.errors import DealPulseError, NeedsConsent, Permanent, Transient
from dealpulse.jobs import Priority, SyncSource, SyncType
from dealpulse.models import Source, SourceType
from dealpulse.outbox import request
from dealpulse.queue import QueueClient
from dealpulse.settings import Settings
from dealpulse.sources.contract import Connector
from dealpulse.sources.notifications import Callback, Notifying, Subscription, SubscriptionLost
from dealpulse.store import Store
from dealpulse.store.subscriptions import DueSubscription

SUBSCRIBED: Final = "source_subscribed"
UNSUBSCRIBED: Final = "source_unsubscribed"
NOT_SUBSCRIBED: Final = "source_not_subscribed"

_log = structlog.get_logger("dealpulse.processors.subscriptions")

Connect = Callable[[Source], Connector]
Clock = Callable[[], datetime]

_AT_ONCE: Final = 8
_PORTION: Final = 50
_SECONDS: Final = 60.0
"""What seeing to one may take."""
_LEASE_SECONDS: Final = 180.0
_SECRET_BYTES: Final = 32
_PART_OF_LIFE: Final = 2 / 3
"""After which a subscription is renewed: a vendor that is away has the rest of it to come back."""
_SOONEST: Final = timedelta(minutes=1)
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)


def callbacks(settings: Settings) -> dict[SourceType, str]:
    """Where each vendor is to tell us; without what cannot reach us."""
    base, google = settings.notices_url, settings.sources.google
    if base is None:
        return {}
    graph = f"{base}/api/webhooks/graph"
    found = {
        SourceType.gdrive: f"{base}/api/webhooks/gdrive",
        SourceType.sharepoint: graph,
        SourceType.outlook: graph,
    }
    if google.topic is not None and google.push_account is not None:
        found[SourceType.gmail] = google.topic
    return found


def secret_digest(secret: str) -> str:
    """What is kept of a secret: SHA-256, hex. It is random, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Sees to subscriptions. ``addresses``: of the vendors that are to tell us, by type of source."""

    store: Store
    queue: QueueClient
    connect: Connect
    addresses: Mapping[SourceType, str]
    clock: Clock = _utc_now

    async def see_to_all(self) -> int:
        """See to everything that is due; returns how many that were."""
        seen = 0
        while True:
            due = await self.store.subscriptions.claim(
                [*self.addresses], now=self.clock(), lease_seconds=_LEASE_SECONDS, limit=_PORTION
            )
            free = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._see_to(one, free) for one in due))
            seen += len(due)
            if len(due) < _PORTION:
                return seen

    async def _see_to(self, due: DueSubscription, free: asyncio.Semaphore) -> None:
        async with free:
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._keep(due)
            except TimeoutError:
                await self._put_off(due, Transient("The vendor takes too long.", code="timed_out"))
            except DealPulseError as error:
                await self._put_off(due, error)
            except Exception as fault:
                # One vendor's surprise is not to keep the others from being seen to.
                _log.exception(NOT_SUBSCRIBED, source_id=due.source.id, error_class=type(fault).__name__)
                await self._put_off(due, Transient("It failed unexpectedly; the log tells more.", code="unexpected"))

    async def _keep(self, due: DueSubscription) -> None:
        connector = self.connect(due.source)
        try:
            if not isinstance(connector, Notifying):
                raise Permanent("This version cannot have the vendor tell of changes.", code="not_notifying")
            if due.wanted:
                await self._make_or_renew(due, connector)
            else:
                await self._end(due, connector)
        finally:
            await connector.aclose()

    async def _make_or_renew(self, due: DueSubscription, connector: Notifying) -> None:
        callback = Callback(self.addresses[due.source.type], secrets.token_urlsafe(_SECRET_BYTES))
        known = _subscription(due)
        if known is not None and known.expires_at > self.clock():
            try:
                renewed = await connector.renew(known, callback)
            except SubscriptionLost:
                pass
            else:
                if renewed.external_id == known.external_id:
                    await self._save(due, renewed, None, connector)
                else:
                    await self._save(due, renewed, callback, connector)
                return
        if await self._save(due, await connector.subscribe(callback), callback, connector):
            await self._catch_up(due.source)

    async def _save(
        self, due: DueSubscription, made: Subscription, callback: Callback | None, connector: Notifying
    ) -> bool:
        """Keep it; one that is surplus, because the source was paused meanwhile, is ended again."""
        now = self.clock()
        kept = await self.store.subscriptions.save(
            due,
            external_id=made.external_id,
            resource=made.resource,
            secret_sha256=None if callback is None else secret_digest(callback.secret),
            expires_at=made.expires_at,
            due_at=now + max((made.expires_at - now) * _PART_OF_LIFE, _SOONEST),
        )
        if kept:
            _log.info(SUBSCRIBED, source_id=due.source.id, expires_at=made.expires_at.isoformat())
        elif not await self.store.subscriptions.find([made.external_id]):
            await connector.unsubscribe(made)
        return kept

    async def _catch_up(self, source: Source) -> None:
        """Nobody told of what changed while there was no subscription."""
        if source.last_synced_at is not None:
            job = SyncSource(source.id, source.deal_id, SyncType.incremental)
            await request([job], operations=self.store.operations, queue=self.queue, priority=Priority.low)

    async def _end(self, due: DueSubscription, connector: Notifying) -> None:
        known = _subscription(due)
        if known is not None:
            others = [one for one in await self.store.subscriptions.find([known.external_id]) if one.id != due.id]
            if not others:
                await connector.unsubscribe(known)
        await self.store.subscriptions.ended(due)
        _log.info(UNSUBSCRIBED, source_id=due.source.id)

    async def _put_off(self, due: DueSubscription, error: DealPulseError) -> None:
        _log.warning(
            NOT_SUBSCRIBED,
            source_id=due.source.id,
            wanted=due.wanted,
            error_code=error.code,
            error_message=error.message,
        )
        if not due.wanted and isinstance(error, Permanent):
            # Nobody can tell the vendor any more, or it will not listen: it ends by itself, and nobody hears it.
            await self.store.subscriptions.ended(due)
            return
        now = self.clock()
        wait = _wait(error, due.failures)
        if due.expires_at is not None and due.expires_at > now:
            wait = min(wait, max((due.expires_at - now) / 2, _SOONEST))
        await self.store.subscriptions.postpone(due, until=now + wait, error=error.message)


def _subscription(due: DueSubscription) -> Subscription | None:
    if due.external_id is None or due.expires_at is None:
        return None
    return Subscription(due.external_id, due.resource, due.expires_at)


def _wait(error: DealPulseError, failures: int) -> timedelta:
    """A minute, twice as long after each failure, at most an hour; or as long as the vendor asks for."""
    if isinstance(error, NeedsConsent):
        return _LONGEST_WAIT
    asked = error.retry_after if isinstance(error, Transient) else None
    wait = _FIRST_WAIT * 2 ** min(failures, 10) if asked is None else timedelta(seconds=asked)
    return min(max(wait, _SOONEST), _LONGEST_WAIT)
