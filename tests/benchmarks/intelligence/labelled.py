"""Files with the kind and the workstreams a person gave them.

``documents.tsv`` names each file, its kind ("-" where none is asked for), the primary workstreams a careful reader may
give it, those that may be listed beside, and why. Where the data folder also has an ``agreements`` folder (a checkout's
folder of that name of LexPredict/lexpredict-contraxsuite-samples), its files count too, in rows of their own, with the
kind their names state.
"""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.intelligence.halves import Half, half_of
from dealpulse.errors import Unreadable
from dealpulse.extraction import Limits, extract_document
from dealpulse.extraction.formats.text import read
from dealpulse.extraction.inner_files import InnerFiles
from dealpulse.extraction.pages import number_pages
from dealpulse.extraction.registry import Source
from dealpulse.models import Page, Workstream

NAMELESS: Final = "document"
"""What the engine is told the file is called: it is to read the text, not the name the labels come from."""
_FOLDERS = ("contracts", "filings", "office", "scans")
_MOST_OF_A_KIND = 40
"""Agreements of one kind in one half, the first by name."""

_STATED = {
    "severance agreement": r"severance|separation",
    "employment agreement": r"employment",
    "credit agreement": r"credit|loan|mortgage|guaranty",
    "licence agreement": r"licens",
    "share purchase agreement": r"stock purchase",
    "lease": r"\blease\b|leasing",
    "construction contract": r"construction",
}
_ABOUT: Mapping[str, frozenset[Workstream]] = {
    "severance agreement": frozenset({Workstream.hr}),
    "employment agreement": frozenset({Workstream.hr}),
    "credit agreement": frozenset({Workstream.financing}),
    "licence agreement": frozenset({Workstream.material_contracts, Workstream.ip}),
    "share purchase agreement": frozenset({Workstream.corporate_legal}),
    "lease": frozenset({Workstream.real_estate}),
    "construction contract": frozenset({Workstream.material_contracts, Workstream.real_estate}),
}


@dataclass(frozen=True)
class Labelled:
    name: str
    pages: tuple[Page, ...]
    kinds: frozenset[str]
    """Empty where the file is of no kind."""
    primary: frozenset[Workstream]
    also: frozenset[Workstream]

    @property
    def half(self) -> Half:
        return half_of(self.name)


def documents(data: Path) -> list[Labelled]:
    """The labelled files of the data folder that can be read."""
    return asyncio.run(_documents(data))


async def _documents(data: Path) -> list[Labelled]:
    found = []
    with (Path(__file__).parent / "documents.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            path = next(path for folder in _FOLDERS if (path := data / folder / row["file"]).exists())
            content = await extract_document(path, name=NAMELESS + path.suffix, limits=Limits())
            found.append(
                Labelled(
                    name=path.name,
                    pages=content.pages,
                    kinds=frozenset() if row["kind"] == "-" else frozenset({row["kind"]}),
                    primary=_workstreams(row["primary"]),
                    also=_workstreams(row["workstreams"]),
                )
            )
    return found


def agreements(folder: Path) -> Iterator[Labelled]:
    """Agreements whose name states one kind and no other, at most a few of each kind in each half."""
    taken: dict[tuple[str, Half], int] = {}
    for path in sorted(folder.glob("*/*.txt"), key=lambda path: path.name):
        kind, place = stated_kind(path.stem), half_of(path.name)
        if kind is None or taken.setdefault((kind, place), 0) >= _MOST_OF_A_KIND:
            continue
        try:
            pages = text_pages(path)
        except Unreadable:
            continue
        taken[kind, place] += 1
        yield Labelled(path.name, pages, frozenset({kind}), _ABOUT[kind], _ABOUT[kind])


def stated_kind(name: str) -> str | None:
    """The kind of agreement a file name states. A construction loan is a loan."""
    words = re.sub(r"[_\-.]+", " ", name.lower())
    found = [kind for kind, pattern in _STATED.items() if re.search(pattern, words)]
    if len(found) > 1 and found[-1] == "construction contract":
        found.pop()
    return found[0] if len(found) == 1 else None


def text_pages(path: Path) -> tuple[Page, ...]:
    limits = Limits()
    inner = InnerFiles(None, limits)
    drafts = read(Source(path=path, name=path.name, mime_type="text/plain", limits=limits, inner=inner)).pages
    return number_pages(drafts, max_pages=limits.max_pages)


def _workstreams(cell: str) -> frozenset[Workstream]:
    return frozenset(map(Workstream, cell.split("|"))) if cell else frozenset()
