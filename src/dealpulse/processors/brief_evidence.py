"""A brief's citations: their links, their numbers, and the text around each quote."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from msgspec.structs import replace

from dealpulse.models import (
    Citation,
    Document,
    Email,
    Page,
    PageKind,
    RecordedBlocker,
    RecordedCitation,
    RecordedFinding,
    SubjectType,
    Verification,
)
from dealpulse.processors.brief_facts import MOST_NAMES, SERIOUS, BriefFacts, Cited, Ended

MOST_CITATIONS: Final = 5
"""Places of one risk that are shown and numbered; the others are only counted."""

PageKey = tuple[str, int]
"""A document's id and a page's number."""

_AROUND: Final = 320
"""Characters shown before a quote and after it, at most."""
_BREAK: Final = re.compile(r"(?<=[.!?;])\s+(?=[^\W\d_]|[\d“\"(•-])|\n\s*\n")
"""Where a sentence or a paragraph ends, as good as the eye needs it."""
_LINK_SCHEMES: Final = ("https", "http", "file")
_PDF: Final = "application/pdf"


class Citing:
    """Makes citations of one deal's documents and e-mails."""

    def __init__(self, *, documents: Sequence[Document], emails: Sequence[Email], public_url: str | None) -> None:
        self._documents = {document.id: document for document in documents}
        self._emails = {email.id: email for email in emails}
        self._public_url = public_url

    def finding(self, finding: RecordedFinding) -> tuple[Cited, ...]:
        """Every place where the finding verifiably stands, in an order that no id decides."""
        cited = [
            self._document(one) if one.email_id is None else self._email(one.email_id, one.document_name, one.citation)
            for one in finding.citations
            if one.citation.verification is not Verification.unverified
        ]
        return tuple(sorted(cited, key=lambda one: (one.name, one.page or 0, one.start or 0, one.quote)))

    def blocker(self, recorded: RecordedBlocker) -> Cited:
        """Where the e-mail says so."""
        return self._email(recorded.email_id, recorded.email_subject, recorded.blocker.citation)

    def _email(self, email_id: str, subject: str, citation: Citation) -> Cited:
        email = self._emails.get(email_id)
        return Cited(
            kind=SubjectType.email,
            id=email_id,
            name=subject or "E-mail without a subject",
            page=None,
            place=_who_and_when(email) if email else "",
            quote=citation.quote,
            start=citation.start,
            end=citation.end,
            link=_safe(email.web_link) if email else None,
            viewer=self._viewer("emails", email_id, None, citation.start, citation.end),
        )

    def part_of(self, email: Email, start: int, end: int) -> Cited:
        """A citation of what an e-mail says from ``start`` to ``end``."""
        return Cited(
            kind=SubjectType.email,
            id=email.id,
            name=email.subject or "E-mail without a subject",
            page=None,
            place=_who_and_when(email),
            quote=email.body_text[start:end],
            start=start,
            end=end,
            link=_safe(email.web_link),
            viewer=self._viewer("emails", email.id, None, start, end),
        )

    def page_link(self, document_id: str, page: int) -> str | None:
        """Where people can look at the page: our viewer, else its source."""
        return self._viewer("documents", document_id, page, None, None) or self._source(document_id, page)

    def _document(self, recorded: RecordedCitation) -> Cited:
        citation, document_id = recorded.citation, recorded.document_id or ""
        return Cited(
            kind=SubjectType.document,
            id=document_id,
            name=recorded.document_name,
            page=citation.page,
            place="" if citation.page is None else f"p. {citation.page}",
            quote=citation.quote,
            start=citation.start,
            end=citation.end,
            link=self._source(document_id, citation.page),
            viewer=self._viewer("documents", document_id, citation.page, citation.start, citation.end),
        )

    def _source(self, document_id: str, page: int | None) -> str | None:
        """Where the document came from; an attachment came with its e-mail."""
        document = self._documents.get(document_id)
        if document is None:
            return None
        if document.web_link is None:
            email = self._emails.get(document.email_id or "")
            return _safe(email.web_link) if email else None
        link = _safe(document.web_link)
        if link and page and document.mime_type == _PDF and "#" not in link:
            return f"{link}#page={page}"
        return link

    def _viewer(self, kind: str, item_id: str, page: int | None, start: int | None, end: int | None) -> str | None:
        if self._public_url is None:
            return None
        places = {"page": page, "start": start, "end": end}
        query = urlencode({name: place for name, place in places.items() if place is not None})
        anchor = "" if start is None else "#quote"
        return f"{self._public_url}/{kind}/{quote(item_id)}" + (f"?{query}" if query else "") + anchor


def _who_and_when(email: Email) -> str:
    who = (email.sender.name or email.sender.address) if email.sender else ""
    when = f"{email.sent_at.day} {email.sent_at:%B %Y}" if email.sent_at else ""
    return ", ".join(part for part in (who, when) if part)


def _safe(link: str | None) -> str | None:
    """The link if a click on it can only lead somewhere, with nothing in it that could end a link early."""
    if not link:
        return None
    try:
        scheme = urlsplit(link.strip()).scheme.lower()
    except ValueError:
        return None
    if scheme not in _LINK_SCHEMES:
        return None
    return quote(link.strip(), safe="%/:?#[]@!$&'*+,;=~-._")


# --- numbers and surroundings -----------------------------------------------------------------------------------------


def cited_pages(facts: BriefFacts) -> dict[str, set[int]]:
    """The pages whose text :func:`annotated` needs, by document."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for cited in _shown(facts):
        if cited.kind is SubjectType.document and cited.page is not None:
            wanted[cited.id].add(cited.page)
    return dict(wanted)


def annotated(facts: BriefFacts, *, pages: Mapping[PageKey, Page], emails: Sequence[Email]) -> BriefFacts:
    """The facts, every shown citation with its number and its surroundings; the same place has one number."""
    bodies = {email.id: email.body_text for email in emails}
    numbers = {key: number for number, key in enumerate(dict.fromkeys(map(_key, _shown(facts))), start=1)}

    def annotate(cited: Cited) -> Cited:
        number = numbers.get(_key(cited))
        if number is None:
            return cited
        page = pages.get((cited.id, cited.page)) if cited.page is not None else None
        text = bodies.get(cited.id) if cited.kind is SubjectType.email else (page and page.text)
        before, after = _around(cited, text or "")
        place = _place(page) if page else cited.place
        return replace(cited, number=number, place=place, before=before, after=after)

    return _with_each_shown(facts, annotate)


def evidence(facts: BriefFacts) -> tuple[Cited, ...]:
    """Every numbered citation once, by number."""
    by_number: dict[int, Cited] = {}
    for cited in _shown(facts):
        if cited.number is not None:
            by_number.setdefault(cited.number, cited)
    return tuple(cited for _, cited in sorted(by_number.items()))


def _key(cited: Cited) -> tuple[str, int | None, str]:
    return cited.id, cited.page, cited.quote


def _shown(facts: BriefFacts) -> Iterator[Cited]:
    """In reading order."""
    serious = facts.of_severity(*SERIOUS)
    for risk in serious:
        yield from risk.citations[:MOST_CITATIONS]
    for blocker in facts.blockers:
        yield blocker.citation
    yield from (ended.citation for ended in facts.settled if ended.citation)
    yield from (party.coldest for party in facts.temperature.parties[:MOST_NAMES])
    for risk in facts.shown_risks[len(serious) :]:
        yield from risk.citations[:MOST_CITATIONS]


def _with_each_shown(facts: BriefFacts, change: Callable[[Cited], Cited]) -> BriefFacts:
    def settled(ended: Ended) -> Ended:
        return replace(ended, citation=change(ended.citation)) if ended.citation else ended

    return replace(
        facts,
        risks=tuple(
            replace(
                risk,
                citations=(*map(change, risk.citations[:MOST_CITATIONS]), *risk.citations[MOST_CITATIONS:]),
            )
            for risk in facts.risks
        ),
        blockers=tuple(replace(blocker, citation=change(blocker.citation)) for blocker in facts.blockers),
        settled=tuple(settled(ended) for ended in facts.settled),
        temperature=replace(
            facts.temperature,
            parties=tuple(replace(party, coldest=change(party.coldest)) for party in facts.temperature.parties),
        ),
    )


def _place(page: Page) -> str:
    if page.kind is PageKind.page:
        return f"p. {page.number}"
    if page.kind is PageKind.sheet and page.label:
        return f"sheet {page.label}"
    word = "section" if page.kind is PageKind.section else page.kind.value
    return f"{word} {page.number}" + (f", {page.label}" if page.label else "")


def _around(cited: Cited, text: str) -> tuple[str, str]:
    """What stands before and after the quote, cut where sentences begin and end; nothing where it is not there."""
    start, end = cited.start, cited.end
    if start is None or end is None or not 0 <= start < end <= len(text):
        return "", ""
    if text[start:end].split() != cited.quote.split():
        # The text was read anew since.
        return "", ""
    return _before(text[:start]), _after(text[end:])


def _before(text: str) -> str:
    if len(text) <= _AROUND:
        return text.lstrip()
    window = text[-_AROUND:]
    first = _BREAK.search(window)
    return window[first.end() :] if first else "… " + window.partition(" ")[2]


def _after(text: str) -> str:
    if len(text) <= _AROUND:
        return text.rstrip()
    window = text[:_AROUND]
    breaks = list(_BREAK.finditer(window))
    return window[: breaks[-1].start()] if breaks else window.rpartition(" ")[0] + " …"
