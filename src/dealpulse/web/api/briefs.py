"""Daily briefs: ``/api/deals/{id}/briefs/{date}``, ``date`` being ISO 8601 or ``latest``."""

from __future__ import annotations

import datetime
from typing import Final

from starlette.responses import HTMLResponse, Response

from dealpulse.errors import NotFound
from dealpulse.models import Brief
from dealpulse.store import Store
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get_query
from dealpulse.web.wire import BriefAnswer, BriefQuery, BriefView

LATEST: Final = "latest"
_FORMS: Final = {"application/json": "json", "text/markdown": "markdown", "text/html": "html"}


async def brief(request: ApiRequest, asked: BriefQuery) -> BriefAnswer | Response:
    """A deal's brief of a date, or its ``latest``: as JSON, or the Markdown or the page alone."""
    store = request.state["store"]
    deal = await store.deals.get(request.path_params["deal_id"])
    found = await _find(store, deal.id, request.path_params["date"])
    if found is None:
        raise NotFound("The deal has no such brief yet.", code="brief_not_found")
    form = _form(request, asked.format)
    if form == "markdown":
        return Response(found.markdown, media_type="text/markdown; charset=utf-8")
    if form == "html":
        # The page's own policy, which this one lets it have, allows its own style alone.
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
        return HTMLResponse(found.html, headers=headers)
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


def _form(request: ApiRequest, asked: str | None) -> str:
    """What was asked for by name, else the first of the accepted types that there is."""
    if asked is not None:
        if asked not in _FORMS.values():
            raise invalid("A brief comes as json, markdown or html.", code="unknown_format", valid=[*_FORMS.values()])
        return asked
    accepted = (part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(","))
    return next((_FORMS[kind] for kind in accepted if kind in _FORMS), "json")


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


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get_query(
        "/deals/{deal_id}/briefs/{date}",
        brief,
        asks=BriefQuery,
        also=("text/markdown", "text/html"),
        about=about.path,
    ),
)
