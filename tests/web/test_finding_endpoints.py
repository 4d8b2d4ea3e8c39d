"""What was found, told with its citations, and what people say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from dealpulse.models import Deal, Document, Email
from dealpulse.store import Store
from store.samples import LOCAL, NOBODY, blocker, blockers, content, finding, findings


@pytest.fixture
async def found(store: Store, document: Document, email: Email) -> None:
    await store.documents.save_analysis(document.id, findings(finding("f1")), LOCAL)
    await store.emails.save_content(email.id, content(sent_at=datetime(2026, 3, 2, tzinfo=UTC)))
    await store.emails.save_analysis(email.id, blockers(blocker("b1")), LOCAL)


async def told(api: httpx.AsyncClient, deal: Deal, what: str) -> dict[str, Any]:
    (only,) = (await api.get(f"/api/deals/{deal.id}/{what}")).json()[what]
    assert isinstance(only, dict)
    return only


@pytest.mark.usefixtures("found")
async def test_findings_and_blockers_are_told_with_their_citations(
    api: httpx.AsyncClient, deal: Deal, document: Document, email: Email
) -> None:
    risk = await told(api, deal, "findings")
    assert (risk["severity"], risk["status"], risk["review"], risk["confidence"]) == ("P2", "open", None, "low")
    assert risk["citations"] == [
        {
            "documentId": document.id,
            "emailId": None,
            "name": document.name,
            "page": 1,
            "quote": "may terminate",
            "start": 0,
            "end": 13,
            "verification": "verified",
        }
    ]
    held_up = await told(api, deal, "blockers")
    assert (held_up["owner"], held_up["status"], held_up["citation"]["emailId"]) == ("Dana Whitlock", "open", email.id)


@pytest.mark.usefixtures("found")
async def test_what_is_said_of_them_shows(api: httpx.AsyncClient, deal: Deal) -> None:
    risk = await told(api, deal, "findings")
    said = {"verdict": "correct", "corrections": {"severity": "P0"}, "reason": "It is the largest customer."}
    assert (await api.post(f"/api/findings/{risk['id']}/feedback", json=said)).status_code == 200
    assert (await told(api, deal, "findings"))["severity"] == "P0"
    held_up = await told(api, deal, "blockers")
    assert (await api.post(f"/api/blockers/{held_up['id']}/feedback", json={"verdict": "resolve"})).status_code == 200
    assert (await told(api, deal, "blockers"))["status"] == "resolved"


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"verdict": "maybe"}, "unknown_verdict"),
        ({"verdict": "correct"}, "invalid_correction"),
        ({"verdict": "accept", "corrections": {"severity": "P0"}}, "invalid_correction"),
        ({"verdict": "correct", "corrections": {"severity": "P9"}}, "invalid_correction"),
        ({"verdict": "correct", "corrections": {"status": "resolved"}}, "invalid_correction"),
        ({"verdict": "correct", "corrections": {"title": " "}}, "invalid_correction"),
        ({"verdict": "reject", "reason": "x" * 2001}, "invalid_reason"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, deal: Deal, body: dict[str, Any], code: str
) -> None:
    risk = await told(api, deal, "findings")
    answer = await api.post(f"/api/findings/{risk['id']}/feedback", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert await told(api, deal, "findings") == risk


async def test_what_is_not_there_is_told_so(api: httpx.AsyncClient) -> None:
    for what in ("findings", "blockers"):
        verdict = "accept" if what == "findings" else "resolve"
        answer = await api.post(f"/api/{what}/{NOBODY}/feedback", json={"verdict": verdict})
        assert answer.status_code == 404
        assert (await api.get(f"/api/deals/{NOBODY}/{what}")).status_code == 404


@pytest.mark.parametrize("due", ["tomorrow", "2026-13-01"])
async def test_a_due_date_is_a_date(api: httpx.AsyncClient, due: str) -> None:
    body = {"verdict": "correct", "corrections": {"due_date": due}}
    answer = await api.post(f"/api/blockers/{NOBODY}/feedback", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_correction")
