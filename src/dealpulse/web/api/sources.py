"""Sources: connect one to a deal, look at it, try it, pause it, sync it, remove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dealpulse.connecting import lifecycle
from dealpulse.models import Source
from dealpulse.store.subscriptions import KeptSubscription
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, delete_query, get, post, post_json
from dealpulse.web.wire import (
    CheckAnswer,
    CheckRequest,
    ConfirmDeletionsRequest,
    DeletionsAnswer,
    JobAnswer,
    RemoveSourceQuery,
    SourceAnswer,
    SourceRemovedAnswer,
    SourceRequest,
    SourcesAnswer,
    SourceView,
    SyncRequest,
)

_LONGEST_WAIT_SECONDS: Final = 20
_OF_DOCUMENTS: Final = ("keep", "delete")


async def add(request: ApiRequest, asked: SourceRequest) -> SourceAnswer:
    """Connect a place documents or e-mails come from; nothing is synced yet."""
    source = await request.state["intake"].add_source(
        request.path_params["deal_id"],
        asked.type,
        location=asked.location,
        name=asked.name,
        connection_id=asked.connection_id,
    )
    return SourceAnswer(source=(await views(request, [source]))[0])


async def sources_of_deal(request: ApiRequest) -> SourcesAnswer:
    """A deal's sources, by name."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return SourcesAnswer(sources=await views(request, await request.state["store"].sources.of_deal(deal.id)))


async def source(request: ApiRequest) -> SourceAnswer:
    """One source: where it is, when it was last synced, what went wrong, until when its vendor tells of changes."""
    return SourceAnswer(source=(await views(request, [await _source(request)]))[0])


async def confirm_deletions(request: ApiRequest, asked: ConfirmDeletionsRequest) -> DeletionsAnswer:
    """Delete here what is gone from a source, after a sync held it back and asked."""
    params = request.path_params
    deleted = await request.state["intake"].confirm_deletions(params["deal_id"], params["source_id"], gone=asked.gone)
    return DeletionsAnswer(deleted=deleted)


async def test(request: ApiRequest, asked: CheckRequest) -> CheckAnswer:
    """Ask a worker whether the source can be read, without reading it, and wait a little for its answer."""
    if not 0 <= asked.wait_seconds <= _LONGEST_WAIT_SECONDS:
        message = f"waitSeconds is a whole number to {_LONGEST_WAIT_SECONDS}."
        raise invalid(message, code="invalid_wait", field="waitSeconds")
    checking = await lifecycle.check(await _source(request), intake=request.state["intake"], wait=asked.wait_seconds)
    outcome = checking.outcome
    return CheckAnswer(
        job_id=checking.job_id,
        readable=None if outcome is None else outcome.readable,
        name=None if outcome is None else outcome.name,
        code=None if outcome is None else outcome.code,
        message=None if outcome is None else outcome.message,
    )


async def sync(request: ApiRequest, asked: SyncRequest) -> JobAnswer:
    """Ask for a sync of one source."""
    enqueued = await lifecycle.sync(await _source(request), asked.sync_type, intake=request.state["intake"])
    return JobAnswer(job_id=enqueued.job_id, deduplicated=enqueued.deduplicated)


async def pause(request: ApiRequest) -> SourceAnswer:
    """Sync it no more until it is resumed; a sync under way is called off, and goes on from there later."""
    await lifecycle.pause(await _source(request), intake=request.state["intake"])
    return await source(request)


async def resume(request: ApiRequest) -> SourceAnswer:
    """Sync it again; a first sync makes up at once for what was missed."""
    await lifecycle.resume(await _source(request), intake=request.state["intake"])
    return await source(request)


async def remove(request: ApiRequest, asked: RemoveSourceQuery) -> SourceRemovedAnswer:
    """Forget a source. What came from it stays, with all that was found in it, unless ``?documents=delete``."""
    if asked.documents not in _OF_DOCUMENTS:
        raise invalid("documents is keep or delete.", code="unknown_wish", valid=[*_OF_DOCUMENTS])
    deleted = asked.documents == "delete"
    items = await lifecycle.remove(await _source(request), delete_items=deleted, intake=request.state["intake"])
    return SourceRemovedAnswer(items=items, deleted=deleted)


async def _source(request: ApiRequest) -> Source:
    params = request.path_params
    return await lifecycle.source_of(params["deal_id"], params["source_id"], intake=request.state["intake"])


async def views(request: ApiRequest, sources: Sequence[Source]) -> list[SourceView]:
    """Sources as they are answered, with their subscriptions."""
    kept = await request.state["store"].subscriptions.of_sources([source.id for source in sources])
    return [_view(source, kept.get(source.id)) for source in sources]


def _view(source: Source, kept: KeptSubscription | None) -> SourceView:
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
        connection_id=source.connection_id,
        notified_until=None if kept is None else kept.expires_at,
        notification_error=None if kept is None else kept.last_error,
    )


_ONE: Final = "/deals/{deal_id}/sources/{source_id}"

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    post_json("/deals/{deal_id}/sources", add, takes=SourceRequest, status=201),
    get("/deals/{deal_id}/sources", sources_of_deal, about=about.path),
    get(_ONE, source, about=about.path),
    delete_query(_ONE, remove, asks=RemoveSourceQuery),
    post_json(f"{_ONE}/test", test, takes=CheckRequest, optional=True, scope=Scope.enqueue, about=about.path),
    post_json(f"{_ONE}/sync", sync, takes=SyncRequest, optional=True, scope=Scope.enqueue, about=about.path),
    post(f"{_ONE}/pause", pause),
    post(f"{_ONE}/resume", resume),
    post_json(f"{_ONE}/confirm-deletions", confirm_deletions, takes=ConfirmDeletionsRequest),
)
