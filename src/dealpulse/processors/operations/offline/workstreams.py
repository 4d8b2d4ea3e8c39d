"""Which workstreams a document belongs to, by what it talks about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from dealpulse.models import Page, Workstream
from dealpulse.processors.operations.offline.document_types import document_type
from dealpulse.processors.operations.offline.workstream_lexicon import MILD, TELLING
from dealpulse.processors.operations.schemas import ClassificationAnswer, WorkstreamEntry

LEAST = 1.2
"""Evidence below which a document stays unclassified, unless one workstream clearly leads."""
LEAST_OF_A_LEADER = 0.7
LEAD = 1.5
"""How many times the evidence of the next one a leader has."""
ALSO = 0.45
"""Share of the best score from which a workstream is listed beside the primary one."""
OF_A_TITLE = 2.5
OF_AN_AGREEMENT = 0.4
"""Evidence of a title, and of one that says only that something is an agreement."""
_READ = 60_000
"""Characters: what a document is about shows early."""

_TITLES: dict[str, Workstream] = {
    "merger agreement": Workstream.corporate_legal,
    "share purchase agreement": Workstream.corporate_legal,
    "asset purchase agreement": Workstream.corporate_legal,
    "proxy statement": Workstream.corporate_legal,
    "corporate charter or shareholder agreement": Workstream.corporate_legal,
    "board minutes": Workstream.corporate_legal,
    "letter of intent": Workstream.process,
    "non-disclosure agreement": Workstream.process,
    "services agreement": Workstream.material_contracts,
    "licence agreement": Workstream.material_contracts,
    "supply or distribution agreement": Workstream.material_contracts,
    "construction contract": Workstream.material_contracts,
    "agreement": Workstream.material_contracts,
    "data processing agreement": Workstream.cyber_privacy,
    "security report": Workstream.cyber_privacy,
    "severance agreement": Workstream.hr,
    "employment agreement": Workstream.hr,
    "personnel schedule": Workstream.hr,
    "credit agreement": Workstream.financing,
    "lease": Workstream.real_estate,
    "environmental report": Workstream.environmental_esg,
    "quality of earnings report": Workstream.financial,
    "audited financial statements": Workstream.financial,
    "financial statements": Workstream.financial,
    "tax document": Workstream.tax,
    "insurance document": Workstream.insurance,
    "litigation document": Workstream.litigation,
    "customer revenue schedule": Workstream.commercial,
    "information memorandum": Workstream.commercial,
}

_TELLING_WEIGHT = 3.0
"""Mild words a telling one is worth."""
_OFTEN = 3
"""Times a word has to stand in a text to tell something alone."""


def _compiled(lexicon: dict[Workstream, str]) -> dict[Workstream, re.Pattern[str]]:
    return {name: re.compile(rf"\b(?:{words})(?!\w)") for name, words in lexicon.items()}


_TELLING_PATTERNS, _MILD_PATTERNS = _compiled(TELLING), _compiled(MILD)


def classify(name: str, pages: Sequence[Page]) -> ClassificationAnswer:
    text = " ".join("\n".join(page.text for page in pages)[:_READ].lower().split())
    scores = _scores(text)
    kind = document_type(name, pages)
    titled = _TITLES.get(kind)
    if titled is not None:
        scores[titled] = scores.get(titled, 0.0) + (OF_AN_AGREEMENT if kind == "agreement" else OF_A_TITLE)
    best, second = sorted((*scores.values(), 0.0, 0.0), reverse=True)[:2]
    if best < LEAST and not (best >= LEAST_OF_A_LEADER and best >= LEAD * second):
        return ClassificationAnswer(primary=Workstream.unclassified)
    chosen = sorted(
        ((score, name) for name, score in scores.items() if score >= ALSO * best), key=lambda pair: (-pair[0], pair[1])
    )
    return ClassificationAnswer(
        primary=chosen[0][1],
        workstreams=[
            WorkstreamEntry(workstream=name, score=round(min(score / (best + 1.0), 1.0), 2))
            for score, name in chosen[:4]
        ],
    )


def _scores(text: str) -> dict[Workstream, float]:
    """Evidence by length of text: distinct telling words count most, repetition little."""
    length = max(len(text) / 6.0, 60.0)
    scores: dict[Workstream, float] = {}
    for name, pattern in _TELLING_PATTERNS.items():
        telling = Counter(pattern.findall(text))
        if not telling:
            continue
        mild = Counter(_MILD_PATTERNS[name].findall(text))
        weight = telling.total() + mild.total() / _TELLING_WEIGHT
        variety = len(telling) + len(mild) / _TELLING_WEIGHT
        scores[name] = (
            math.log1p(weight / length * 100)
            * math.log1p(variety)
            * (1.0 if len(telling) > 1 or telling.total() > _OFTEN else 0.5)
        )
    return scores
