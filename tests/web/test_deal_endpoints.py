"""Deals, their sources and their briefs over HTTP."""

from __future__ import annotations

import datetime

import httpx
import pytest

from dealpulse.models import Brief, BriefStatus, Confidence, Deal, EngineName, Origin, SourceType
from dealpulse.store import Store
from store.samples import item

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_a_created_deal_is_active_and_listed_until_archived(api: httpx.AsyncClient) -> None:
    created = await api.post("/api/deals", json={"name": "  Project Alder ", "timeZone": "Europe/Berlin"})
    assert created.status_code == 201
    deal = created.json()["deal"]
    assert {name: deal[name] for name in ("name", "status", "timeZone")} == {
        "name": "Project Alder",
        "status": "active",
        "timeZone": "Europe/Berlin",
    }
    assert (await api.get("/api/deals")).json() == {"success": True, "deals": [deal]}
    assert (await api.get(f"/api/deals/{deal['id']}")).json() == {"success": True, "deal": deal}

    archived = (await api.post(f"/api/deals/{deal['id']}/archive")).json()["deal"]
    assert archived["status"] == "archived"
    assert (await api.get("/api/deals", params={"status": "active"})).json()["deals"] == []
    assert (await api.get("/api/deals", params={"status": "archived"})).json()["deals"] == [archived]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_body"),
        ({"name": "  "}, "invalid_name"),
        ({"name": "x" * 300}, "invalid_name"),
        ({"name": "a\u0000b"}, "invalid_name"),
        ({"name": "Alder", "timeZone": "Mars/Olympus"}, "unknown_time_zone"),
        ({"name": "Alder", "timeZone": "../../etc/passwd"}, "unknown_time_zone"),
        ({"name": "Alder", "timeZone": "a\u0000b"}, "unknown_time_zone"),
        ({"name": "Alder", "timeZone": ""}, "unknown_time_zone"),
        ({"name": "Alder", "timeZone": "America"}, "unknown_time_zone"),
    ],
)
async def test_a_deal_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, store: Store, body: dict[str, str], code: str
) -> None:
    answer = await api.post("/api/deals", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert await store.deals.all() == []


@pytest.mark.parametrize("deal_id", [UNKNOWN, "not-a-uuid", "%00", "%FF", "%F0%9F%98%80", "x" * 500])
async def test_an_unknown_deal_is_404_everywhere(api: httpx.AsyncClient, deal_id: str) -> None:
    for method, path in (
        ("GET", ""),
        ("HEAD", ""),
        ("POST", "/archive"),
        ("GET", "/documents"),
        ("GET", "/sources"),
        ("GET", "/briefs/latest"),
    ):
        answer = await api.request(method, f"/api/deals/{deal_id}{path}")
        assert answer.status_code == 404
        assert method == "HEAD" or answer.json()["error"]["code"] == "deal_not_found"


@pytest.mark.parametrize("status", ["", "a b", "\u0000", "x" * 100, "active,archived"])
async def test_a_status_that_is_no_word_is_refused(api: httpx.AsyncClient, status: str) -> None:
    answer = await api.get("/api/deals", params={"status": status})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_status")


async def test_a_source_is_connected_and_listed(api: httpx.AsyncClient, deal: Deal) -> None:
    asked = {"type": "folder", "location": "/srv/deals/alder", "name": "Data room"}
    created = await api.post(f"/api/deals/{deal.id}/sources", json=asked)
    assert created.status_code == 201
    source = created.json()["source"]
    assert {name: source[name] for name in ("dealId", "state", "lastSyncedAt", *asked)} == {
        "dealId": deal.id,
        "state": "active",
        "lastSyncedAt": None,
        **asked,
    }
    assert (await api.get(f"/api/deals/{deal.id}/sources")).json()["sources"] == [source]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "dropbox", "location": "/srv"}, "unknown_source_type"),
        ({"type": "folder", "location": "srv"}, "invalid_location"),
        ({"type": "gdrive", "location": ""}, "invalid_location"),
        ({"type": "gdrive"}, "invalid_body"),
    ],
)
async def test_a_source_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, store: Store, deal: Deal, body: dict[str, str], code: str
) -> None:
    answer = await api.post(f"/api/deals/{deal.id}/sources", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert await store.sources.of_deal(deal.id) == []


async def _save_brief(store: Store, deal: Deal, day: int) -> None:
    await store.briefs.save(
        Brief(
            deal_id=deal.id,
            brief_date=datetime.date(2026, 3, day),
            status=BriefStatus.complete,
            markdown=f"# Brief of March {day}",
            html=f"<h1>Brief of March {day}</h1>",
            content={"day": day},
            origin=Origin(engine=EngineName.local, model="rules-1", confidence=Confidence.low),
        )
    )


async def test_a_brief_is_read_by_date_or_the_latest_of_all(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    for day in (2, 4, 3):
        await _save_brief(store, deal, day)

    third = (await api.get(f"/api/deals/{deal.id}/briefs/2026-03-03")).json()
    latest = (await api.get(f"/api/deals/{deal.id}/briefs/latest")).json()

    assert third == {
        "success": True,
        "brief": {
            "dealId": deal.id,
            "date": "2026-03-03",
            "status": "complete",
            "engine": "local",
            "model": "rules-1",
            "confidence": "low",
            "markdown": "# Brief of March 3",
            "content": {"day": 3},
        },
    }
    assert latest["brief"]["date"] == "2026-03-04"


async def test_a_brief_comes_as_markdown_when_asked_so(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    await _save_brief(store, deal, 2)
    address = f"/api/deals/{deal.id}/briefs/latest"
    for answer in (
        await api.get(address, headers={"accept": "text/markdown"}),
        await api.get(address, params={"format": "markdown"}),
    ):
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert answer.text == "# Brief of March 2"
    assert (await api.get(address, params={"format": "pdf"})).status_code == 400


async def test_a_browser_gets_the_brief_as_a_page(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    await _save_brief(store, deal, 2)
    address = f"/api/deals/{deal.id}/briefs/latest"
    browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for answer in (
        await api.get(address, headers={"accept": browsers}),
        await api.get(address, params={"format": "html"}, headers={"accept": "application/json"}),
    ):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text == "<h1>Brief of March 2</h1>"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    assert (await api.get(address)).json()["brief"]["markdown"]
    assert (await api.get(address, params={"format": "json"}, headers={"accept": browsers})).json()["success"]


async def test_a_brief_that_is_none_is_told(api: httpx.AsyncClient, deal: Deal) -> None:
    for which, status, code in (
        ("latest", 404, "brief_not_found"),
        ("2026-03-02", 404, "brief_not_found"),
        ("today-ish", 400, "invalid_date"),
        ("2026-02-30", 400, "invalid_date"),
    ):
        answer = await api.get(f"/api/deals/{deal.id}/briefs/{which}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_deletions_that_were_held_back_are_confirmed_by_their_number(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    source = await store.sources.create(deal.id, SourceType.folder, "Share", "/srv/share")
    items = [item(f"{number}.pdf") for number in range(4)]
    await store.sources.save_page(source.id, sync_id="s1", items=items, removed=[], cursor=None)
    await store.sources.finish_sync(source.id, sync_id="s2", complete_listing=True)
    (held,) = (await api.get(f"/api/deals/{deal.id}/sources")).json()["sources"]
    assert (held["state"], held["gone"]) == ("needs_confirmation", 4)

    confirm = f"/api/deals/{deal.id}/sources/{source.id}/confirm-deletions"
    wrong = await api.post(confirm, json={"gone": 3})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "nothing_to_confirm")
    assert (await api.post(confirm, json={"gone": 4})).json()["deleted"] == 4
    assert await store.documents.of_deal(deal.id) == []
