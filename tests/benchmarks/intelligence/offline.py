"""What the offline engine is worth, on files it was not tuned on, beside simpler means.

    PYTHONPATH=tests python -m benchmarks.intelligence.offline [tuning] [DATA]

prints the rows of the held-back half (or of the tuning half, with what it got wrong).
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.intelligence.halves import Half, half_of
from benchmarks.intelligence.labelled import NAMELESS, Labelled, agreements, documents, text_pages
from benchmarks.intelligence.measures import counts_by_label, majority_share, rank_correlation, share
from benchmarks.intelligence.sections import Section, named_on_title_page, sections
from benchmarks.rows import Row
from dealpulse.models import Page, PageKind, SentimentLabel, Workstream
from dealpulse.processors.operations.offline.document_types import document_type
from dealpulse.processors.operations.offline.risks import risks
from dealpulse.processors.operations.offline.sentiment import sentiment
from dealpulse.processors.operations.offline.summary import summarise
from dealpulse.processors.operations.offline.workstreams import classify
from sample_deal.plants import PLANTED_BLOCKERS, PLANTED_RISKS
from sample_deal.reading import false_alarms, is_blocker_found, is_found, read_everything

GROUND_TRUTH = "hutto_ICWSM_2014"
"""A folder unpacked beside the shared ones: the rated sentences VADER was published with."""
VADER_NEUTRAL = 0.05
"""VADER's own bound of a neutral text."""
PARAGRAPH = 200
"""Characters of a contract's paragraph, at least."""
LONG = 300
"""Pages of the agreement whose reading is timed."""


@dataclass(frozen=True)
class _Report:
    """Figures of one half; ``mistakes`` are for tuning."""

    rows: list[Row]
    mistakes: list[str]


def run() -> list[Row]:
    """The figures of the held-back half, of the shared data folder."""
    return offline_rows(_shared_data())


def _shared_data() -> Path:
    return Path(os.environ.get("DEALPULSE_SHARED_DATA", "../shared/data"))


def offline_rows(data: Path) -> list[Row]:
    """The figures of the held-back half. ``data`` is laid out as the shared data folder is."""
    return _report(data, Half.held_back).rows


def _report(data: Path, half: Half) -> _Report:
    report = _Report([], [])
    _sentiment(data / "sentiment" / "scored_emails.tsv", half, report)
    if (data / GROUND_TRUTH).is_dir():
        for genre in ("amazonReviewSnippets", "nytEditorialSnippets"):
            _passages(data / GROUND_TRUTH / f"{genre}_GroundTruth.txt", half, report)
    _calm(data / "contracts", half, report)
    labelled = [document for document in documents(data) if document.half is half]
    _kinds("shared files", labelled, half, report)
    _workstreams("shared files", labelled, half, report)
    if (data / "agreements").is_dir():
        public = [document for document in agreements(data / "agreements") if document.half is half]
        _kinds("public agreements", public, half, report)
        _workstreams("public agreements", public, half, report)
    _sections([section for section in _all_sections(data) if half_of(section.file) is half], half, report)
    _title_pages(data, half, report)
    _speed(labelled, report)
    _sample_deal(report)
    return report


def _sentiment(path: Path, half: Half, report: _Report) -> None:
    with path.open(encoding="utf-8", newline="") as table:
        mails = [
            row for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE) if half_of(row["id"]) is half
        ]
    people = [float(mail["score"]) for mail in mails]
    vader = SentimentIntensityAnalyzer()
    ours = [sentiment(mail["text"]).score for mail in mails]
    peers = [vader.polarity_scores(mail["text"])["compound"] for mail in mails]
    report.rows.append(
        Row(
            f"feeling of {len(mails)} e-mails, {half}",
            "rank correlation with people",
            rank_correlation(ours, people),
            {"VADER": rank_correlation(peers, people), "majority": 0.0},
            "above VADER",
        )
    )
    ranked = sorted(zip(people, ours, mails, strict=True), key=lambda entry: entry[0])
    report.mistakes.extend(f"feeling {felt:.2f} {score:+.2f} {mail['text'][:90]}" for felt, score, mail in ranked)


def _passages(path: Path, half: Half, report: _Report) -> None:
    """Sentences with the mean rating of twenty people, joined to passages of one to nine as they follow each other."""
    texts: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for line in path.read_text(encoding="latin-1").splitlines():
        name, rating, sentence = line.split("\t", 2)
        texts[name.rpartition("_")[0]].append((sentence, float(rating)))
    passages = [
        (" ".join(sentence for sentence, _ in passage), statistics.mean(rating for _, rating in passage))
        for name, sentences in texts.items()
        if half_of(name) is half
        for passage in _cut(sentences)
    ]
    people = [rating for _, rating in passages]
    vader = SentimentIntensityAnalyzer()
    report.rows.append(
        Row(
            f"feeling of {len(passages)} passages of {path.stem.removesuffix('Snippets_GroundTruth')}, {half}",
            "rank correlation with people",
            rank_correlation([sentiment(text).score for text, _ in passages], people),
            {"VADER": rank_correlation([vader.polarity_scores(text)["compound"] for text, _ in passages], people)},
            "above VADER",
        )
    )


def _cut(sentences: Sequence[tuple[str, float]]) -> Iterator[Sequence[tuple[str, float]]]:
    lengths, start = itertools.cycle((1, 2, 3, 4, 6, 9)), 0
    while start < len(sentences):
        end = start + next(lengths)
        yield sentences[start:end]
        start = end


def _calm(contracts: Path, half: Half, report: _Report) -> None:
    """Contracts feel nothing, however many of their words do in everyday talk."""
    texts = [path.read_text(errors="replace") for path in sorted(contracts.iterdir()) if half_of(path.name) is half]
    paragraphs = [part for text in texts for part in text.split("\n\n") if len(part.strip()) >= PARAGRAPH]
    vader = SentimentIntensityAnalyzer()
    report.rows.append(
        Row(
            f"{len(paragraphs)} paragraphs of contracts, {half}",
            "share without feeling",
            share(sentiment(text).label is SentimentLabel.neutral for text in paragraphs),
            {"VADER": share(abs(vader.polarity_scores(text)["compound"]) < VADER_NEUTRAL for text in paragraphs)},
            "above VADER",
        )
    )


def _kinds(of: str, labelled: Sequence[Labelled], half: Half, report: _Report) -> None:
    typed = [document for document in labelled if document.kinds]
    answers = [document_type(NAMELESS, document.pages) for document in typed]
    report.rows.append(
        Row(
            f"kind of {len(typed)} {of}, {half}",
            "share right",
            share(answer in document.kinds for answer, document in zip(answers, typed, strict=True)),
            {"majority": majority_share([document.kinds for document in typed])},
            "above the majority",
        )
    )
    report.mistakes.extend(
        f"kind {document.name}: {answer!r}, not {'|'.join(document.kinds)}"
        for answer, document in zip(answers, typed, strict=True)
        if answer not in document.kinds
    )


def _workstreams(of: str, labelled: Sequence[Labelled], half: Half, report: _Report) -> None:
    told = [(document, classify(NAMELESS, document.pages)) for document in labelled]
    rights = [answer.primary in document.primary for document, answer in told]
    listed = [(document, entry.workstream) for document, answer in told for entry in answer.workstreams]
    report.rows.extend(
        [
            Row(
                f"primary workstream of {len(told)} {of}, {half}",
                "share right",
                share(rights),
                {"majority": majority_share([document.primary for document in labelled])},
                "above the majority",
            ),
            Row(
                f"workstreams listed for {of}, {half}",
                "share fair (precision)",
                share(workstream in document.primary | document.also for document, workstream in listed),
                {},
                "0.5",
            ),
        ]
    )
    nothing = [answer for document, answer in told if document.primary == {Workstream.unclassified}]
    if nothing:
        report.rows.append(
            Row(
                f"{len(nothing)} of {of} about nothing, {half}",
                "share left unclassified",
                share(answer.primary is Workstream.unclassified for answer in nothing),
                {},
                "1.0",
            )
        )
    report.mistakes.extend(
        f"workstream {document.name}: {answer.primary} {[(str(e.workstream), e.score) for e in answer.workstreams]}"
        f", not {'|'.join(document.primary)}"
        for (document, answer), right in zip(told, rights, strict=True)
        if not right
    )


def _all_sections(data: Path) -> Iterator[Section]:
    for tags in sorted((data / "truth").glob("*.tags.tsv")):
        yield from sections(data / "contracts" / f"{tags.name.removesuffix('.tags.tsv')}.txt", tags)


def _sections(found: Sequence[Section], half: Half, report: _Report) -> None:
    answers = [classify(NAMELESS, _pages(section.text)).primary for section in found]
    expected = [section.workstream for section in found]
    report.rows.append(
        Row(
            f"workstream of {len(found)} sections of merger agreements, {half}",
            "share right",
            share(answer is right for answer, right in zip(answers, expected, strict=True)),
            {"majority": majority_share([frozenset({right}) for right in expected])},
            "above the majority",
        )
    )
    given = [
        (right, None if answer is Workstream.unclassified else answer)
        for answer, right in zip(answers, expected, strict=True)
    ]
    for workstream, counts in sorted(counts_by_label(given).items()):
        name = f"sections, {workstream} ({counts.right + counts.missed} true), {half}"
        report.rows.extend(
            [
                Row(name, "recall", counts.recall, {}, ""),
                Row(name, "precision", counts.precision, {}, ""),
            ]
        )
    report.mistakes.extend(
        f"section {section.file} {section.heading}: {answer}, not {section.workstream}"
        for section, answer in zip(found, answers, strict=True)
        if answer is not section.workstream
    )


def _title_pages(data: Path, half: Half, report: _Report) -> None:
    found: list[bool] = []
    for contract in sorted((data / "contracts").glob("merger_contract_*.txt")):
        if half_of(contract.name) is not half:
            continue
        told = [_bare(name) for name in summarise(NAMELESS, text_pages(contract)).parties]
        for name in named_on_title_page(data / "truth" / f"{contract.stem}.tags.tsv"):
            found.append(_bare(name) in told)
            if not found[-1]:
                report.mistakes.append(f"party {contract.name}: {name} not among {told}")
    report.rows.append(
        Row(f"{len(found)} parties on title pages of merger agreements, {half}", "recall", share(found), {}, "0.8")
    )


def _bare(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _sample_deal(report: _Report) -> None:
    """A regression test in figures: the patterns have long been tuned on this deal, whatever the half."""
    with tempfile.TemporaryDirectory() as folder:
        reading = asyncio.run(read_everything(Path(folder)))
    told = "sample deal, tuned on"
    report.rows.extend(
        [
            Row(
                f"{told}: {len(PLANTED_RISKS)} planted risks",
                "share found",
                share(is_found(plant, reading) for plant in PLANTED_RISKS),
                {},
                "0.75",
            ),
            Row(
                f"{told}: {len(PLANTED_BLOCKERS)} planted blockers",
                "share found",
                share(is_blocker_found(plant, reading) for plant in PLANTED_BLOCKERS),
                {},
                "0.67",
            ),
            Row(f"{told}: false alarms", "count", float(len(false_alarms(reading))), {}, "at most 4"),
        ]
    )


def _pages(text: str) -> tuple[Page, ...]:
    return (Page(number=1, kind=PageKind.section, text=text, char_start=0, char_end=len(text)),)


def _speed(labelled: Iterable[Labelled], report: _Report) -> None:
    """The longest document, repeated until it is long."""
    pages = max((document.pages for document in labelled), key=len)
    pages = (pages * (LONG // len(pages) + 1))[:LONG]
    started = time.process_time()
    classify(NAMELESS, pages)
    summarise(NAMELESS, pages)
    risks(pages)
    report.rows.append(
        Row(f"analysis of {LONG} pages of a merger agreement", "s", time.process_time() - started, {}, "below 10")
    )


def main() -> None:
    """Print one half's rows, and the mistakes of the tuning half."""
    given = [argument for argument in sys.argv[1:] if argument != "tuning"]
    data = Path(given[0]) if given else _shared_data()
    half = Half.tuning if "tuning" in sys.argv[1:] else Half.held_back
    report, console = _report(data, half), Console(width=150, highlight=False)
    for row in report.rows:
        peers = ", ".join(f"{peer} {figure:.2f}" for peer, figure in row.peers.items())
        console.print(f"{row.name:<75} {row.ours:6.2f} {row.unit}{f' ({peers})' if peers else ''}", markup=False)
    if half is Half.tuning:
        console.print(*report.mistakes, sep="\n", markup=False)


if __name__ == "__main__":
    main()
