"""What people do on the dashboard, done in a browser: each thing ends where a person sees that it has worked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from browser.conftest import CLAUSE, TOKENS, Site, Visit, log_in
from dealpulse.jobs import DOCUMENTS, DocumentOperation, ProcessDocument
from dealpulse.models import (
    Action,
    Citation,
    Confidence,
    Deal,
    Document,
    DocumentAnalysis,
    EngineName,
    Finding,
    Origin,
    RiskCategory,
    Severity,
    SourceState,
    SourceType,
    Verification,
)
from dealpulse.queue.limits import Buckets
from queue_engine.endings import die, drain, succeed
from queue_engine.engines import ended, turn

PAGES = ("/", "/jobs", "/dead", "/charts", "/schedules", "/sources", "/limits", "/workers", "/deals")
EVERY = tuple(DocumentOperation)


async def failed_jobs(site: Site, deal: Deal, document: Document, *names: DocumentOperation) -> list[str]:
    made = await site.asked(deal, document, *names)
    await drain(site.pool, die)
    return made


def state_on(page: Page) -> object:
    return page.locator("#job .state").first


# --- who may come in --------------------------------------------------------------------------------------------------


async def test_a_token_opens_the_dashboard_and_logging_out_closes_it(visit: Visit) -> None:
    page = await visit("/jobs?state=failed", role=None)
    await expect(page).to_have_url(re.compile(r"/login\?next=%2Fjobs%3Fstate%3Dfailed$"))
    await page.get_by_label("Token").fill(TOKENS["operator"])
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile(r"/jobs\?state=failed$"))
    (cookie,) = [one for one in await page.context.cookies() if one["name"] == "dealpulse_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert TOKENS["operator"] not in cookie["value"]
    await page.get_by_role("button", name="Log out").click()
    await page.goto("/jobs")
    await expect(page).to_have_title("Log in · DealPulse")


async def test_a_wrong_token_is_refused_in_words(visit: Visit) -> None:
    page = await visit("/login", role=None)
    await page.get_by_label("Token").fill("dp_guessed")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_have_text("This token is not a valid one.")


async def test_a_cookie_that_was_changed_is_none(visit: Visit, site: Site) -> None:
    page = await visit("/")
    (cookie,) = [one for one in await page.context.cookies() if one["name"] == "dealpulse_session"]
    value = cookie["value"]
    changed = value[:-1] + ("0" if value[-1] != "0" else "1")
    await page.context.add_cookies([{"name": cookie["name"], "value": changed, "url": site.url}])
    await page.goto("/")
    await expect(page).to_have_title("Log in · DealPulse")


@pytest.mark.parametrize("there", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
async def test_nobody_is_sent_elsewhere_after_the_login(visit: Visit, site: Site, there: str) -> None:
    page = await visit("/login", role=None)
    await page.locator("input[name=next]").evaluate("(field, there) => { field.value = there }", there)
    await log_in_here(page)
    await expect(page).to_have_url(f"{site.url}/")


async def log_in_here(page: Page) -> None:
    await page.get_by_label("Token").fill(TOKENS["operator"])
    await page.get_by_role("button", name="Log in").click()


async def test_a_viewer_sees_everything_and_can_press_nothing(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    (job,) = await failed_jobs(site, deal, document, DocumentOperation.summarize)
    page = await visit(f"/jobs/{job}", role="viewer")
    await expect(page.get_by_role("heading", name=job)).to_be_visible()
    for path in (*PAGES, f"/jobs/{job}", f"/deals/{deal.id}"):
        await page.goto(path)
        buttons = [await one.inner_text() for one in await page.get_by_role("button").all()]
        assert set(buttons) <= {"Log out", "Search", "Theme: auto", "Close"}, path
    form = await page.locator("input[name=form]").first.input_value()
    answer = await page.request.post(f"/jobs/{job}/retry", form={"form": form, "back": "/"})
    assert answer.status == 403
    assert (await answer.json())["error"]["code"] == "insufficient_scope"


async def test_payloads_are_for_those_who_may_operate(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    page = await visit(f"/jobs/{job}", role="operator")
    await expect(page.get_by_text('"process_document"')).to_be_visible()
    page = await visit(f"/jobs/{job}", role="viewer")
    await expect(page.get_by_text("Not shown to you")).to_be_visible()
    await expect(page.get_by_text('"process_document"')).to_have_count(0)


@pytest.mark.parametrize("form", ["", "0" * 64])
async def test_a_form_that_is_not_of_the_session_does_nothing(
    visit: Visit, site: Site, deal: Deal, document: Document, form: str
) -> None:
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    page = await visit("/")
    answer = await page.request.post(f"/jobs/{job}/cancel", form={"form": form, "back": "/"})
    assert answer.status == 403
    view = await site.queue.job(job)
    assert view is not None
    assert view.state == "waiting"


# --- jobs -------------------------------------------------------------------------------------------------------------


async def test_a_failed_job_is_found_replayed_and_seen_to_complete_live(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    (job,) = await failed_jobs(site, deal, document, DocumentOperation.summarize)
    page = await visit("/jobs")
    await page.get_by_label("Search", exact=True).fill("file is gone")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name=job).click()
    await expect(page.get_by_role("listitem").filter(has_text="Permanent")).to_contain_text("The file is gone.")
    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".told")).to_have_text("It runs again.")
    await expect(page.locator("#job .state").first).to_have_text("waiting")
    await drain(site.pool, succeed)
    await expect(page.locator("#job .state").first).to_have_text("completed")


async def test_a_running_job_is_cancelled(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    (claim,) = (await turn(site.pool)).claims
    page = await visit(f"/jobs/{job}")
    await expect(page.locator("#job .state").first).to_have_text("active")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".told")).to_have_text("It runs, and ends as soon as it has cleaned up.")
    await turn(site.pool, seq=2, wanted=0, finishing=[ended(claim, "cancelled")])
    await expect(page.locator("#job .state").first).to_have_text("cancelled")


async def test_progress_is_seen_live(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    await turn(site.pool, "host:1:abc")
    page = await visit(f"/jobs/{job}")
    await expect(page.locator("#job .state").first).to_have_text("active")
    assert await site.queue.note(job, "host:1:abc#1", percent=40, message="page 4 of 10")
    assert await site.queue.note(job, "host:1:abc#1", line="page 4 has no text")
    await expect(page.locator("progress")).to_have_attribute("value", "40")
    await expect(page.locator(".log")).to_contain_text("page 4 has no text")


async def test_a_delayed_job_is_made_due_and_its_priority_set(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    job = ProcessDocument(document.id, deal.id, DocumentOperation.summarize)
    await site.queue.enqueue(job, run_at=datetime.now(UTC) + timedelta(hours=1))
    page = await visit(f"/jobs/{job.id}")
    await page.get_by_label("Priority").select_option("high")
    await page.get_by_role("button", name="Set priority").click()
    await expect(page.locator(".told")).to_have_text("Its priority is high.")
    await page.get_by_role("button", name="Make due now").click()
    await expect(page.locator("#job .state").first).to_have_text("waiting")


async def test_a_job_that_ended_is_asked_for_once_more(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    await drain(site.pool, succeed)
    page = await visit(f"/jobs/{job}")
    await expect(page.locator("#job .state").first).to_have_text("completed")
    await page.get_by_role("button", name="Ask once more").click()
    await expect(page.locator("#job .state").first).to_have_text("waiting")


async def test_ticked_jobs_are_counted_before_the_same_is_done_to_them(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    made = await failed_jobs(site, deal, document, *EVERY)
    page = await visit("/jobs?state=failed")
    for job in made[:2]:
        await page.get_by_role("checkbox", name=job, exact=True).check()
    await expect(page.get_by_text("2 ticked")).to_be_visible()
    await page.get_by_label("With", exact=True).select_option("retry")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="Run again 2 jobs?")).to_be_visible()
    stats = await site.queue.stats()
    assert stats[DOCUMENTS.name].failed == len(made)
    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".told")).to_have_text("Run again: 2 of 2 jobs.")
    assert (await site.queue.stats())[DOCUMENTS.name].waiting == 2


async def test_all_that_match_a_search_are_thrown_away_together(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    made = await failed_jobs(site, deal, document, *EVERY)
    page = await visit("/jobs?state=failed&operation=summarize")
    await page.get_by_label("Which jobs").select_option("all that match")
    await page.get_by_label("With", exact=True).select_option("discard")
    await page.get_by_role("button", name="Preview").click()
    await page.get_by_role("button", name="Throw away").click()
    await expect(page.locator(".told")).to_have_text("Throw away: 1 of 1 jobs.")
    assert (await site.queue.stats())[DOCUMENTS.name].failed == len(made) - 1


async def test_the_search_suggests_and_its_address_says_what_was_searched(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    (job,) = await failed_jobs(site, deal, document, DocumentOperation.summarize)
    page = await visit("/jobs")
    await page.get_by_label("Search", exact=True).press_sequentially("alder")
    await expect(page.locator("#suggestions option")).to_have_attribute("value", "deal: Project Alder")
    await page.get_by_label("Search", exact=True).fill("deal: Project Alder")
    await expect(page).to_have_url(re.compile(rf"/jobs\?dealId={deal.id}$"))
    await expect(page.get_by_role("link", name=job)).to_be_visible()
    await page.get_by_label("State").select_option("completed")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("No job is like that.")).to_be_visible()
    assert "state=completed" in page.url


async def test_a_search_that_makes_no_sense_is_told_so(visit: Visit) -> None:
    page = await visit("/jobs?state=asleep")
    await expect(page.get_by_role("alert")).to_contain_text("There is no state")
    page = await visit("/jobs?since=yesterday")
    await expect(page.get_by_role("alert")).to_contain_text("This is no search")


async def test_what_is_not_there_is_a_page_that_says_so(visit: Visit) -> None:
    page = await visit("/jobs/doc:nothing:summarize")
    await expect(page.get_by_role("heading", name="That is not possible")).to_be_visible()


# --- the desk ---------------------------------------------------------------------------------------------------------


async def test_a_queue_is_paused_and_resumed(visit: Visit, site: Site) -> None:
    page = await visit("/")
    card = page.get_by_role("article", name="Documents")
    await card.get_by_role("button", name="Pause").click()
    await expect(card.get_by_text("paused")).to_be_visible()
    assert (await site.queue.stats())[DOCUMENTS.name].paused
    await card.get_by_role("button", name="Resume").click()
    await expect(card.get_by_text("paused")).to_have_count(0)
    assert not (await site.queue.stats())[DOCUMENTS.name].paused


async def test_the_overview_counts_live(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    page = await visit("/")
    card = page.get_by_role("article", name="Documents")
    await expect(card.locator("dd").first).to_have_text("0")
    await site.asked(deal, document, *EVERY)
    await expect(card.locator("dd").first).to_have_text(str(len(EVERY)))
    await drain(site.pool, die)
    await expect(page.get_by_role("region", name="Failures by error")).to_contain_text("Permanent")
    await expect(page.get_by_role("region", name="Today's briefs")).to_contain_text("Project Alder")


async def test_a_hidden_page_listens_to_nothing(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    page = await visit("/")
    await expect(page.locator("#live")).to_have_text("live")
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true}); "
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    await site.asked(deal, document, *EVERY)
    await page.evaluate("look()")
    assert asked == []
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false, configurable: true}); "
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await expect(page.get_by_role("article", name="Documents").locator("dd").first).to_have_text(str(len(EVERY)))


async def test_a_group_of_dead_letters_is_replayed_with_a_throttle(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    made = await failed_jobs(site, deal, document, *EVERY)
    page = await visit("/dead")
    await expect(page.get_by_role("row").nth(1)).to_contain_text(str(len(made)))
    await page.get_by_label("At most so many a second").fill("0.5")
    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".told")).to_have_text(f"{len(made)} run again.")
    stats = (await site.queue.stats())[DOCUMENTS.name]
    assert (stats.waiting, stats.delayed) == (1, len(made) - 1)


async def test_dead_letters_are_thrown_away_only_by_who_says_yes(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    made = await failed_jobs(site, deal, document, *EVERY)
    page = await visit("/dead")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await page.get_by_role("button", name="Throw away").click()
    assert (await site.queue.stats())[DOCUMENTS.name].failed == len(made)
    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Throw away").click()
    await expect(page.locator(".told")).to_have_text(f"{len(made)} thrown away.")


async def test_a_schedule_is_told_in_english_and_run_now(visit: Visit, site: Site) -> None:
    page = await visit("/schedules")
    row = page.get_by_role("row").filter(has_text="cron:daily_brief")
    await expect(row).to_contain_text("At 08:00")
    await row.get_by_role("button", name="Run now").click()
    await expect(page.locator(".told")).to_contain_text("It runs: cron:daily_brief")


async def test_a_closed_account_is_asked_again(visit: Visit, site: Site) -> None:
    await Buckets(site.pool).close("anthropic", 120)
    page = await visit("/limits")
    row = page.get_by_role("row").filter(has_text="anthropic")
    await expect(row).to_contain_text("again in")
    await row.get_by_role("button", name="Ask again now").click()
    await expect(page.locator(".told")).to_have_text("anthropic is asked again.")
    await expect(row).not_to_contain_text("again in")


async def test_workers_are_shown_with_what_they_run(visit: Visit, site: Site, deal: Deal, document: Document) -> None:
    page = await visit("/workers")
    await expect(page.get_by_text("No worker is alive")).to_be_visible()
    (job,) = await site.asked(deal, document, DocumentOperation.summarize)
    await turn(site.pool, "host:1:abc")
    await expect(page.get_by_role("link", name=job)).to_be_visible()


async def test_a_source_that_needs_consent_comes_first_and_is_paused(visit: Visit, site: Site, deal: Deal) -> None:
    await site.store.sources.create(deal.id, SourceType.folder, "A folder", "/data/room")
    drive = await site.store.sources.create(deal.id, SourceType.gdrive, "The room", "root")
    await site.store.sources.set_state(drive.id, SourceState.needs_consent, error="Connect the account again.")
    page = await visit("/")
    await expect(page.get_by_role("region", name="Sources that wait for a person")).to_contain_text("The room")
    await page.goto("/sources")
    row = page.get_by_role("row").nth(1)
    await expect(row).to_contain_text("Connect the account again.")
    await row.get_by_role("button", name="Sync").click()
    await expect(page.locator(".told")).to_contain_text("sync")
    await row.get_by_role("button", name="Pause").click()
    await expect(page.locator(".told")).to_have_text("The room is paused.")


async def test_charts_look_back_an_hour_a_day_and_two_weeks(
    visit: Visit, site: Site, deal: Deal, document: Document
) -> None:
    await site.asked(deal, document, *EVERY)
    await drain(site.pool, succeed)
    page = await visit("/charts?queue=document")
    for name in ("1 hour", "24 hours", "14 days"):
        await page.get_by_role("link", name=name, exact=True).click()
        await expect(page.get_by_role("img", name=re.compile(f"^Throughput.*{name}"))).to_be_visible()
        assert await page.get_by_role("img").count() == 5
    await page.get_by_role("link", name="1 hour", exact=True).click()
    await expect(page.locator("rect.at title").filter(has_text=f"done {len(EVERY)}")).to_have_count(1)


# --- deals ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def risk(site: Site, document: Document) -> Finding:
    text = f"Term. {CLAUSE} The end."
    cited = Citation(
        quote=CLAUSE,
        page=2,
        verification=Verification.verified,
        start=text.index(CLAUSE),
        end=text.index(CLAUSE) + len(CLAUSE),
    )
    made = Finding(
        category=RiskCategory.termination_for_convenience,
        severity=Severity.P1,
        action=Action.price,
        title="The customer may leave",
        explanation="The revenue is as firm as the notice is long.",
        citation=cited,
        fingerprint="f" * 32,
    )
    origin = Origin(engine=EngineName.local, model="offline-1", confidence=Confidence.low)
    await site.store.documents.save_analysis(document.id, DocumentAnalysis(findings=(made,)), origin)
    return made


async def test_a_citation_opens_the_page_with_the_quote_marked(visit: Visit, deal: Deal, risk: Finding) -> None:
    page = await visit("/deals")
    await page.get_by_role("link", name=deal.name).click()
    await expect(page.get_by_role("region", name="Risks")).to_contain_text(risk.title)
    await page.get_by_role("link", name="supply.pdf, page 2").click()
    await expect(page.locator("mark")).to_have_text(CLAUSE)
    await expect(page.locator("mark")).to_be_in_viewport()


async def test_todays_brief_is_asked_for(visit: Visit, site: Site, deal: Deal) -> None:
    page = await visit(f"/deals/{deal.id}")
    await page.get_by_role("button", name="Write today's brief").click()
    await expect(page.locator(".told")).to_have_text("It is being written.")
    assert (await site.queue.stats())["dailyBrief"].waiting == 1


# --- everywhere -------------------------------------------------------------------------------------------------------


async def everywhere(site: Site, deal: Deal, document: Document) -> list[str]:
    """Every page, with something on it."""
    failed, waiting = DocumentOperation.summarize, DocumentOperation.classify
    (job,) = await failed_jobs(site, deal, document, failed)
    await site.asked(deal, document, waiting)
    await turn(site.pool, "host:1:abc")
    await site.store.sources.create(deal.id, SourceType.gdrive, "The room", "root")
    return [*PAGES, f"/jobs/{job}", f"/deals/{deal.id}", f"/documents/{document.id}?page=2"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_in_both_themes(
    visit: Visit, site: Site, deal: Deal, document: Document, risk: Finding, axe: str, scheme: str
) -> None:
    page = await visit("/login", role=None, color_scheme=scheme, bypass_csp=True)
    faults: dict[str, list[str]] = {}
    paths = await everywhere(site, deal, document)
    for path in ("/login", *paths):
        if path != "/login" and path == paths[0]:
            await log_in(page, TOKENS["operator"])
        await page.goto(path)
        await page.evaluate(axe)
        found = await page.evaluate("axe.run().then((told) => told.violations)")
        faults |= {path: [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]} if found else {}
    assert faults == {}


async def test_a_theme_is_chosen_and_stays(visit: Visit) -> None:
    page = await visit("/", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(ground)
    await page.get_by_role("button", name="Theme: auto").click()
    await page.get_by_role("button", name="Theme: light").click()
    await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = await page.evaluate(ground)
    assert dark != light
    await page.goto("/jobs")
    assert await page.evaluate(ground) == dark


async def test_no_page_is_wider_than_a_phone(
    visit: Visit, site: Site, deal: Deal, document: Document, risk: Finding
) -> None:
    page = await visit("/", viewport={"width": 375, "height": 800})
    for path in await everywhere(site, deal, document):
        await page.goto(path)
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(too_wide) == 0, path


async def test_everything_can_be_read_and_done_without_javascript(
    visit: Visit, site: Site, deal: Deal, document: Document, risk: Finding
) -> None:
    paths = await everywhere(site, deal, document)
    page = await visit("/", java_script_enabled=False)
    for path in paths:
        await page.goto(path)
        await expect(page.locator("h1")).to_have_count(1)
    await page.goto("/dead")
    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".told")).to_have_text("1 run again.")


async def test_keys_lead_everywhere(visit: Visit) -> None:
    page = await visit("/")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("j")
    await expect(page).to_have_title("Jobs · DealPulse")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search", exact=True)).to_be_focused()
    await page.keyboard.type("r?")
    await expect(page.get_by_label("Search", exact=True)).to_have_value("r?")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_r_looks_again(visit: Visit) -> None:
    page = await visit("/workers")
    async with page.expect_request("**/workers"):
        await page.keyboard.press("r")
