"""Words and how they feel, -4 to 4: VADER's published lexicon, as deal people use its words.

Each of VADER's words was rated by ten people (Hutto and Gilbert, 2014), but as words of everyday talk. Here terms of
art lose their feeling, courtesy counts less than warmth, and what deal people complain with is added.
"""

from __future__ import annotations

import re
from importlib.resources import files

_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")

_TERMS_OF_ART = """
ability admit advanced adverse adversely affected agreement agreements alert asked asset assets attachment
attachments authority award awarded awards bankrupt beneficial beneficially beneficiaries beneficiary benefit
benefits block bonus bonuses casualty certain charge charged charges claim claimed claims commit commitment
commitments commits competent competitive comprehensive condemnation conflict conflicts consent consents create
created creation credit creditor credits creditworthiness criminal cut cutting damage damages dear debt default
defects defence defense demand destruction determination determinations determined dispute disputes drop easement
easements effective emergency endorsement engaged ensure ensuring entitled excel excluded exclusive execute executed
exempt extend fair felony fire foreclosure fyi gain gains giving grant granted granting grants greater gross
guarantee hand harmless illegal imposed incentive increase increased injury intellectual interest interests
interruption join l lawsuit lawsuits leave legal legally liabilities liability limitation limited litigation loss
losses mandatory material matter matters mature no novel number numbers outstanding paid parties partner party pay
penalties penalty perfected prejudice prevent privilege privileges profit profits promissory prosecution reach
reached relief resign resignation resolve respective respectively respects restrict restricted restriction
restrictions retained risk risks rob secure secured secures securing securities security sentence severity share
shared shares significant substantial successor successors sue sued surety surviving terminate terminated terminates
termination treasurer treasury trustee unemployment united unsecured value values vested violation virtue warrant
warranty
"""
"""They name things in a deal and tell no feeling: mostly those of VADER's words that contracts are full of."""

_BY_VALENCE: dict[float, str] = {
    3.0: "breathtaking spectacular flawless superb",
    2.0: "luv thnx thx kudos cheers congrats",
    1.5: "constructive productive smooth smoothly collaborative cooperative responsive prompt promptly thorough",
    0.9: "aligned ahead reasonable works sorted finalized finalised",
    0.6: "please thanks thank",
    -0.8: "late slow slower slowly unanswered chase chased chasing reminder unresolved however overdue tight unable"
    " incompatible postponed still",
    -1.4: "concern concerned concerns concerning issue delays behind lacks slipping slipped backtrack unclear",
    -2.0: "refuses pushback unwilling unreasonable blindsided misled misleading spoilt spoiled ruined rudely broken"
    " stonewalled stonewalling evasive ignored ignoring dismissive uncooperative unresponsive unprofessional",
    -2.7: "untenable inexcusable outrageous appalling ridiculous affront abomination disgraceful",
}

_SET_PHRASES = (
    "accepted by",
    "agree that",
    "agree to",
    "agreed that",
    "agreed to",
    "agreed upon",
    "agrees that",
    "agrees to",
    "approval by",
    "approval of",
    "approved by",
    "as promptly as",
    "as well as",
    "bank and trust",
    "best efforts",
    "best endeavours",
    "best interests",
    "best of",
    "commercially reasonable",
    "death or disability",
    "deed of trust",
    "delay or failure",
    "failure of",
    "failure to",
    "fair market",
    "fair value",
    "free and clear",
    "free from",
    "free of",
    "good and marketable",
    "good and valid",
    "good faith",
    "good reason",
    "good standing",
    "grace period",
    "in respect of",
    "natural gas",
    "natural person",
    "no delay",
    "not misleading",
    "of any kind",
    "of every kind",
    "or threatened",
    "reasonable best efforts",
    "reasonable efforts",
    "reasonable satisfaction",
    "reasonably acceptable",
    "reasonably satisfactory",
    "responsible for",
    "special meeting",
    "superior proposal",
    "threatened against",
    "threatened litigation",
    "true and complete",
    "true and correct",
    "trust agreement",
    "trust deed",
    "untrue or misleading",
    "with respect to",
    "written approval",
)
"""Of contracts, in words that feel something elsewhere."""

PHRASES: dict[str, float] = {
    **dict.fromkeys(_SET_PHRASES, 0.0),
    "thanks for": 1.9,
    "thank you for": 1.9,
    "thanks to": 0.6,
    "thank you so much": 2.6,
    "thanks so much": 2.6,
    "many thanks": 1.5,
    "thanks again": 1.9,
    "thank you again": 1.9,
    "look forward": 1.2,
    "looking forward": 1.4,
    "on track": 1.5,
    "good morning": 0.3,
    "good afternoon": 0.3,
    "good evening": 0.3,
    "best regard": 0.3,
    "best regards": 0.3,
    "kind regards": 0.3,
    "best wishes": 0.6,
    "all the best": 1.0,
    "would like": 0.3,
    "would you like": 0.3,
    "strong view": -1.0,
    "well done": 2.4,
    "great work": 2.8,
    "nice work": 2.3,
    "no problem": 1.0,
    "no problems": 1.2,
    "no issue": 1.0,
    "no issues": 1.2,
    "no concerns": 1.5,
    "happy to": 1.0,
    "no interest": -1.6,
    "couldn't care": -2.4,
    "could not care": -2.4,
    "couldn't agree more": 2.2,
    "could not agree more": 2.2,
    "not even": -1.4,
    "had enough": -2.4,
    "deal breaker": -3.0,
    "deal-breaker": -3.0,
    "dealbreaker": -3.0,
    "walk away": -3.0,
    "walking away": -3.0,
    "pull out": -2.4,
    "pull the plug": -3.0,
    "call off": -2.4,
    "off the table": -2.0,
    "losing patience": -3.0,
    "running out of": -2.0,
    "at risk": -1.8,
    "red flag": -2.2,
    "not what we agreed": -2.8,
    "still waiting": -1.6,
    "third time": -1.6,
    "again and again": -1.6,
    "last minute": -1.4,
    "bad faith": -3.2,
    "breach of trust": -3.0,
    "waste of time": -3.0,
    "don't waste": -2.4,
    "do not waste": -2.4,
    "out of the question": -2.6,
    "non-starter": -2.4,
    "cannot accept": -2.4,
    "can't accept": -2.4,
    "will not accept": -2.4,
    "no longer": -1.0,
    "fed up": -3.0,
    "let down": -2.2,
    "kicking the can": -1.8,
    "reconsider": -1.6,
}
"""Phrases are worth this whatever their words are worth."""


def _published() -> dict[str, float]:
    """VADER's words; its faces and abbreviations of chat are left out."""
    table = (files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    rated = (line.split("\t")[:2] for line in table.splitlines() if "\t" in line)
    return {word: float(valence) for word, valence in rated if _WORD.fullmatch(word)}


def _adapted() -> dict[str, float]:
    valences = _published()
    for word in _TERMS_OF_ART.split():
        valences.pop(word, None)
    valences.update({word: valence for valence, words in _BY_VALENCE.items() for word in words.split()})
    return valences


VALENCE: dict[str, float] = _adapted()

_BOOSTERS_TEXT = """
very really extremely deeply highly so incredibly truly completely totally absolutely utterly increasingly
seriously particularly most
"""
BOOSTERS: dict[str, float] = {
    **dict.fromkeys(
        _BOOSTERS_TEXT.split(),
        0.293,
    ),
    **dict.fromkeys(
        ["slightly", "somewhat", "bit", "little", "fairly", "partly", "marginally", "kind-of", "sort-of"], -0.293
    ),
}
_NEGATIONS_TEXT = """
not no never none neither nor cannot can't don't doesn't didn't isn't wasn't aren't weren't won't wouldn't
couldn't shouldn't haven't hasn't hadn't without hardly barely rarely cant dont
"""
NEGATIONS = frozenset(_NEGATIONS_TEXT.split())
