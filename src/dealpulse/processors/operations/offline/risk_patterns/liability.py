"""What a contract makes the company answer for, and the conditions of the deal's own agreement."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import DEFINES, NEUTRAL

LIABILITY = (
    RiskPattern(
        category=RiskCategory.liability_cap,
        severity=Severity.P1,
        action=Action.price,
        title="Liability without a cap",
        why="One claim under this contract can exceed everything earned with it.",
        kind=Kind.term,
        cues=("liab",),
        says=r"\b(?:unlimited|uncapped) liabilit|liabilit(?:y|ies)\b[^;]{0,100}\b(?:shall be|is|are|will be|remains?"
        r"|be) (?:\w+ )?"
        r"(?:unlimited|uncapped|without (?:any )?(?:limit|cap))|liabilit(?:y|ies)\b[^;]{0,60}\b(?:shall|will|is"
        r"|are) not (?:be )?"
        r"(?:subject to any (?:cap|limit)|limited|capped)|\b(?:no|without any) (?:cap|limit|limitation"
        r"|monetary limit|ceiling)\b"
        r"[^;]{0,30}\b(?:on|to|of)\b[^;]{0,40}liabilit|not contain (?:a |any )?(?:cap|limit\w*) (?:on"
        r"|of) (?:\w+ )?liabilit",
        unless=f"{NEUTRAL}|death|personal injury|fraud|gross negligence|wil(?:l)?ful|by law|limited liability company"
        r"|guarant|shareholder",
    ),
    RiskPattern(
        category=RiskCategory.indemnification,
        severity=Severity.P2,
        action=Action.price,
        title="A broad or uncapped indemnity",
        why="The indemnity is not limited in amount or by fault.",
        kind=Kind.term,
        cues=("indemn",),
        says=either_order(
            r"\bindemni(?:f\w+|t\w+)",
            r"without (?:any )?(?:limit(?:ation)? (?:in|as to|of) amount|cap|limit\b)|\bunlimited\b|\buncapped\b"
            r"|not (?:be )?(?:subject to|limited by|capped|limited to)\b[^;]{0,60}(?:\bcap\b|limit|insurance"
            r"|any amount)"
            r"|regardless of (?:fault|negligence|cause|whether)|whether or not (?:\w+ ){0,4}(?:negligen|fault)"
            r"|even if (?:\w+ ){0,6}negligen|including (?:the )?(?:sole )?negligence of"
            r"|on an after-tax basis|first[- ]dollar",
            240,
        ),
        unless=f"{DEFINES}|shall not be required to indemnify|effective time|no indemnit",
    ),
    RiskPattern(
        category=RiskCategory.indemnification,
        severity=Severity.P2,
        action=Action.structure,
        title="Recourse to the seller is limited",
        why="What the buyer can recover after close is capped or ends early.",
        kind=Kind.term,
        cues=("indemn", "survive"),
        says=r"\bindemnif\w+[^;]{0,160}(?:shall not exceed|limited to|not to exceed|maximum (?:aggregate )?(?:amount"
        r"|liability))"
        r"[^;]{0,80}(?:\d|percent|purchase price)[^;]{0,120}"
        r"|representations and warranties[^;]{0,80}(?:shall |will )?(?:not survive|terminate (?:at|upon"
        r"|as of) (?:the )?(?:closing"
        r"|effective))",
        unless=DEFINES,
    ),
    RiskPattern(
        category=RiskCategory.warranty,
        severity=Severity.P2,
        action=Action.price,
        title="Long or costly warranty promises",
        why="Warranty work promised in the past is paid for by the buyer.",
        kind=Kind.term,
        cues=("warrant",),
        says=r"\b(?:lifetime|perpetual|extended|unlimited|unconditional) (?:\w+ ){0,2}warrant(?:y|ies)\b"
        r"|\bwarrant(?:s|y|ies)?\b[^;]{0,140}\b(?:for|of) (?:a )?(?:period of )?(?:five|six|seven|eight|ten|twelve"
        r"|fifteen|twenty"
        r"|[5-9]|1\d|2\d)[ -](?:\(\d+\) )?years?"
        r"|\bwarranty (?:claims?|costs?|returns?|expense)\b[^;]{0,80}\b(?:increas\w+|rose|doubled|tripled|exceed\w*"
        r"|outpac\w+|spike)"
        r"|\bwarranty (?:reserve|provision|accrual)\b[^;]{0,80}(?:insufficient|inadequate|understated|does not cover"
        r"|below|exhausted)",
        unless=f"{NEUTRAL}|no (?:extended|lifetime)|disclaim|surviv|not (?:increas|exceed)",
    ),
)

DEAL_TERMS = (
    RiskPattern(
        category=RiskCategory.mac,
        severity=Severity.P3,
        action=Action.structure,
        title="A material adverse change is a way out",
        why="The other side need not close or lend, or may dispute that it has to.",
        kind=Kind.term,
        cues=("material adverse",),
        says=r"(?:shall|will|must) not have (?:occurred|been|suffered)[^;]{0,160}material adverse (?:effect|change)"
        r"|\bno\b[^;]{0,60}material adverse (?:effect|change)[^;]{0,40}shall have (?:occurred|been)"
        r"|\bthere (?:shall|will) have been (?:\([a-z]\) )?no\b[^;]{0,240}material adverse (?:effect|change)"
        r"|material adverse (?:effect|change)[^;]{0,160}(?:not (?:be )?(?:obligated|obliged|required) to (?:close"
        r"|consummate|complete)"
        r"|(?:may|right to|entitled to) (?:\w+ ){0,3}(?:terminate|withdraw|refuse))",
        unless=rf"{DEFINES}|\bsubcontractor\b",
    ),
    RiskPattern(
        category=RiskCategory.timeline,
        severity=Severity.P3,
        action=Action.structure,
        title="The agreement can be ended if the deal has not closed by a date",
        why="Approvals and conditions have to be met before the outside date.",
        kind=Kind.term,
        cues=("been consummated", "occurred on or", "outside date", "long stop", "longstop", "end date", "drop dead"),
        says=r"(?:not (?:have )?(?:been consummated|occurred|been completed|closed|taken place))[^;]{0,60}(?:on"
        r" or before|on or prior to"
        r"|by|prior to)\b[^;]{0,80}(?:date|20\d\d)",
        unless=DEFINES,
    ),
    RiskPattern(
        category=RiskCategory.antitrust,
        severity=Severity.P2,
        action=Action.structure,
        title="Closing needs merger clearance",
        why="The clearance sets the timetable, and the agreement says who bears the risk that it fails.",
        kind=Kind.term,
        cues=("waiting period",),
        says=r"\bwaiting periods?\b[^;]{0,120}\b(?:hsr|antitrust|competition|hart-scott)\b[^;]{0,160}\bshall"
        r" have (?:\w+ )?(?:expired|been terminated)",
    ),
)
