"""What others tell us: a change notice becomes one sync a deal."""

from __future__ import annotations

from typing import Final

import structlog

from dealpulse.errors import Rejected, Transient
from dealpulse.jobs import SyncType
from dealpulse.models import SourceType
from dealpulse.web.access.identity import Scope
from dealpulse.web.codec import parse
from dealpulse.web.routing import ApiRequest, Endpoint, post_json
from dealpulse.web.wire import DriveChange, DriveChanges, ReceivedAnswer

log = structlog.get_logger(__name__)

CHANGE_REFUSED: Final = "webhook_change_refused"


async def gdrive(request: ApiRequest, notice: DriveChanges) -> ReceivedAnswer:
    """Sync the Drive sources of every deal named.

    An entry that cannot be met (not readable, unknown deal, no Drive source) is logged and the others go on. When
    Redis or Supabase is away the sender is told to come again: asking twice does no harm.
    """
    unanswered: Transient | None = None
    for deal_id in _distinct_deals(notice):
        try:
            await request.state["intake"].queue_source_sync(deal_id, SourceType.gdrive, SyncType.incremental)
        except Rejected as error:
            log.warning(CHANGE_REFUSED, deal_id=deal_id[:64], code=error.code)
        except Transient as error:
            unanswered = error
    if unanswered is not None:
        raise unanswered
    return ReceivedAnswer()


def _distinct_deals(notice: DriveChanges) -> list[str]:
    deals: dict[str, None] = {}
    for position, entry in enumerate(notice.changes):
        try:
            deals[parse(entry, DriveChange).deal_id.casefold()] = None
        except Rejected as error:
            log.warning(CHANGE_REFUSED, position=position, code=error.code)
    return list(deals)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/webhooks/gdrive", gdrive, takes=DriveChanges, scope=Scope.enqueue),
)
