"""What a document is, by its title and file name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dealpulse.models import Page, PageKind

UNKNOWN = "document"
_HEAD = 1_200

_TYPES: tuple[tuple[str, str], ...] = (
    (r"agreement and plan of merger|plan and agreement of merger|merger agreement", "merger agreement"),
    (
        r"(?:share|stock|equity|membership interest|unit) (?:sale and )?purchase agreement|purchase of all (?:of )?the"
        r" shares",
        "share purchase agreement",
    ),
    (r"asset purchase agreement", "asset purchase agreement"),
    (r"letter of intent|\bloi\b|indicative offer|term sheet|heads of terms", "letter of intent"),
    (r"non-?disclosure agreement|confidentiality agreement|\bnda\b", "non-disclosure agreement"),
    (r"proxy statement", "proxy statement"),
    (r"master services? agreement|\bmsa\b|services? agreement|consulting agreement", "services agreement"),
    (r"software licen[cs]e|licen[cs]e agreement", "licence agreement"),
    (
        r"supply agreement|purchase agreement|distribution agreement|reseller agreement",
        "supply or distribution agreement",
    ),
    (r"data processing (?:agreement|addendum)", "data processing agreement"),
    (r"severance agreement|separation (?:and release )?agreement", "severance agreement"),
    (r"employment agreement|offer letter|contract of employment", "employment agreement"),
    (r"construction (?:agreement|contract|services)", "construction contract"),
    (
        r"amendment (?:no\.? ?\d+ )?to (?:the )?credit agreement|credit agreement|loan agreement|facility agreement"
        r"|promissory note",
        "credit agreement",
    ),
    (r"\blease\b|tenancy agreement|rental agreement", "lease"),
    (
        r"shareholders'? agreement|operating agreement|articles of (?:incorporation|association)|bylaws|by-laws",
        "corporate charter or shareholder agreement",
    ),
    (r"minutes of|board minutes|written consent of the (?:board|directors)|resolutions? of", "board minutes"),
    (r"due diligence (?:report|memo\w*)|diligence memo\w*|legal memo\w*", "diligence report"),
    (r"environmental site assessment|phase (?:i|ii|1|2) (?:esa|environmental|report)", "environmental report"),
    (r"quality of earnings|\bqoe\b", "quality of earnings report"),
    (r"audit(?:ed)? (?:financial statements|report)|independent auditor", "audited financial statements"),
    (
        r"balance sheet|income statement|profit (?:and|&) loss|cash flow statement|financial statements",
        "financial statements",
    ),
    (
        r"confidential information memorandum|information memorandum|\bcim\b|management presentation",
        "information memorandum",
    ),
    (r"tax return|tax memo\w*|notice of (?:assessment|deficiency)", "tax document"),
    (r"penetration test|security assessment|vulnerability (?:report|scan)", "security report"),
    (r"insurance (?:policy|certificate|schedule|summary)|certificate of insurance", "insurance document"),
    (r"complaint for|\bplaintiffs?\b.{0,200}\bdefendants?\b|demand letter", "litigation document"),
    (r"form 8-k|current report", "current report (8-K)"),
    (r"press release|for immediate release", "press release"),
    (r"customer list|revenue by customer|customer revenue", "customer revenue schedule"),
    (r"org(?:ani[sz]ation)? chart|headcount|employee census|payroll", "personnel schedule"),
    (r"\bmemo(?:randum)?\b", "memorandum"),
    (r"\bagreement\b|\bcontract\b", "agreement"),
    (r"\breport\b", "report"),
    (r"\bpolicy\b", "policy"),
)
_COMPILED = tuple((re.compile(pattern), name) for pattern, name in _TYPES)
_BY_KIND = {PageKind.sheet: "spreadsheet", PageKind.slide: "presentation"}


def document_type(name: str, pages: Sequence[Page]) -> str:
    """By the earliest title in the document's head, else its file name, else its format."""
    head = " ".join(" ".join(page.text for page in pages[:2])[: 2 * _HEAD].lower().split())[:_HEAD]
    found = [
        (match.start(), order, kind)
        for order, (pattern, kind) in enumerate(_COMPILED)
        if (match := pattern.search(head))
    ]
    if found:
        earliest = min(found)[0]
        return min((order, kind) for start, order, kind in found if start <= earliest + 200)[1]
    words = re.sub(r"[_\-.]+", " ", name.lower())
    named = next((kind for pattern, kind in _COMPILED if pattern.search(words)), None)
    return named or (_BY_KIND.get(pages[0].kind, UNKNOWN) if pages else UNKNOWN)
