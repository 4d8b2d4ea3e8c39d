"""Merger agreements cut at their headings, each part with the workstream its heading names.

The headings are those the files in ``truth`` mark: somebody else's reading of where a section begins. Only headings
that name one workstream beyond doubt count, and the heading itself is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dealpulse.models import Workstream

SHORTEST = 600
"""Characters of a section: shorter ones say that something is set out elsewhere."""

_NAMED = (
    (r"tax(?:es)?(?: matters| returns| and tax returns)?", Workstream.tax),
    (r"environmental(?: matters| laws)?", Workstream.environmental_esg),
    (r"intellectual property", Workstream.ip),
    (
        r"employee benefit plans.*|employees?(?: and labor)? matters|labor (?:relations|matters).*|employee matters.*"
        r"|employees and employee benefit plans|employee benefits(?: matters)?|erisa.*",
        Workstream.hr,
    ),
    (r"insurance(?: coverage| policies)?", Workstream.insurance),
    (r"litigation|legal proceedings|litigation and proceedings", Workstream.litigation),
    (r"financial statements|reports and financial statements|internal controls?.*", Workstream.financial),
    (r"real property|properties|real estate", Workstream.real_estate),
    (
        r"regulatory (?:matters|approvals)|antitrust.*|compliance with (?:applicable )?laws?",
        Workstream.regulatory_antitrust,
    ),
    (r"privacy of customer information|data privacy.*|privacy and data security.*", Workstream.cyber_privacy),
    (
        r"capitali[sz]ation|capital stock|corporate organization|corporate existence and power|subsidiaries|bylaws"
        r"|board of directors recommendation|directors and officers|corporate authorization|conversion of shares",
        Workstream.corporate_legal,
    ),
    (r"(?:material|certain|company) contracts", Workstream.material_contracts),
    (r"financing(?: cooperation)?", Workstream.financing),
)
_WORKSTREAMS = tuple((re.compile(rf"(?:{pattern})\Z"), workstream) for pattern, workstream in _NAMED)
_HEADING = re.compile(r"\A[bise]_(s{2,4})(n|st?t)\Z")


_NO_PARTY = re.compile(r"(?i)\b(?:agreement|project|plan)\b|\A(?:by and|among|and|between|dated)|\d\Z|\d{2}")
_LEAD_OUT = re.compile(r"(?i)[\s,]+and\Z")


@dataclass(frozen=True)
class Section:
    file: str
    heading: str
    workstream: Workstream
    text: str


def sections(contract: Path, tags: Path) -> Iterator[Section]:
    """The sections of one agreement whose heading names a workstream."""
    text = contract.read_text(encoding="utf-8", errors="replace")
    found = sorted(_places(text, tags))
    for (_, start, heading), (end, _, _) in zip(found, [*found[1:], (len(text), 0, "")], strict=True):
        workstream = _workstream(heading)
        body = text[start:end].strip()
        if workstream is not None and len(body) >= SHORTEST:
            yield Section(file=contract.name, heading=heading, workstream=workstream, text=body)


def named_on_title_page(tags: Path) -> list[str]:
    """The parties a merger agreement's title page names, one a line."""
    lines = [line.partition("\t") for line in tags.read_text(encoding="utf-8").splitlines()]
    title = [value for tag, _, value in lines if re.fullmatch(r"[bies]_t", tag)]
    return [name for value in title if (name := _LEAD_OUT.sub("", value.strip(" .,"))) and not _NO_PARTY.search(name)]


def _workstream(heading: str) -> Workstream | None:
    name = heading.lower().strip(" .;:")
    return next((workstream for pattern, workstream in _WORKSTREAMS if pattern.match(name)), None)


def _places(text: str, tags: Path) -> Iterator[tuple[int, int, str]]:
    """Where each numbered heading stands in the body: the last of its places, the first being the contents'."""
    for number, title in _numbered(tags):
        pattern = rf"(?m)^\s*{re.escape(number)}\W{{0,12}}{re.escape(title)}"
        matches = list(re.finditer(pattern, text, re.IGNORECASE))
        if matches:
            yield matches[-1].start(), matches[-1].end(), title


def _numbered(tags: Path) -> Iterator[tuple[str, str]]:
    """Numbers of sections with the titles that follow them."""
    number = ""
    for line in tags.read_text(encoding="utf-8").splitlines():
        tag, _, value = line.partition("\t")
        if re.fullmatch(r"s_s+sn", tag):
            number = value.strip(" .")
        elif number and re.fullmatch(r"s_s+st", tag):
            yield number, value.strip(" .;:")
            number = ""
        elif number and not re.fullmatch(r"[bie]_s+st", tag):
            number = ""
