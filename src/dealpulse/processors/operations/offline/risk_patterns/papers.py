"""The data room's own papers: missing, unsigned, contradictory, late."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern
from dealpulse.processors.operations.offline.risk_patterns.wording import CONTRACT_LANGUAGE

PAPERS = (
    RiskPattern(
        category=RiskCategory.document_integrity,
        severity=Severity.P2,
        action=Action.investigate,
        title="The copy is unsigned, undated or incomplete",
        why="Terms cannot be relied on before the executed version is seen.",
        kind=Kind.term,
        cues=(
            "unsigned",
            "signed",
            "executed",
            "signature",
            "pages are missing",
            "page is missing",
            "illegible",
            "backdated",
            "___",
        ),
        says=r"\b(?:copy|version|agreement|contract|amendment|lease|minutes|document|licen[cs]e|addendum"
        r"|side letter)s?\b[^;]{0,60}\b(?:is|are|was|were"
        r"|remains?) (?:\w+ )?(?:unsigned|undated|illegible|not (?:been )?(?:signed|executed|countersigned))\b"
        r"|\bunsigned (?:copy|copies|version|draft)|\bsignature pages? (?:is|are|was|were) (?:missing|not)"
        r"|\bpages? \w+(?: (?:to|and|through) \w+)? (?:is|are)"
        r" missing\b|\bbackdated\b|\bnever (?:been )?(?:signed|executed|countersigned) by\b"
        r"|\b(?:this|the|as of|dated(?: as of)?) _{3,} ?(?:day of|,|20)|\bmade (?:as of |on )?(?:this |the )?_{3,}"
        r"|_{3,} day of",
        unless=r"\bshall\b|\bif\b|assignment of inventions|invention|intellectual|\backnowledged before me\b"
        r"|\bpersonally appeared\b|\bborrowing request"
        r"|\b(?:this|following) (?:notice|request|quote|certificate|invitation)\b"
        r"|\bin response to\b|\bproject manual\b|\bmoney market\b|\bcompliance certificate\b|\bproceeds of the loan",
    ),
    RiskPattern(
        category=RiskCategory.contradiction,
        severity=Severity.P2,
        action=Action.investigate,
        title="Figures or documents disagree",
        why="One of them is wrong: find out which before relying on either.",
        kind=Kind.fact,
        cues=(
            "inconsisten",
            "contradict",
            "does not match",
            "do not match",
            "does not agree",
            "do not agree with",
            "reconcile",
            "does not tie",
            "do not tie",
            "discrepan",
            "conflicts with",
            "differs from",
        ),
        says=r"\b(?:is|are|was|were|appears?) inconsistent with\b|\bcontradicts?\b|\bdo(?:es)? not (?:match"
        r"|agree (?:to|with)|reconcile|tie (?:out|to)?)\b"
        r"|\b(?:cannot|could not|unable to) (?:be )?reconciled?\b|\bdiscrepanc(?:y|ies)\b[^;]{0,100}\b(?:between|of"
        r"|found|identified|noted|in)\b"
        r"|\bdiffers? from\b[^;]{0,80}\b(?:figure|amount|schedule|data room|reported|stated|financial)",
        unless=r"\bthis agreement\b|\bconflict of\b|applicable law|\bin the event\b|terms and conditions"
        r"|\breconcile differences",
    ),
    RiskPattern(
        category=RiskCategory.missing_document,
        severity=Severity.P2,
        action=Action.investigate,
        title="A document is missing",
        why="Ask the company for it: what it says is not known.",
        kind=Kind.term,
        cues=(
            "provided",
            "uploaded",
            "supplied",
            "locate",
            "made available",
            "missing",
            "attached]",
            "inserted]",
            "completed]",
            "to come]",
            "furnished",
            "produced",
            "not in the data room",
            "not been found",
        ),
        says=r"\b(?:schedules?|exhibits?|agreements?|contracts?|cop(?:y|ies)|documents?|records|minutes"
        r"|certificates?|leases?|annex(?:es)?|appendi(?:x|ces)"
        r"|amendments?|statements?|reports?|side letters?|polic(?:y|ies)|workpapers|files?)\b[^;]{0,90}\b(?:(?:has"
        r"|have|had|was|were|is|are) (?:not|never) (?:\w+ ){0,2}"
        r"(?:provided|uploaded|supplied|located|furnished|made available|produced|in the data room|found)"
        r"|(?:could not|cannot) be (?:located|found|produced)"
        r"|(?:is|are|remains?) (?:still )?missing)\b"
        r"|\b(?:unable to|could not|cannot|can't|couldn't) (?:locate|find|produce)\b[^;]{0,80}\b(?:schedule|exhibit"
        r"|agreement|contract|cop(?:y|ies)|documents?|records?"
        r"|minutes|certificate|lease|amendment|original|signed|executed)"
        r"|\bnot (?:yet )?(?:been )?(?:in|uploaded to|placed in|provided in) the data ?room\b"
        r"|\[(?:to be (?:attached|provided|inserted|completed|supplied)|to come)\]",
        unless=r"\bshall\b|\bif\b|\bany\b|\bexcept\b|\bmay\b|\bhereunder\b|\bunless\b|third[- ]part(?:y|ies) site"
        r"|no documents? (?:is|are)",
    ),
    RiskPattern(
        category=RiskCategory.timeline,
        severity=Severity.P2,
        action=Action.structure,
        title="Something will not be ready in time",
        why="The date of signing or closing depends on it.",
        kind=Kind.fact,
        cues=("closing", "signing", "completion", "delay", "slip", "postpone", "until", "migration"),
        says=r"\b(?:the )?(?:target(?:ed)? )?(?:closing|signing|completion) (?:date )?(?:is|has|have|will|may|cannot"
        r"|has been|is now|now)\b[^;]{0,50}\b(?:delayed|slip(?:ped|s)?"
        r"|postponed|at risk|not (?:achievable|realistic|feasible)|pushed|unrealistic)\b"
        r"|\b(?:delay|slip|postpone|push)\w*\b[^;]{0,40}\b(?:the )?(?:closing|signing|completion date)\b",
        unless=f"{CONTRACT_LANGUAGE}|\\bdelay in closing costs|closing price|\\bwithout delay\\b"
        f"|closing of (?:the )?(?:stores?|market)",
    ),
)

MISSING_AND_UNSIGNED = tuple(
    pattern
    for pattern in PAPERS
    if pattern.category in (RiskCategory.missing_document, RiskCategory.document_integrity)
)
