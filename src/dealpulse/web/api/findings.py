"""What was found in a deal, with its citations, and what people say of it."""

from __future__ import annotations

from typing import Final

from dealpulse.models import RecordedBlocker, RecordedFinding
from dealpulse.web import about
from dealpulse.web.access.identity import Scope
from dealpulse.web.routing import ApiRequest, Endpoint, get, identity_of, post_json
from dealpulse.web.wire import (
    BlockersAnswer,
    BlockerView,
    CitationView,
    FeedbackRequest,
    FindingsAnswer,
    FindingView,
    Success,
)


async def findings_of_deal(request: ApiRequest) -> FindingsAnswer:
    """Every risk of the deal, resolved and rejected ones too, gravest first, with all its citations."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    found = await request.state["store"].findings.of_deal(deal.id)
    return FindingsAnswer(findings=[_finding(one) for one in found])


async def blockers_of_deal(request: ApiRequest) -> BlockersAnswer:
    """Everything that holds the deal up, or did, longest open first."""
    deal = await request.state["store"].deals.get(request.path_params["deal_id"])
    return BlockersAnswer(blockers=[_blocker(one) for one in await request.state["store"].blockers.of_deal(deal.id)])


async def review_finding(request: ApiRequest, said: FeedbackRequest) -> Success:
    """Accept, reject or correct a risk; later runs respect it."""
    await request.state["intake"].review_finding(
        request.path_params["finding_id"],
        said.verdict,
        corrections=said.corrections,
        reason=said.reason,
        author=_author(request),
    )
    return Success()


async def review_blocker(request: ApiRequest, said: FeedbackRequest) -> Success:
    """Resolve, dismiss, reopen or correct a blocker; later e-mails respect it."""
    await request.state["intake"].review_blocker(
        request.path_params["blocker_id"],
        said.verdict,
        corrections=said.corrections,
        reason=said.reason,
        author=_author(request),
    )
    return Success()


def _author(request: ApiRequest) -> str:
    identity = identity_of(request)
    return identity.name if identity else ""


def _finding(found: RecordedFinding) -> FindingView:
    return FindingView(
        id=found.id,
        category=found.category.value,
        severity=found.severity.value,
        action=found.action.value,
        title=found.title,
        explanation=found.explanation,
        status=found.status.value,
        review=found.review and found.review.value,
        engine=found.origin.engine.value,
        confidence=found.origin.confidence.value,
        first_seen_at=found.first_seen_at,
        changed_at=found.changed_at,
        citations=[
            CitationView(
                document_id=cited.document_id,
                email_id=cited.email_id,
                name=cited.document_name,
                page=cited.citation.page,
                quote=cited.citation.quote,
                start=cited.citation.start,
                end=cited.citation.end,
                verification=cited.citation.verification.value,
            )
            for cited in found.citations
        ],
    )


def _blocker(found: RecordedBlocker) -> BlockerView:
    blocker, cited = found.blocker, found.blocker.citation
    return BlockerView(
        id=found.id,
        title=blocker.title,
        owner=blocker.owner,
        due_date=blocker.due_date,
        needed_action=blocker.needed_action,
        opened_on=blocker.opened_on,
        status=blocker.status.value,
        review=found.review and found.review.value,
        citation=CitationView(
            document_id=None,
            email_id=found.email_id,
            name=found.email_subject,
            page=None,
            quote=cited.quote,
            start=cited.start,
            end=cited.end,
            verification=cited.verification.value,
        ),
    )


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    get("/deals/{deal_id}/findings", findings_of_deal, about=about.path),
    get("/deals/{deal_id}/blockers", blockers_of_deal, about=about.path),
    post_json(
        "/findings/{finding_id}/feedback",
        review_finding,
        takes=FeedbackRequest,
        scope=Scope.enqueue,
        about=about.finding,
    ),
    post_json(
        "/blockers/{blocker_id}/feedback",
        review_blocker,
        takes=FeedbackRequest,
        scope=Scope.enqueue,
        about=about.blocker,
    ),
)
