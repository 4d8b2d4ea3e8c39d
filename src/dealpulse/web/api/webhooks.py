"""What others tell us: our own app, with a token, and vendors, who prove themselves as we agreed with them.

A vendor's notice is answered as soon as the sync it asks for is on its way; what is not proved to come from a vendor we
asked gets the same answer and does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from starlette.responses import PlainTextResponse, Response

from dealpulse.connecting.notices import DriveNotice, GraphNotice, Lifecycle
from dealpulse.errors import Invalid, Rejected, Transient
from dealpulse.jobs import SyncType
from dealpulse.models import SourceType
from dealpulse.web.access.identity import Scope
from dealpulse.web.codec import body_of, parse
from dealpulse.web.errors import HttpFault
from dealpulse.web.routing import ApiRequest, Endpoint, post, post_json
from dealpulse.web.wire import DriveChange, DriveChanges, GraphItem, GraphPush, PubSubPush, ReceivedAnswer

log = structlog.get_logger(__name__)

CHANGE_REFUSED: Final = "webhook_change_refused"

CHANNEL_HEADER: Final = "x-goog-channel-id"
"""Who sends it is Drive, or says so."""

_CHANNEL: Final = re.compile(r"[A-Za-z0-9_+/=.-]{1,64}")
_SUBSCRIPTION: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_MESSAGE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_TOKEN: Final = 4096
_MOST_ITEMS: Final = 1000


async def gdrive(request: ApiRequest, notice: DriveChanges) -> ReceivedAnswer:
    """Our app tells: sync the Drive sources of every deal named.

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


async def drive_channel(request: ApiRequest) -> Response:
    """Drive tells by headers alone; a body, which it does not send, is not looked at."""
    told = request.headers
    channel = told.get(CHANNEL_HEADER, "")
    if _CHANNEL.fullmatch(channel):
        await request.state["notices"].drive(
            DriveNotice(
                channel=channel,
                token=told.get("x-goog-channel-token", ""),
                resource=told.get("x-goog-resource-id", ""),
                state=told.get("x-goog-resource-state", ""),
                number=told.get("x-goog-message-number", ""),
            )
        )
    return Response(status_code=200)


async def gmail(request: ApiRequest) -> Response:
    """Pub/Sub pushes. What it cannot use, it is not sent again: only a refused signature is a fault of somebody's."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not await request.state["push_tokens"].proves(token.strip()):
        raise HttpFault(401, code="not_our_subscription", message="This is not signed as our Pub/Sub subscription.")
    with suppress(Invalid):
        message = (await body_of(request, PubSubPush)).message
        if _MESSAGE.fullmatch(message.message_id):
            await request.state["notices"].gmail(message.message_id, message.data)
    return Response(status_code=204)


async def graph(request: ApiRequest) -> Response:
    """Graph asks whether we are who is told (``?validationToken=``), and then tells."""
    asked = request.query_params.get("validationToken")
    if asked is not None:
        if len(asked) > _LONGEST_TOKEN:
            raise HttpFault(400, code="invalid_token", message="A validation token is not as long as this.")
        return PlainTextResponse(asked)
    push = await body_of(request, GraphPush)
    await request.state["notices"].graph(_graph_notices(push))
    return Response(status_code=202)


def _graph_notices(push: GraphPush) -> Sequence[GraphNotice]:
    notices = []
    for position, entry in enumerate(push.value[:_MOST_ITEMS]):
        try:
            item = parse(entry, GraphItem)
            lifecycle = None if item.lifecycle_event is None else Lifecycle(item.lifecycle_event)
        except (Rejected, ValueError):
            log.warning(CHANGE_REFUSED, position=position, code="invalid_notice")
            continue
        if _SUBSCRIPTION.fullmatch(item.subscription_id):
            notices.append(GraphNotice(item.subscription_id, item.client_state or "", lifecycle))
    return notices


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/webhooks/gdrive", gdrive, takes=DriveChanges, scope=Scope.enqueue),
)

VENDORS: Final[tuple[Endpoint, ...]] = (
    post("/api/webhooks/gdrive", drive_channel, only_with=CHANNEL_HEADER),
    post("/api/webhooks/gmail", gmail),
    post("/api/webhooks/graph", graph),
)
"""What needs no token of ours, before the door. A notice from Drive is told from our app's by its header."""
