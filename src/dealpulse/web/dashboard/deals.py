"""Deals, for who runs the service: what was found and on what grounds, what stands in the way, where it comes from."""

from __future__ import annotations

import asyncio
from typing import Final, cast
from urllib.parse import urlencode

from starlette.responses import Response

from dealpulse.models import Document, DocumentState, Email, Severity
from dealpulse.web.api import briefs as api_briefs
from dealpulse.web.api import costs as api_costs
from dealpulse.web.api import deals as api
from dealpulse.web.api import findings as api_findings
from dealpulse.web.api import sources as api_sources
from dealpulse.web.dashboard.forms import Form, doing
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.routing import ApiRequest, Endpoint
from dealpulse.web.wire import BriefQuery, CitationView, DealsQuery

_GRAVEST_FIRST: Final = tuple(Severity)
_MEANING: Final = {
    Severity.P0: "deal-breaker",
    Severity.P1: "to be solved before close",
    Severity.P2: "manageable",
    Severity.P3: "to be watched",
}


async def deals(request: ApiRequest) -> Response:
    """Every deal, the active ones first."""
    found = (await api.deals(request, DealsQuery())).deals
    return render(request, "deals.html", deals=sorted(found, key=lambda deal: (deal.status != "active", deal.name)))


async def deal(request: ApiRequest) -> Response:
    """One deal: its brief, its risks by severity, its blockers and its sources."""
    store = request.state["store"]
    found = (await api.deal(request)).deal
    risks, blockers, sources, budget = await asyncio.gather(
        api_findings.findings_of_deal(request),
        api_findings.blockers_of_deal(request),
        api_sources.sources_of_deal(request),
        api_costs.budget(request),
    )
    documents, emails, latest = await asyncio.gather(
        store.documents.of_deal(found.id), store.emails.of_deal(found.id), store.briefs.latest(found.id)
    )
    everything: list[Document | Email] = [*documents, *emails]
    unread = [one for one in everything if one.state is DocumentState.failed]
    return render(
        request,
        "deal.html",
        deal=found,
        brief=latest,
        register=[
            (severity, _MEANING[severity], [risk for risk in risks.findings if risk.severity == severity])
            for severity in _GRAVEST_FIRST
        ],
        blockers=blockers.blockers,
        sources=sources.sources,
        budget=budget.budget,
        documents=len(documents),
        emails=len(emails),
        unread=unread,
        evidence=evidence,
    )


def evidence(cited: CitationView) -> str | None:
    """Where the page's text is shown with the quote marked; None for what is no longer there."""
    place = f"/documents/{cited.document_id}" if cited.document_id else f"/emails/{cited.email_id}"
    if not (cited.document_id or cited.email_id):
        return None
    marks = {"page": cited.page, "start": cited.start, "end": cited.end}
    told = urlencode({name: value for name, value in marks.items() if value is not None})
    return f"{place}?{told}#quote" if told else place


async def brief(request: ApiRequest) -> Response:
    """A brief as its own page, to read and to print."""
    return cast(Response, await api_briefs.brief(request, BriefQuery(format="html")))


async def write_brief(request: ApiRequest, _: Form) -> str:
    """Ask for today's brief."""
    intake = request.state["intake"]
    found = await request.state["store"].deals.get(request.path_params["deal_id"])
    done = await intake.queue_daily_brief(found.id, intake.local_date(found))
    return "It is being written already." if done.deduplicated else "It is being written."


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    showing("/deals", deals),
    showing("/deals/{deal_id}", deal),
    showing("/deals/{deal_id}/briefs/{date}", brief),
    doing("/deals/{deal_id}/brief", write_brief),
)
