"""How a message feels: valences summed word by word, with negation, emphasis and "but".

The method is VADER's (Hutto and Gilbert, 2014), its lexicon adapted to deals.

Long messages are judged by the average of the sentences that feel anything, so that length alone is no emotion. What a
mail system puts under every message is not read.
"""

from __future__ import annotations

import math
import re

from dealpulse.models import SentimentLabel
from dealpulse.processors.operations.offline.sentences import Sentence, text_sentences
from dealpulse.processors.operations.offline.sentiment_lexicon import BOOSTERS, NEGATIONS, PHRASES, VALENCE
from dealpulse.processors.operations.schemas import SentimentAnswer

CLEAR = 0.2
"""Score from which a message counts as positive, or negative below zero."""

_NORMAL = 6.0
"""Squared valence at which a sentence is strongly felt (score 0.7)."""
_RESERVE = 0.75
"""Sentences without feeling that every message is taken to have: one warm word makes no warm message."""
_TURNED = -0.74
"""What a negation makes of a valence."""
_REACH = 3
"""Words before a word that may negate or boost it."""
_MARKUP = re.compile(r"<[^<>]{1,200}>|https?:\S+")
_BOILERPLATE = re.compile(
    r"\b(?:intended recipients?|received this (?:e-?mail|message|communication) in error|e-?mail (?:and any|is)"
    r"[^.]{0,60}confidential|privileged (?:and|or) confidential|confidential (?:and|or) (?:legally )?privileged"
    r"|consider the environment|unsubscribe|viruses?)\b|\bsent from my \w+"
)
_TOKEN = re.compile(r"[a-z]+(?:['-][a-z]+)*|:-?\)|:-?\(|;-?\)")
_FACES = {":)": 2.0, ":-)": 2.0, ";)": 1.0, ";-)": 1.0, ":(": -2.0, ":-(": -2.0}
_PHRASES = re.compile(
    r"\b(?:" + "|".join(re.escape(phrase) for phrase in sorted(PHRASES, key=len, reverse=True)) + r")\b"
)


def sentiment(text: str) -> SentimentAnswer:
    sentences = (one for one in text_sentences(_MARKUP.sub(" ", text)) if not _BOILERPLATE.search(one.flat))
    felt = [(score, sentence) for sentence in sentences if abs(score := sentence_score(sentence)) > 0.05]
    if not felt:
        return SentimentAnswer(label=SentimentLabel.neutral, score=0.0, reason="No word tells a feeling.")
    mean = sum(score for score, _ in felt) / (len(felt) + _RESERVE)
    label = (
        SentimentLabel.positive
        if mean >= CLEAR
        else SentimentLabel.negative
        if mean <= -CLEAR
        else SentimentLabel.neutral
    )
    strongest = max(felt, key=lambda pair: pair[0] * (1 if mean >= 0 else -1))[1]
    return SentimentAnswer(label=label, score=round(mean, 2), reason=f"“{_short(strongest.text)}”")


def sentence_score(sentence: Sentence) -> float:
    """-1 to 1."""
    flat, phrases = _without_phrases(sentence.flat)
    words = _TOKEN.findall(flat)
    valences = [_valence(words, at) for at in range(len(words))]
    if "but" in words:
        turn = words.index("but")
        valences = [value * (0.5 if at < turn else 1.5) for at, value in enumerate(valences)]
    total = sum(valences) + phrases
    total += math.copysign(0.292 * min(sentence.text.count("!"), 3), total) if total else 0.0
    if total and any(word.isupper() and len(word) > 3 and word.lower() in VALENCE for word in sentence.text.split()):
        total += math.copysign(0.733, total)
    return total / math.sqrt(total * total + _NORMAL)


def _without_phrases(flat: str) -> tuple[str, float]:
    found = _PHRASES.findall(flat)
    return _PHRASES.sub(" ", flat), sum(PHRASES[phrase] for phrase in found)


def _valence(words: list[str], at: int) -> float:
    word = words[at]
    value = _FACES.get(word, VALENCE.get(word, 0.0))
    if not value:
        return 0.0
    before = words[max(0, at - _REACH) : at]
    value += math.copysign(1.0, value) * sum(BOOSTERS.get(other, 0.0) for other in before)
    return value * _TURNED if any(other in NEGATIONS for other in before) else value


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 160 else flat[:157].rsplit(" ", 1)[0] + " ..."
