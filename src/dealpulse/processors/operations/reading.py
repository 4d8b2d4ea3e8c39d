"""Answers into domain values: every quote looked up, every finding named by its fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dealpulse.models import (
    Blocker,
    BlockerStatus,
    Citation,
    Classification,
    Finding,
    KeyFact,
    Page,
    PageKind,
    SectionSummary,
    Sentiment,
    Summary,
    Verification,
    Workstream,
    WorkstreamScore,
)
from dealpulse.processors.fingerprints import blocker_fingerprint, clause_terms, finding_fingerprint, topic_terms
from dealpulse.processors.operations.contract import DocumentText, EmailText
from dealpulse.processors.operations.offline.injection import injections
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.offline.sentences import Sentence, page_sentences
from dealpulse.processors.operations.schemas import (
    SUMMARY_LINES,
    BlockerEntry,
    ClassificationAnswer,
    NamedValue,
    OverviewAnswer,
    RiskEntry,
    SentimentAnswer,
    SummaryAnswer,
)
from dealpulse.processors.verification import QuoteVerifier


def read_summary(sections: Sequence[tuple[DocumentText, SummaryAnswer]], overview: OverviewAnswer | None) -> Summary:
    """One summary of a document's sections: the overview says what it is, all say what is in it."""
    answers = [answer for _, answer in sections]
    whole = overview or answers[0]
    return Summary(
        document_type=whole.document_type,
        summary=_in_lines(whole.summary),
        parties=_distinct(party for answer in answers for party in answer.parties),
        dates=_facts(answer.dates for answer in answers),
        amounts=_facts(answer.amounts for answer in answers),
        obligations=_distinct(duty for answer in answers for duty in answer.obligations),
        key_terms=_facts(answer.key_terms for answer in answers),
        sections=tuple(_section(text, answer) for text, answer in sections) if len(sections) > 1 else (),
    )


def _section(text: DocumentText, answer: SummaryAnswer) -> SectionSummary:
    return SectionSummary(
        first_page=text.pages[0].number, last_page=text.pages[-1].number, summary=_in_lines(answer.summary)
    )


def _in_lines(text: str) -> str:
    """At most five lines; what more there is stands in the last of them, so that no sentence is lost."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join([*lines[: SUMMARY_LINES - 1], *filter(None, [" ".join(lines[SUMMARY_LINES - 1 :])])])


def read_classification(answers: Sequence[ClassificationAnswer]) -> Classification:
    """The workstreams any part of the document belongs to; its first classified part tells the primary one."""
    scores: dict[Workstream, float] = {}
    for answer in answers:
        for entry in answer.workstreams:
            scores[entry.workstream] = max(scores.get(entry.workstream, 0.0), _share(entry.score))
    told = next((answer for answer in answers if answer.primary is not Workstream.unclassified), answers[0])
    ranked = sorted(scores.items(), key=lambda item: (item[0] is not told.primary, -item[1], item[0]))
    # A model that does not say how sure it is has still scored what it chose.
    confidence = scores.get(told.primary, 0.0) if told.confidence is None else _share(told.confidence)
    return Classification(
        primary=told.primary,
        workstreams=tuple(WorkstreamScore(workstream=name, score=round(score, 2)) for name, score in ranked),
        confidence=round(confidence, 2),
    )


def _share(score: float) -> float:
    return min(max(score, 0.0), 1.0)


def read_findings(entries: Iterable[RiskEntry], document: DocumentText) -> tuple[Finding, ...]:
    """The risks with their quotes looked up, one a fingerprint. Injections are scanned for, whoever answered.

    A document that tries to instruct its reader may have silenced a model: there the rules' own findings count too.
    """
    attempts = list(injections(document.pages))
    by_rule = risks(document.pages).risks if attempts else []
    return _looked_up([*entries, *by_rule, *attempts], document.pages)


def read_email_findings(email: EmailText) -> tuple[Finding, ...]:
    """What a message itself puts at risk: that it tries to instruct an AI. Citations of e-mails have no page."""
    body = _body(email)
    found = _looked_up(list(injections((body,), what="e-mail")), (body,))
    return tuple(replace(one, citation=replace(one.citation, page=None)) for one in found)


def _looked_up(entries: Sequence[RiskEntry], pages: Sequence[Page]) -> tuple[Finding, ...]:
    verifier = QuoteVerifier(pages)
    sentences = _SentencesByPage(pages)
    found: dict[str, Finding] = {}
    for entry in entries:
        citation = verifier.verify(entry.quote, entry.page)
        clause = _clause(citation, sentences)
        fingerprint = finding_fingerprint(entry.category, clause)
        known = found.get(fingerprint)
        if known is None or _rank(citation) < _rank(known.citation):
            found[fingerprint] = _finding(entry, citation, fingerprint, clause_terms(clause))
    return tuple(sorted(found.values(), key=lambda finding: finding.severity))


def _finding(entry: RiskEntry, citation: Citation, fingerprint: str, terms: tuple[str, ...]) -> Finding:
    return Finding(
        category=entry.category,
        severity=entry.severity,
        action=entry.action,
        title=entry.title,
        explanation=entry.explanation,
        citation=citation,
        fingerprint=fingerprint,
        terms=terms,
    )


def _rank(citation: Citation) -> int:
    return (Verification.verified, Verification.repaired, Verification.unverified).index(citation.verification)


class _SentencesByPage:
    """Pages cut into sentences once, when first cited."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = {page.number: page for page in pages}
        self._cut: dict[int, list[Sentence]] = {}

    def of(self, page: int) -> list[Sentence]:
        if page not in self._cut:
            self._cut[page] = list(page_sentences(self._pages[page]))
        return self._cut[page]


def _clause(citation: Citation, sentences: _SentencesByPage) -> str:
    """The sentence most of the quote stands in: runs that quote more or less of it mean the same."""
    start, end = citation.start, citation.end
    if citation.page is None or start is None or end is None:
        return citation.quote
    return max(sentences.of(citation.page), key=lambda s: min(s.end, end) - max(s.start, start)).text


def read_sentiment(answer: SentimentAnswer) -> Sentiment:
    return Sentiment(label=answer.label, score=round(min(max(answer.score, -1.0), 1.0), 2), reason=answer.reason)


def read_blockers(entries: Iterable[BlockerEntry], email: EmailText) -> tuple[Blocker, ...]:
    """The blockers with their quotes looked up in the new message. Citations of e-mails have no page."""
    body = _body(email)
    verifier = QuoteVerifier((body,))
    gives_orders = any(injections((body,)))
    found: dict[str, Blocker] = {}
    for entry in entries:
        at = verifier.verify(entry.quote, None)
        if entry.resolved and (gives_orders or at.verification is Verification.unverified):
            # Nothing the message says settles it, or it tells its reader what to find: an answer alone must not.
            continue
        fingerprint = blocker_fingerprint(email.thread_key, entry.title, entry.owner)
        found.setdefault(
            fingerprint,
            Blocker(
                title=entry.title,
                owner=entry.owner,
                due_date=entry.due_date,
                needed_action=entry.needed_action,
                opened_on=email.sent_at.date(),
                citation=Citation(quote=at.quote, page=None, verification=at.verification, start=at.start, end=at.end),
                fingerprint=fingerprint,
                status=BlockerStatus.resolved if entry.resolved else BlockerStatus.open,
                terms=topic_terms(entry.title),
            ),
        )
    return tuple(found.values())


def _body(email: EmailText) -> Page:
    """The new message as a page, which quotes are looked up in."""
    return Page(number=1, kind=PageKind.section, text=email.body_text, char_start=0, char_end=len(email.body_text))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _facts(lists: Iterable[list[NamedValue]]) -> tuple[KeyFact, ...]:
    facts = dict.fromkeys((entry.name, entry.value) for entries in lists for entry in entries)
    return tuple(KeyFact(name=name, value=value) for name, value in facts)
