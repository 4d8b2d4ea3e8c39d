"""Sources: where documents and e-mails come from, how fresh each is, and who must say yes again."""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from dealpulse.models import SourceState
from dealpulse.web.api import connections as api_connections
from dealpulse.web.api import sources as api
from dealpulse.web.dashboard.forms import Form, doing
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.routing import ApiRequest, Endpoint
from dealpulse.web.wire import CheckRequest, ConnectRequest, SyncRequest

_TROUBLED_FIRST: Final = (SourceState.needs_consent, SourceState.needs_confirmation)


async def sources(request: ApiRequest) -> Response:
    """All of them, those that wait for a person first."""
    store = request.state["store"]
    views = await api.views(request, await store.sources.all())
    views.sort(key=lambda view: (view.state not in _TROUBLED_FIRST, view.name))
    names = {deal.id: deal.name for deal in await store.deals.all()}
    return render(request, "sources.html", sources=views, names=names)


async def sync(request: ApiRequest, _: Form) -> str:
    done = await api.sync(request, SyncRequest())
    return "A sync waits or runs already." if done.deduplicated else "A sync is under way."


async def test(request: ApiRequest, _: Form) -> str:
    """A worker tells; the answer comes with the page, or is in the job."""
    told = await api.test(request, CheckRequest())
    if told.readable is None:
        return f"No worker has answered yet: job {told.job_id}."
    return f"It can be read: {told.name}." if told.readable else f"It cannot be read. {told.message}"


async def pause(request: ApiRequest, _: Form) -> str:
    return f"{(await api.pause(request)).source.name} is paused."


async def resume(request: ApiRequest, _: Form) -> str:
    return f"{(await api.resume(request)).source.name} goes on."


async def connect(request: ApiRequest, form: Form) -> Response:
    """On to the page that says what is asked of whose account it is, and from there to the vendor."""
    source = (await api.source(request)).source
    request.path_params["type"] = source.type
    asked = ConnectRequest(deal_id=source.deal_id, source_id=source.id)
    return RedirectResponse((await api_connections.ask(request, asked)).address, status_code=303)


_ONE: Final = "/deals/{deal_id}/sources/{source_id}"

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    showing("/sources", sources),
    doing(f"{_ONE}/sync", sync),
    doing(f"{_ONE}/test", test),
    doing(f"{_ONE}/pause", pause),
    doing(f"{_ONE}/resume", resume),
    doing(f"{_ONE}/connect", connect),
)
