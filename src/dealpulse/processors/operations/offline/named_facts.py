"""Parties, dates, amounts and key terms, read off a document's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dealpulse.processors.operations.offline.sentences import Sentence
from dealpulse.processors.operations.schemas import NamedValue

MOST = 8
"""Facts kept of each sort."""

_SUFFIX = (
    r"(?:Inc|INC|CORP|COMPANY|Incorporated|Corp|Corporation|LLC|L\.L\.C|LLP|L\.P|LP|Ltd|Limited|PLC|plc|GmbH|AG|S\.A|SA|SAS|S\.r\.l"
    r"|B\.V|BV|N\.V|NV|AB|ApS|Oy|KG|Company|Co|Bank|N\.A"
    r"|Holdings|Group|Trust)"
)
_PARTY = re.compile(
    rf"\b((?:[A-Z][\w&'’.-]*,?\s+(?:(?:of|and|the|&|de)\s+)?){{1,6}}?{_SUFFIX}\b\.?)"
    rf"|\b((?:[A-Z]{{2,}}[\w&'’.-]*,?\s+){{1,5}}?(?:INC|CORP|CORPORATION|LLC|LTD|LIMITED|COMPANY|PLC|GMBH|N\.V|S\.A"
    rf"|BANCORP(?!,? INC))\b\.?)"
)
_LEADING = re.compile(
    r"\A(?:.*\b(?i:between|among)\s+)?(?:(?i:(?:(?:all|of|the|capital) )*(?:shares|stock) of\s+)"
    r"|(?:This|The|And|With|For|From|To|In|Of|AGREEMENT|AND|Agreement|Plan|Merger"
    r"|Whereas|Exhibit|Section|Dated|Each|Any|If|As|By|Upon)\s+)*"
)
_NO_NAME = re.compile(
    r"\b(?:the|of) (?:Company|Corporation|Bank)\b|[a-z]\. [A-Z]|\b(?:Date|Control)\b"
    r"|\b(?i:representations|warranties|section|article|surviving)\b|\A(?:WHEREAS|A )|\ALand\b|\bBusiness Corporation\b"
    r"|\A(?:Delaware|Nevada|Texas|California|New York|Maryland|Massachusetts|Virginia|Florida|Ohio|Georgia) [CL]\w+\Z"
)
_DATE = re.compile(
    r"\b(?:(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
    r"|\d{1,2}(?:st|nd|rd|th)? (?:day of )?(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December),? \d{4}|\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4})\b"
)
_MONEY = re.compile(
    r"(?:(?:US|C|A)?[$€£]|(?:USD|EUR|GBP|CHF|US\$) ?)\s?\d+(?:,\d{3})*(?:\.\d+)?(?: ?(?:million|billion|thousand"
    r"|[mkMK]n?\b|bn))?|\b\d[\d,]*(?:\.\d+)? ?(?:million |billion )?(?:USD|EUR|GBP|CHF|euros?|dollars)\b"
)
_DATE_NAMES = (
    ("expiry", r"\bexpir\w*|\bterminat\w* on|\bend(?:s|ing)? on|\bmatur\w+|\buntil\b"),
    ("outside date", r"\boutside date|\bend date|\blong[- ]stop|on or before"),
    ("effective date", r"\beffective\b|\bcommenc\w+|\bstart\w*"),
    ("closing", r"\bclosing\b|\bcompletion\b"),
    ("date of the document", r"\bdated?\b|\bmade (?:as of|this|and entered)|\bas of\b"),
    ("due", r"\bdue\b|\bpayable\b|\bby\b|\bno later than"),
)
_AMOUNT_NAMES = (
    ("purchase price", r"purchase price|consideration|enterprise value"),
    (
        "termination fee",
        r"termination fee"
        r"|break-?up fee",
    ),
    ("rent", r"\brent\b"),
    ("salary", r"\bsalary\b|\bbase pay"),
    ("severance", r"\bseverance"),
    ("fee", r"\bfees?\b"),
    ("revenue", r"\brevenues?\b|\bsales\b|\bturnover\b|\barr\b"),
    ("EBITDA", r"\bebitda"),
    ("loan", r"\bloan|\bcredit\b|\bborrow|\bprincipal|\bdebt"),
    ("damages claimed", r"\bdamages\b|\bclaim"),
    ("insurance", r"\binsur|\bcoverage"),
    ("penalty", r"\bpenalt|\bfine\b"),
    ("liability", r"\bliab|\bexposure|\bindemn"),
    (
        "cost",
        r"\bcosts?\b|\bexpens"
        r"|\bestimate",
    ),
)
_TERMS = (
    (
        "governing law",
        re.compile(
            r"(?:laws? of (?:the )?(?:[Ss]tate|STATE|Commonwealth|Republic|Province) (?:of|OF)"
            r"|governed by (?:and \w+ (?:in accordance with|under) )?the laws? of(?: the)?(?! [Ss]tate"
            r"| STATE))\s+((?:[A-Z]\w+\s?){1,3})"
        ),
    ),
    (
        "notice period",
        re.compile(
            r"\b((?:\w+ )?\(?\d{1,3}\)?[ -](?:business |calendar )?(?:days?"
            r"|months?)['’]? (?:prior )?(?:written )?notice)"
        ),
    ),
    ("term", re.compile(r"\b(?:term|period) of ((?:\w+ )?\(?\d{1,2}\)? (?:years?|months?))")),
)


def parties(text: str) -> list[str]:
    """Companies the first pages name, as written, most often named first."""
    counts: dict[str, int] = {}
    for match in _PARTY.finditer(text):
        name = _LEADING.sub("", " ".join(match[0].split())).strip(" ,")
        if 4 < len(name) < 80 and " " in name and not _NO_NAME.search(name):
            known = next((other for other in counts if other.lower().strip(".") == name.lower().strip(".")), name)
            counts[known] = counts.get(known, 0) + 1
    ranked = sorted(counts, key=lambda name: -counts[name])
    return ranked[:MOST]


def dates(sentences: Iterable[Sentence]) -> list[NamedValue]:
    return _named(sentences, _DATE, _DATE_NAMES, "date")


def amounts(sentences: Iterable[Sentence]) -> list[NamedValue]:
    return _named(sentences, _MONEY, _AMOUNT_NAMES, "amount")


def key_terms(text: str) -> list[NamedValue]:
    found = ((name, pattern.search(text)) for name, pattern in _TERMS)
    return [NamedValue(name=name, value=" ".join(match[1].split())) for name, match in found if match is not None]


def _named(
    sentences: Iterable[Sentence], value: re.Pattern[str], names: Sequence[tuple[str, str]], unnamed: str
) -> list[NamedValue]:
    """The first values of the text, each named by the closest telling word before it in its sentence."""
    found: dict[str, str] = {}
    for sentence in sentences:
        for match in value.finditer(sentence.text):
            before = sentence.text[max(0, match.start() - 120) : match.end() + 40].lower()
            found.setdefault(" ".join(match[0].split()), _name(before, names, unnamed))
        if len(found) >= 3 * MOST:
            break
    ranked = sorted(found.items(), key=lambda item: item[1] == unnamed)
    return [NamedValue(name=name, value=text) for text, name in ranked[:MOST]]


def _name(context: str, names: Sequence[tuple[str, str]], unnamed: str) -> str:
    at = {name: max((m.start() for m in re.finditer(pattern, context)), default=-1) for name, pattern in names}
    best = max(at, key=lambda name: at[name])
    return best if at[best] >= 0 else unnamed
