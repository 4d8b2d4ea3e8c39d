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
    (
        r"construction (?:agreement|contract|services|management|agency|project)|agreement on construction"
        r"|contract for (?:the )?construction|agreement between (?:the )?owner and (?:the )?(?:contractor"
        r"|construction manager|design.?builder)|design ?[-/ ] ?build (?:agreement|contract)"
        r"|engineering,? procurement(?:,? and construction|,? construction)|general contractor agreement"
        r"|building contract|vessel construction|guaranteed maximum price",
        "construction contract",
    ),
    (
        r"software licen[cs]|licen[cs](?:e|ing) (?:and (?:\w+ ){1,3})?(?:agreement|contract)|licen[cs]e agreement"
        r"|end.user licen[cs]e|agreed to licen[cs]e the",
        "licence agreement",
    ),
    (r"master services? agreement|\bmsa\b|services? agreement|consulting agreement", "services agreement"),
    (
        r"supply agreement|purchase agreement|distribution agreement|reseller agreement",
        "supply or distribution agreement",
    ),
    (r"data processing (?:agreement|addendum)", "data processing agreement"),
    (
        r"severance (?:(?:and|protection|compensation|pay|benefits?|release|\w+-control) )*(?:agreement|plan)"
        r"|separation (?:and (?:\w+ )?release )?(?:agreement|date)|separation of employment"
        r"|termination from (?:your )?employment|terminate your employment|your (?:employment|resignation)[^.]{0,60}"
        r"(?:is being|will be|has been) (?:terminated|accepted)|accept your resignation"
        r"|your (?:intent|decision) to resign"
        r"|change (?:in|of) control (?:severance |employment |retention )?agreement",
        "severance agreement",
    ),
    (
        r"employment agreement|offer letter|contract of employment|offer of employment|employment contract"
        r"|pleased to (?:offer|extend)|offer you (?:the position|employment)|terms of your employment"
        r"|(?:you will|to) (?:become|serve as|assume the (?:position|role) of) (?:the |our )?(?:\w+ ){0,4}?"
        r"(?:president|chief|director|officer)",
        "employment agreement",
    ),
    (
        r"credit agreement|(?:loan|facility) (?:and \w+ )?agreement|line of credit|term loan|credit facility"
        r"|loan facility|promissory note|revolving (?:\w+ ){0,3}note|credit and (?:\w+ )?agreement|deed of trust"
        r"|note purchase agreement|loan modification",
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
    (r"\breport\b(?! (?:directly |solely |jointly )?to\b)", "report"),
    (r"\bpolicy\b", "policy"),
)
CONTRACTS = frozenset(
    {
        "share purchase agreement",
        "asset purchase agreement",
        "non-disclosure agreement",
        "construction contract",
        "licence agreement",
        "services agreement",
        "supply or distribution agreement",
        "data processing agreement",
        "severance agreement",
        "employment agreement",
        "credit agreement",
        "lease",
        "corporate charter or shareholder agreement",
        "agreement",
    }
)
"""What two sides agree on: it provides for what may happen, and seldom tells what has."""
_GENERIC = frozenset({"agreement", "report", "policy", "memorandum"})
"""What a document is where it says nothing closer."""
_LETTERS = frozenset({"severance agreement", "employment agreement", "litigation document"})
_NEARBY = 200
"""Characters after the first title within which a more telling one may stand."""
_COMPILED = tuple((re.compile(pattern), name) for pattern, name in _TYPES)
_BY_KIND = {PageKind.sheet: "spreadsheet", PageKind.slide: "presentation"}


def document_type(name: str, pages: Sequence[Page]) -> str:
    """By the earliest title in the document's head, else its file name, else its format."""
    written = " ".join(" ".join(page.text for page in pages[:2])[: 2 * _HEAD].split())[:_HEAD]
    titled = _earliest(written)
    words = re.sub(r"[_\-.]+", " ", name.lower())
    named = next((kind for pattern, kind in _COMPILED if pattern.search(words)), None)
    if titled is None or (titled in _GENERIC and named is not None):
        titled = named or titled
    return titled or (_BY_KIND.get(pages[0].kind, UNKNOWN) if pages else UNKNOWN)


def _earliest(written: str) -> str | None:
    """The kind whose title comes first; a general one only where no closer one is written as a title.

    Other agreements are mentioned everywhere: only letters, which have no title, are known by what they say.
    """
    head = written.lower()
    found = [
        (match.start(), order, kind, _is_title(written[match.start() : match.end()]))
        for order, (pattern, kind) in enumerate(_COMPILED)
        if (match := pattern.search(head))
    ]
    telling = [
        (start, order, kind)
        for start, order, kind, titled in found
        if titled or kind in _GENERIC or kind in _LETTERS or start < _NEARBY
    ]
    if not telling:
        return None
    near = min(telling)[0] + _NEARBY
    first = min((order, kind) for start, order, kind in telling if start <= near)[1]
    closer = [(start, kind) for start, _, kind in telling if kind not in _GENERIC]
    return min(closer)[1] if first in _GENERIC and closer else first


def _is_title(text: str) -> bool:
    return all(word[:1].isupper() for word in text.split() if len(word) > 3)
