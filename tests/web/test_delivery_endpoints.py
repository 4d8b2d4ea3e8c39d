"""Recipients, schedules and reports over the API."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from dealpulse.models import BriefStatus, Deal, DeliveryKind, Report, ReportKind
from dealpulse.store import Store
from store.samples import NOBODY

HOOK = {"channel": "webhook", "address": "https://hooks.example/deals"}


async def _added(api: httpx.AsyncClient, deal: Deal, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(f"/api/deals/{deal.id}/recipients", json=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert isinstance(told, dict)
    return told


async def test_a_recipient_is_added_listed_without_its_secret_and_removed(api: httpx.AsyncClient, deal: Deal) -> None:
    added = await _added(api, deal, HOOK)
    assert added["secret"].startswith("whsec_")
    assert added["recipient"]["kinds"] == ["daily_brief", "weekly_report", "risk_register"]
    listed = await api.get(f"/api/deals/{deal.id}/recipients")
    assert listed.json()["recipients"] == [added["recipient"]]
    assert added["secret"] not in listed.text
    recipient = added["recipient"]["id"]
    assert (await api.delete(f"/api/recipients/{recipient}")).status_code == 200
    assert (await api.delete(f"/api/recipients/{recipient}")).status_code == 404
    assert (await api.get(f"/api/deals/{deal.id}/recipients")).json()["recipients"] == []


async def test_a_recipient_by_mail_has_no_secret(api: httpx.AsyncClient, deal: Deal) -> None:
    added = await _added(
        api, deal, {"channel": "email", "address": " anna@fund.example ", "kinds": ["weekly_report", "weekly_report"]}
    )
    assert (added["secret"], added["recipient"]["address"]) == (None, "anna@fund.example")
    assert added["recipient"]["kinds"] == ["weekly_report"]


async def test_a_recipient_added_again_keeps_its_id_and_gets_a_new_secret(api: httpx.AsyncClient, deal: Deal) -> None:
    one = await _added(api, deal, HOOK)
    other = await _added(api, deal, HOOK | {"kinds": ["risk_register"]})
    assert one["recipient"]["id"] == other["recipient"]["id"]
    assert one["secret"] != other["secret"]
    assert other["recipient"]["kinds"] == ["risk_register"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (HOOK | {"channel": "pigeon"}, "unknown_channel"),
        (HOOK | {"kinds": ["test"]}, "unknown_kind"),
        (HOOK | {"address": "ftp://hooks.example"}, "invalid_address"),
        (HOOK | {"address": "https://user:pass@hooks.example"}, "invalid_address"),
        (HOOK | {"address": "https://hooks.example/a b"}, "invalid_address"),
        (HOOK | {"address": "https://hooks.example:99999/"}, "invalid_address"),
        (HOOK | {"address": "https://[/"}, "invalid_address"),
        ({"channel": "email", "address": "anna"}, "invalid_address"),
        ({"channel": "email", "address": "anna@fund.example, eve@evil.example"}, "invalid_address"),
        ({"channel": "email", "address": "anna@fund.example\r\nBcc: eve@evil.example"}, "invalid_address"),
        ({"channel": "email", "address": "Anna <anna@fund.example>"}, "invalid_address"),
    ],
)
async def test_a_recipient_that_cannot_be_is_refused(
    api: httpx.AsyncClient, deal: Deal, body: dict[str, Any], code: str
) -> None:
    answer = await api.post(f"/api/deals/{deal.id}/recipients", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_test_and_what_is_sent_again_are_jobs_whose_deliveries_can_be_looked_at(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    recipient = (await _added(api, deal, HOOK))["recipient"]["id"]
    sent = (await api.post(f"/api/recipients/{recipient}/test")).json()
    assert sent["jobId"] == f"deliver:{sent['deliveryId']}"
    (told,) = (await api.get(f"/api/deals/{deal.id}/deliveries")).json()["deliveries"]
    assert (told["id"], told["kind"], told["state"]) == (sent["deliveryId"], "test", "pending")
    (planned,) = await store.deliveries.plan(deal.id, DeliveryKind.daily_brief, "2026-11-25")
    again = (await api.post(f"/api/deliveries/{planned}/again")).json()
    assert again["jobId"] == f"deliver:{planned}"
    assert {row.name for row in await store.operations.of_deal(deal.id)} == {"deliver"}


async def test_schedules_are_added_in_the_deals_zone_listed_and_removed(api: httpx.AsyncClient, store: Store) -> None:
    deal = await store.deals.create("Aster", time_zone="Europe/Berlin")
    body = {"kind": "weekly_report", "cron": "0 8 * * mon"}
    added = (await api.post(f"/api/deals/{deal.id}/report-schedules", json=body)).json()["schedule"]
    assert (added["cron"], added["timeZone"]) == ("0 8 * * MON", "Europe/Berlin")
    listed = (await api.get(f"/api/deals/{deal.id}/report-schedules")).json()
    assert listed["schedules"] == [added]
    assert (await api.delete(f"/api/report-schedules/{added['id']}")).status_code == 200
    assert (await api.delete(f"/api/report-schedules/{added['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "daily_brief", "cron": "0 8 * * *"}, "unknown_kind"),
        ({"kind": "weekly_report", "cron": "0 8 * *"}, "invalid_schedule"),
        ({"kind": "weekly_report", "cron": "*/5 8 * * *"}, "invalid_schedule"),
        ({"kind": "weekly_report", "cron": "0 8,16 * * *"}, "invalid_schedule"),
        ({"kind": "weekly_report", "cron": "0 8 31 2 *"}, "invalid_schedule"),
        ({"kind": "weekly_report", "cron": "0 8 * * *", "timeZone": "Mars/Olympus"}, "unknown_time_zone"),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, deal: Deal, body: dict[str, Any], code: str
) -> None:
    answer = await api.post(f"/api/deals/{deal.id}/report-schedules", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_report_is_asked_for_and_read_in_every_form_it_has(
    api: httpx.AsyncClient, store: Store, deal: Deal
) -> None:
    asked = (await api.post(f"/api/deals/{deal.id}/reports/risk_register")).json()
    assert asked["jobId"].startswith(f"report:{deal.id}:risk_register:{datetime.now(UTC).year}")
    await store.reports.save(
        Report(
            deal_id=deal.id,
            kind=ReportKind.risk_register,
            report_date=date(2026, 11, 25),
            status=BriefStatus.complete,
            headline="2 open risks",
            markdown="# Register\n",
            csv="\ufeffa,b\r\n",
            content={"listed": 2},
        )
    )
    place = f"/api/deals/{deal.id}/reports/risk_register/2026-11-25"
    told = (await api.get(place)).json()["report"]
    assert (told["headline"], told["content"]) == ("2 open risks", {"listed": 2})
    assert (await api.get(f"{place}?format=markdown")).text == "# Register\n"
    table = await api.get(f"{place}?format=csv")
    assert table.content == "\ufeffa,b\r\n".encode()
    assert "risk_register-2026-11-25.csv" in table.headers["content-disposition"]
    for wrong, status in [("?format=html", 404), ("?format=pdf", 400)]:
        assert (await api.get(place + wrong)).status_code == status
    assert (await api.get(place.replace("11-25", "11-24"))).status_code == 404
    assert (await api.get(place.replace("2026-11-25", "today"))).status_code == 400


async def test_what_is_not_there_is_told_so(api: httpx.AsyncClient, store: Store, deal: Deal) -> None:
    for what in ("recipients", "report-schedules", "deliveries", "reports/weekly_report/2026-11-25"):
        assert (await api.get(f"/api/deals/{NOBODY}/{what}")).status_code == 404
    assert (await api.post(f"/api/deals/{NOBODY}/recipients", json=HOOK)).status_code == 404
    assert (await api.post(f"/api/recipients/{NOBODY}/test")).status_code == 404
    assert (await api.post(f"/api/deliveries/{NOBODY}/again")).status_code == 404
    assert (await api.post(f"/api/deals/{deal.id}/reports/novel")).status_code == 400
    await store.deals.archive(deal.id)
    assert (await api.post(f"/api/deals/{deal.id}/reports/weekly_report")).status_code == 400
