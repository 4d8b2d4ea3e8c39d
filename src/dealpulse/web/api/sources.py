"""Sources: connect one to a deal, list a deal's, confirm that much of one was deleted."""

from __future__ import annotations

from typing import Final

from dealpulse.models import Source
from dealpulse.web import about
from dealpulse.web.routing import ApiRequest, Endpoint, get, post_json
from dealpulse.web.wire import (
    ConfirmDeletionsRequest,
    DeletionsAnswer,
    SourceAnswer,
    SourceRequest,
    SourcesAnswer,
    SourceView,
)


async def add(request: ApiRequest, asked: SourceRequest) -> SourceAnswer:
    """Connect a place documents or e-mails come from; nothing is synced yet."""
    source = await request.state["intake"].add_source(
        request.path_params["deal_id"], asked.type, location=asked.location, name=asked.name
    )
    return SourceAnswer(source=_view(source))


async def sources_of_deal(request: ApiRequest) -> SourcesAnswer:
    """A deal's sources, by name."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return SourcesAnswer(sources=[_view(each) for each in await request.state["store"].sources.of_deal(deal.id)])


async def confirm_deletions(request: ApiRequest, asked: ConfirmDeletionsRequest) -> DeletionsAnswer:
    """Delete here what is gone from a source, after a sync held it back and asked."""
    params = request.path_params
    deleted = await request.state["intake"].confirm_deletions(params["deal_id"], params["source_id"], gone=asked.gone)
    return DeletionsAnswer(deleted=deleted)


def _view(source: Source) -> SourceView:
    return SourceView(
        id=source.id,
        deal_id=source.deal_id,
        type=source.type.value,
        name=source.name,
        location=source.location,
        state=source.state.value,
        last_synced_at=source.last_synced_at,
        last_error=source.last_error,
        gone=source.gone,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/deals/{deal_id}/sources", add, takes=SourceRequest, status=201),
    post_json(
        "/deals/{deal_id}/sources/{source_id}/confirm-deletions", confirm_deletions, takes=ConfirmDeletionsRequest
    ),
    get("/deals/{deal_id}/sources", sources_of_deal, about=about.path),
)
