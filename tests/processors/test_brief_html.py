"""The brief as a page: it needs nothing from elsewhere, obeys nobody's text, and its citations lead to evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dealpulse.models import BriefStatus, Page, PageKind, Severity
from dealpulse.processors.brief_evidence import MOST_CITATIONS, annotated, evidence
from dealpulse.processors.brief_facts import BriefFacts, UnreadItem
from dealpulse.processors.brief_html import render
from dealpulse.processors.brief_markdown import Written
from dealpulse.processors.brief_markdown import render as render_markdown
from dealpulse.processors.brief_room import Room
from processors.test_brief_facts import NOON, ORIGIN, TODAY, blocker, document, email, facts, finding

QUOTE = "may terminate upon a change of control"
TEXT = f"First things first. The Customer {QUOTE} of the Supplier. {'Much more is said. ' * 60}"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)><style>*{}</style>{{ 7*7 }}"


class _Page(HTMLParser):
    """What is on a page that could act, load or lead somewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def attributes(self, name: str) -> Iterator[str]:
        return (value for _, found in self.tags if (value := found.get(name)) is not None)


def written(brief: BriefFacts, *, summary: str = "S", headline: str = "H") -> Written:
    return Written(
        facts=brief, headline=headline, summary=summary, note=None, status=BriefStatus.complete, origin=ORIGIN
    )


@pytest.fixture
def told() -> BriefFacts:
    """A brief with a bit of everything; its first quote stands in a page that is known."""
    start = TEXT.index(QUOTE)
    cited = finding().citations[0]
    cited = replace(cited, citation=replace(cited.citation, start=start, end=start + len(QUOTE)))
    sources = [document(web_link="https://files.example/msa.pdf", mime_type="application/pdf")]
    brief = facts(
        findings=[
            replace(finding("a", severity=Severity.P0), citations=(cited,)),
            finding("b", severity=Severity.P2, title="Old lease"),
        ],
        blockers=[blocker(TODAY)],
        room=Room(documents=sources, emails=[email(0.3, NOON, 1), email(-0.4, NOON, 2)]),
    )
    page = Page(number=3, kind=PageKind.page, text=TEXT, char_start=0, char_end=len(TEXT))
    return annotated(brief, pages={("msg.pdf", 1): page, ("msa.pdf", 3): page}, emails=())


def test_every_link_within_the_page_leads_somewhere_and_every_citation_to_its_quote(told: BriefFacts) -> None:
    html = render(written(told, summary="It is so [1]. And so [2]."))
    page = _Page(html)
    ids = list(page.attributes("id"))
    assert len(ids) == len(set(ids))
    inner = {link[1:] for link in page.attributes("href") if link.startswith("#")}
    assert inner <= set(ids)
    assert {f"evidence-{cited.number}" for cited in evidence(told)} <= inner
    for cited in evidence(told):
        (shown,) = re.findall(rf'id="evidence-{cited.number}">.*?<mark>(.*?)</mark>', html, flags=re.DOTALL)
        assert shown == cited.quote


def test_the_quote_stands_in_its_surroundings(told: BriefFacts) -> None:
    cited = evidence(told)[0]
    assert cited.before == "First things first. The Customer "
    assert cited.after.startswith(" of the Supplier. Much more is said.")
    assert cited.after.endswith("said.")
    assert len(cited.after) < 400


def test_the_page_loads_nothing_and_runs_nothing(told: BriefFacts) -> None:
    page = _Page(render(written(told)))
    assert {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert list(page.attributes("src")) == []
    assert list(page.attributes("style")) == []
    (policy,) = [found["content"] for _, found in page.tags if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_nobody_s_text_becomes_markup() -> None:
    hostile = replace(finding(title=HOSTILE), explanation=HOSTILE)
    cited = replace(hostile.citations[0], document_name=HOSTILE)
    cited = replace(cited, citation=replace(cited.citation, quote=HOSTILE))
    mail = replace(email(0.1, NOON), subject=HOSTILE, body_text=HOSTILE)
    brief = facts(findings=[replace(hostile, citations=(cited,))], blockers=[blocker(TODAY)], room=Room(emails=[mail]))
    brief = replace(
        annotated(brief, pages={}, emails=[mail]),
        deal=HOSTILE,
        unread=(UnreadItem(name=HOSTILE, reason=HOSTILE, advice=HOSTILE),),
    )
    html = render(written(brief, summary=HOSTILE, headline=HOSTILE))
    page = _Page(html)
    assert {tag for tag, _ in page.tags} & {"script", "img"} == set()
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert "49" not in html.replace("49 ", "")


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_laid_out(title: str, quote: str) -> None:
    risk = finding(title=title)
    cited = risk.citations[0]
    risk = replace(risk, citations=(replace(cited, citation=replace(cited.citation, quote=quote)),))
    brief = annotated(facts(findings=[risk]), pages={}, emails=())
    html = render(written(brief, summary=f"{title} [1]{quote}"))
    assert len([tag for tag, _ in _Page(html).tags if tag == "mark"]) == 1


def test_of_many_places_the_first_few_are_shown_and_the_rest_counted() -> None:
    cited = finding().citations[0]
    places = tuple(
        replace(cited, document_name=f"{at:02}.pdf", document_id=str(at)) for at in range(MOST_CITATIONS + 3)
    )
    brief = annotated(facts(findings=[replace(finding(), citations=places)]), pages={}, emails=())
    assert len(evidence(brief)) == MOST_CITATIONS
    assert "and 3 further places" in render(written(brief))
    assert "and 3 further places" in render_markdown(written(brief))


def test_an_empty_brief_has_a_page_too() -> None:
    html = render(written(facts()))
    assert "No verified P0 or P1 risk" in html
    assert "Evidence" not in html


def test_markdown_leads_to_the_evidence_where_the_page_is(told: BriefFacts) -> None:
    markdown = render_markdown(written(told, summary="It is so [1]."), evidence_at="brief.html")
    assert r"It is so [\[1\]](<brief.html#evidence-1>)." in markdown
    assert "[msa.pdf, p. 3](<https://files.example/msa.pdf#page=3>)" in markdown
