"""What vendors tell of changes. A notice only says that it is time to sync, so that replaying one does no harm.

Whatever is not proved to come from the vendor we asked is ignored without a word: who tries learns nothing.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from dealpulse.jobs import SyncSource, SyncType
from dealpulse.models import SourceState
from dealpulse.outbox import request
from dealpulse.queue import QueueClient
from dealpulse.queue.tickets import Tickets
from dealpulse.store import Store
from dealpulse.store.subscriptions import KeptSubscription

NOTICE_TAKEN: Final = "source_notice_taken"
NOTICE_IGNORED: Final = "source_notice_ignored"

GATHERING_SECONDS: Final = 5.0
"""A sync starts so long after the first notice: what comes until then is one change."""
_REMEMBERED_SECONDS: Final = 3600.0
"""For so long a vendor's repetition of a notice is recognised."""
_TO_BEGIN: Final = ("waiting", "delayed", "parked")

log = structlog.get_logger(__name__)


class Lifecycle(StrEnum):
    """What Graph tells of a subscription itself."""

    reauthorization_required = "reauthorizationRequired"
    removed = "subscriptionRemoved"
    missed = "missed"


@dataclass(frozen=True)
class DriveNotice:
    """A channel's headers."""

    channel: str
    token: str
    resource: str
    state: str
    number: str


@dataclass(frozen=True)
class GraphNotice:
    subscription: str
    client_state: str
    lifecycle: Lifecycle | None = None


class GmailNotice(Struct, frozen=True, rename="camel"):
    """What is inside a Pub/Sub message. Its ``historyId`` is left out: no cursor is moved by what was told."""

    email_address: str


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, kw_only=True)
class Notices:
    """Takes notices. All methods raise ``Unavailable`` or ``Transient``, and the vendor is to come again then."""

    store: Store
    queue: QueueClient
    tickets: Tickets
    clock: Callable[[], datetime.datetime] = _utc_now

    async def drive(self, notice: DriveNotice) -> None:
        known = [
            one
            for one in await self.store.subscriptions.find([notice.channel])
            if _proved(one, notice.token) and one.resource in ("", notice.resource)
        ]
        if not known:
            log.warning(NOTICE_IGNORED, vendor="gdrive", reason="unproved")
        elif notice.state != "sync":  # which only says that the channel works
            await self._once(f"gdrive:{notice.channel}:{notice.number}", known)

    async def gmail(self, message_id: str, data: str) -> None:
        """``data`` as Pub/Sub has it, base64; whose it is was proved by the signature on the request."""
        try:
            notice = msgspec.json.decode(base64.b64decode(data, altchars=b"-_"), type=GmailNotice)
        except (msgspec.MsgspecError, binascii.Error, ValueError):
            # Not believed to get better by being sent again.
            log.warning(NOTICE_IGNORED, vendor="gmail", reason="unreadable")
            return
        known = await self.store.subscriptions.find([notice.email_address.lower()])
        if not known:
            log.info(NOTICE_IGNORED, vendor="gmail", reason="unknown")
            return
        await self._once(f"gmail:{message_id}", known)

    async def graph(self, notices: Sequence[GraphNotice]) -> None:
        by_id: dict[str, list[KeptSubscription]] = {}
        for one in await self.store.subscriptions.find(list({notice.subscription for notice in notices})):
            by_id.setdefault(one.external_id or "", []).append(one)
        changed: dict[str, KeptSubscription] = {}
        for notice in notices:
            known = [one for one in by_id.get(notice.subscription, ()) if _proved(one, notice.client_state)]
            if not known:
                log.warning(NOTICE_IGNORED, vendor="graph", reason="unproved")
            for one in known:
                await self._heed(one, notice)
                # A subscription that was removed is made again, and its source synced after that.
                if notice.lifecycle in (None, Lifecycle.missed):
                    changed[one.id] = one
        await self._sync(changed.values())

    async def _heed(self, kept: KeptSubscription, notice: GraphNotice) -> None:
        if notice.lifecycle is Lifecycle.reauthorization_required:
            await self.store.subscriptions.renew_now(kept.id)
        elif notice.lifecycle is Lifecycle.removed:
            await self.store.subscriptions.lost(kept.id, notice.subscription)
        if notice.lifecycle is not None:
            log.info(NOTICE_TAKEN, source_id=kept.source_id, lifecycle=notice.lifecycle.value)

    async def _once(self, name: str, known: Collection[KeptSubscription]) -> None:
        """Noted when it is done: what failed is taken up when it is sent again."""
        if not await self.tickets.seen(name):
            await self._sync(known)
            await self.tickets.note_seen(name, seconds=_REMEMBERED_SECONDS)

    async def _sync(self, known: Collection[KeptSubscription]) -> None:
        """One sync a source, a little later. What is yet to begin finds this change too, and is left as it is."""
        ids = [one.source_id for one in known if one.source_id is not None]
        ids = [source_id for source_id in ids if not await self._is_to_begin(source_id)]
        jobs = [
            SyncSource(source.id, source.deal_id, SyncType.incremental)
            for source in await self.store.sources.some(ids)
            if source.state in (SourceState.active, SourceState.needs_confirmation)
        ]
        run_at = self.clock() + datetime.timedelta(seconds=GATHERING_SECONDS)
        await request(jobs, operations=self.store.operations, queue=self.queue, run_at=run_at)
        for job in jobs:
            log.info(NOTICE_TAKEN, source_id=job.source_id, deal_id=job.deal_id)

    async def _is_to_begin(self, source_id: str) -> bool:
        view = await self.queue.job(f"sync:{source_id}")
        return view is not None and view.state in _TO_BEGIN


def _proved(kept: KeptSubscription, secret: str) -> bool:
    told = hashlib.sha256(secret.encode(errors="replace")).hexdigest()
    return kept.secret_sha256 is not None and hmac.compare_digest(kept.secret_sha256, told)
