"""Daily briefs: ``/api/deals/{id}/briefs/{date}``, ``date`` being ISO 8601 or ``latest``."""

from __future__ import annotations

import datetime
from typing import Final

from starlette.responses import Response

from dealpulse.errors import NotFound
from dealpulse.models import Brief
from dealpulse.store import Store
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get
from dealpulse.web.wire import BriefAnswer, BriefView

LATEST: Final = "latest"


async def brief(request: ApiRequest) -> BriefAnswer | Response:
    """JSON, or the Markdown alone for ``Accept: text/markdown`` or ``?format=markdown``."""
    store = request.state["store"]
    deal = await store.deals.get(request.path_params["deal_id"])
    found = await _find(store, deal.id, request.path_params["date"])
    if found is None:
        raise NotFound("The deal has no such brief yet.", code="brief_not_found")
    if _wants_markdown(request):
        return Response(found.markdown, media_type="text/markdown; charset=utf-8")
    return BriefAnswer(brief=_view(found))


async def _find(store: Store, deal_id: str, which: str) -> Brief | None:
    if which == LATEST:
        return await store.briefs.latest_before(deal_id, datetime.date.max)
    try:
        date = datetime.date.fromisoformat(which)
    except ValueError as error:
        message = "Say the brief's date as YYYY-MM-DD, or latest."
        raise invalid(message, code="invalid_date", field="date") from error
    return await store.briefs.get(deal_id, date)


def _wants_markdown(request: ApiRequest) -> bool:
    asked = request.query_params.get("format")
    if asked not in (None, "json", "markdown"):
        raise invalid("A brief comes as json or markdown.", code="unknown_format", valid=["json", "markdown"])
    return asked == "markdown" or (asked is None and "text/markdown" in request.headers.get("accept", ""))


def _view(brief: Brief) -> BriefView:
    return BriefView(
        deal_id=brief.deal_id,
        date=brief.brief_date,
        status=brief.status.value,
        engine=brief.origin.engine.value,
        model=brief.origin.model,
        confidence=brief.origin.confidence.value,
        markdown=brief.markdown,
        content=brief.content,
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (get("/deals/{deal_id}/briefs/{date}", brief, about=about.path),)
