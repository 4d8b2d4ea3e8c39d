"""The daily brief's opening prose. Everything else in a brief is laid out by code."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Material, Question
from dealpulse.processors.brief_facts import BriefFacts
from dealpulse.processors.brief_prose import told
from dealpulse.processors.operations.instructions import instructions
from dealpulse.processors.operations.offline.briefs import brief
from dealpulse.processors.operations.schemas import BriefAnswer

VERSION = "2"

_INSTRUCTIONS = """\
Write the opening of today's brief for the buyer's deal team: a headline, and three to six plain sentences. The facts
are given as JSON and were counted by a program. Use only these; add no number, name or date of your own, count nothing
yourself, and give no advice. Begin with what changed, then the worst risks, then who is waited for and since when.
End each sentence about a risk, a blocker or the tone of an organisation with its reference from the facts in square
brackets, like [3]; the headline has none. No links and no markup. A program checks every number and every reference,
and discards the whole where one is wrong."""


def brief_question(facts: BriefFacts) -> Question[BriefAnswer]:
    """Headline and summary; :func:`dealpulse.processors.brief_prose.fault` says whether they may be used."""
    return Question(
        operation="brief.summary",
        version=VERSION,
        instructions=instructions(_INSTRUCTIONS),
        material=(Material(label="the facts of the brief", text=told(facts)),),
        schema=BriefAnswer,
        offline=partial(brief, facts),
        max_tokens=1_500,
    )
