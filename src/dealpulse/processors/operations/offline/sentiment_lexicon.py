"""Words and how they feel, -4 to 4, as deal people use them.

Terms of art are absent on purpose: security, trust, interest, default, termination, liability, claim, damages, grant,
defence and the like name things in a deal and tell no feeling.
"""

_BY_VALENCE: dict[float, str] = {
    3.2: "fantastic excellent outstanding thrilled delighted superb wonderful brilliant amazing awesome love loved",
    2.6: "great excited perfect terrific impressed impressive happy congratulations congrats proud best enjoyed enjoy",
    2.0: "pleased glad good appreciate appreciated appreciative enthusiastic encouraging encouraged optimistic"
    " confident cheers kudos luv joy grateful thankful"
    " celebrate beautiful fun laugh smile nice success successful kind",
    1.5: "constructive productive helpful smooth smoothly comfortable promising positive progress thanks thank"
    " welcome supportive reassuring reassured win collaborative"
    " cooperative responsive hope hopeful eager interesting valuable better resolved solved agreed friendly strong",
    0.9: "fine ready ok okay aligned ahead reasonable fair works sorted cleared finalized finalised"
    " easy easily useful on-track looking-forward pleasure",
    -0.8: "unfortunately late missing unclear slow slower unanswered outstanding-issue"
    " chase chasing reminder unresolved however overdue tight unsure postponed",
    -1.4: "concern concerned concerns concerning worry worried worries problem problems issue difficult difficulty"
    " stuck stalled delay delays delayed behind lack lacks"
    " confused confusing unhappy sorry regret hesitant reluctant doubt doubts doubtful trouble sad tired miss",
    -2.0: "disappointed disappointing disappointment frustrated frustrating frustration"
    " poor bad badly surprised-negatively unacceptable-delay reject rejected refuse"
    " refused refuses refusing wrong fail failed failing failure pushback dispute disputed alarmed alarming"
    " uncomfortable disagree waste wasted nonsense stalling worse"
    " unwilling unreasonable blindsided misled misleading annoyed annoying upset pain painful blocked"
    " blocking hurt lost losing threatening threaten threatened",
    -2.7: "unacceptable angry furious terrible awful horrible outrageous ridiculous untenable appalled appalling"
    " insulting worst dishonest disaster disgusted breach-of-trust"
    " hate hated stupid crap damn hell lied lying liar betrayed disgrace inexcusable shocked mess",
}
VALENCE: dict[str, float] = {word: valence for valence, words in _BY_VALENCE.items() for word in words.split()}

PHRASES: dict[str, float] = {
    "look forward": 1.2,
    "looking forward": 1.4,
    "on track": 1.5,
    "good faith": 0.0,
    "best efforts": 0.0,
    "best endeavours": 0.0,
    "best regards": 0.3,
    "kind regards": 0.3,
    "best wishes": 0.6,
    "fair market": 0.0,
    "fair value": 0.0,
    "good reason": 0.0,
    "good standing": 0.0,
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
    "waste of time": -3.0,
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
