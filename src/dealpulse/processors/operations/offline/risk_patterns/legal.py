"""Claims and regulators, as facts."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import PERMITTED_WITHOUT, TERM_OF_CONTRACT

_LAWSUIT = (
    r"(?:law)?suits?|complaints?|class actions?|arbitrations?|proceedings?|legal actions?|litigation"
    r"|petitions?|writs?|claims?|eeoc charges?"
)

LITIGATION = (
    RiskPattern(
        category=RiskCategory.litigation,
        severity=Severity.P1,
        action=Action.investigate,
        title="A claim is pending or threatened",
        why="Its outcome, cost and insurance cover have to be known, and an indemnity considered.",
        kind=Kind.fact,
        cues=(
            "suit",
            "sue",
            "charge",
            "complaint",
            "action",
            "arbitration",
            "proceeding",
            "litigation",
            "claim",
            "petition",
            "writ",
        ),
        says=r"\b(?:filed|commenced|brought|initiated|served|instituted|lodged|issued)\b[^;]{0,70}"
        rf"\b(?:{_LAWSUIT})\b[^;]{{0,120}}\b(?:against|court|tribunal|alleging|claiming|seeking|arising"
        rf"|aaa|jams|icc"
        rf"|for)\b"
        rf"|\b(?:{_LAWSUIT})\b[^;]{{0,90}}\b(?:was|were|has been|have been|is|are|remains?)\b (?:\w+ ){{0,2}}"
        r"(?:filed|pending|ongoing|commenced|served|threatened|brought|instituted|lodged|scheduled|set for)\b"
        rf"|\b(?:{_LAWSUIT})\b[^;]{{0,12}}\b(?:filed|issued|brought|pending|lodged) (?:in|before|at"
        rf"|with) the\b[^;]{{0,40}}\b(?:court|tribunal|commission|board)\b"
        rf"|\bpending\b[^;]{{0,30}}\b(?:{_LAWSUIT})\b[^;]{{0,120}}\b(?:against|by|court|alleg\w+|seek\w*|brought"
        rf"|involving|with)\b"
        rf"|\bdefend(?:ing|s|ant)\b[^;]{{0,60}}\b(?:{_LAWSUIT})\b"
        rf"|\bthreaten(?:s|ed|ing)\b[^;]{{0,60}}\b(?:{_LAWSUIT}|sue|to sue)\b",
        unless=f"{TERM_OF_CONTRACT}|bankruptcy proceeding|shall be|\\bany (?:claim|suit|action|proceeding)"
        r"|patent application|registration statement|proxy|annual report|form (?:8|10)-"
        r"|insurance claims? (?:process"
        r"|handl)"
        r"|claims? (?:administrat|process|manag|handl|adjust)|warranty claims?\b|statement of claims?",
    ),
    RiskPattern(
        category=RiskCategory.litigation,
        severity=Severity.P1,
        action=Action.investigate,
        title="Somebody alleges wrongdoing",
        why="The allegation may become a claim or already be one.",
        kind=Kind.fact,
        cues=("alleg", "demand", "seek", "plaintiff", "damages", "exposure", "defendant"),
        says=r"\balleg(?:es|ing|ed|ations?)\b[^;]{0,120}\b(?:breach\w*|infring\w*|discriminat\w*|negligen\w*"
        r"|fraud\w*|harass\w*"
        r"|misappropriat\w*|violat\w*|wrongful\w*|retaliat\w*|unpaid|defect\w*|misrepresent\w*"
        r"|non-?payment|failure)"
        r"|\b(?:demand letter|letter before action|letter of claim|notice of (?:claim|dispute|arbitration)"
        r"|cease[- ]and[- ]desist)\b"
        r"[^;]{0,80}\b(?:received|from|dated|sent|alleging|on|by)\b"
        r"|\b(?:received|sent|served)\b[^;]{0,40}\b(?:demand letter|letter before action|letter of claim"
        r"|cease[- ]and[- ]desist"
        r"|notice of (?:claim|dispute|arbitration))"
        r"|\b(?:seeks?|seeking|demand(?:s|ed|ing)|claims?|claiming)\b[^;]{0,60}(?:\bdamages\b|\binjuncti\w+"
        r"|\bcompensation of\b"
        r"|\b(?:\$|usd|eur|gbp|£|€) ?\d[^;]{0,40}\b(?:damages|breach|compensation))"
        r"|\bplaintiffs?\b[^;]{0,80}\b(?:seeks?|alleges?|claims?|filed|demands?)\b"
        r"|\bcounsel\b[^;]{0,60}\b(?:estimates?|believes?|considers?|assess\w*|puts?|advises?"
        r"|views?)\b[^;]{0,100}\b(?:exposure|loss"
        r"|probable|adverse|range of|likely)\b",
        unless=f"{TERM_OF_CONTRACT}|\\bany (?:claim|alleg)",
    ),
)

REGULATORY = (
    RiskPattern(
        category=RiskCategory.antitrust,
        severity=Severity.P1,
        action=Action.structure,
        title="Merger control may delay or change the deal",
        why="A deeper review adds months and can end in remedies: plan the outside date and who bears the risk.",
        kind=Kind.fact,
        cues=(
            "second request",
            "antitrust",
            "competition",
            "merger control",
            "market share",
            "ftc",
            "hsr",
            "cma",
            "phase",
        ),
        says=r"\bsecond request\b[^;]{0,80}\b(?:issued|received|likely|expected|risk|probable|possible)|\b(?:issued"
        r"|received|expects?"
        r"|expecting|anticipates?)\b[^;]{0,30}\bsecond request"
        r"|\b(?:ftc|doj|federal trade commission|antitrust division|european commission|cma|bundeskartellamt|accc"
        r"|competition"
        r" (?:authority|commission|bureau|regulator)|antitrust (?:agency|authorit\w+"
        r"|counsel))\b[^;]{0,140}\b(?:in-depth|phase (?:2|ii|two)"
        r"|concerns?|overlaps?|remed(?:y|ies)|divest\w*|challeng\w+|block\w*|opposed?|investigat\w+)\b"
        r"|\bcombined (?:\w+ )?(?:market )?share\b[^;]{0,60}(?:exceed|above|of|over|reach)[^;]{0,30}\d{2}(?:\.\d+)?"
        r" ?(?:%|percent)"
        r"|\b(?:antitrust|merger control|competition law) (?:\w+ )?(?:risk|concern|issue"
        r"|clearance)s?\b[^;]{0,80}\b(?:overlap|divest\w*"
        r"|delay\w*|remed\w+|not (?:yet )?(?:been )?(?:obtained|received)|significant|material|likely)",
        unless=TERM_OF_CONTRACT,
    ),
    RiskPattern(
        category=RiskCategory.sanctions,
        severity=Severity.P1,
        action=Action.investigate,
        title="Sanctions, export or corruption exposure",
        why="Liability passes to the buyer and can be criminal: investigate before signing.",
        kind=Kind.fact,
        cues=(
            "ofac",
            "sanction",
            "embargo",
            "export control",
            "specially designated",
            "denied part",
            "fcpa",
            "brib",
            "export lic",
            "facilitation",
            "kickback",
        ),
        says=either_order(
            r"\bofac\b|\bsanction(?:s|ed)\b|\bembargo\w*|\bexport (?:control|licen[cs]e)s?|\bspecially designated"
            r"|\bdenied part\w+"
            r"|\bfcpa\b|\bbrib\w+|facilitation payment|kickbacks?",
            r"\biran\w*|\bsyria\w*|\bcuba\w*|\bcrimea\w*|\bnorth korea\w*|\brussia\w*|\bbelarus\w*|\bvenezuela\w*"
            r"|\bshipments?\b"
            r"|\bshipped\b|\bsold\b|\bviolat\w+|\bvoluntary (?:self-)?disclosure|\binvestigat\w+|\bpaid\b"
            r"|\bpayments? (?:to|made)"
            r"|\bwithout (?:a |an |the )?(?:\w+ )?licen[cs]e|\bred flags?|\bscreen(?:ed|ing)\b",
            140,
        ),
        unless=f"{TERM_OF_CONTRACT}|{PERMITTED_WITHOUT}|court sanctions?|sanctioned by the (?:court"
        f"|board)|in compliance with|complied",
    ),
    RiskPattern(
        category=RiskCategory.regulatory,
        severity=Severity.P1,
        action=Action.investigate,
        title="A regulator has acted, or a licence is not in order",
        why="The business may be fined, restricted or unable to operate after close.",
        kind=Kind.fact,
        cues=(
            "notice of",
            "warning letter",
            "consent decree",
            "consent order",
            "enforcement",
            "subpoena",
            "civil investigative",
            "show cause",
            "483",
            "licen",
            "permit",
            "registration",
            "authoris",
            "authoriz",
            "certificat",
            "approval",
            "investigation",
            "inquiry",
            "regulator",
        ),
        says=either_order(
            r"notices? of (?:\w+ )?(?:violation|non-?compliance|deficiency|proposed penalty)|warning letters?"
            r"|consent (?:decree|order)"
            r"|enforcement (?:action|notice|proceeding)|subpoena|civil investigative demand|show[- ]cause|form 483"
            r"|inspection finding"
            r"|cease[- ]and[- ]desist order",
            r"\breceived\b|\bissued\b|\bentered into\b|\bsubject to\b|\bserved\b|\bopen\b|\boutstanding\b"
            r"|\bpending\b|\bfrom the\b",
            90,
        )
        + r"|\b(?:licen[cs]es?|permits?|registrations?|authori[sz]ations?|certifications?"
        r"|certificates?)\b[^;]{0,80}\b(?:has|have|had|is|are"
        r"|was|were) (?:\w+ ){0,2}(?:expired|lapsed|revoked|suspended|not (?:been )?(?:renewed|obtained|transferred"
        r"|transferable|in place))"
        r"|\b(?:licen[cs]e|permit|registration|authori[sz]ation|certification)s? (?:expired|lapsed)\b"
        r"|\b(?:operat|sell|sold|market|distribut|export"
        r"|practi[sc])\w*\b[^;]{0,60}\bwithout\b[^;]{0,30}\b(?:licen[cs]e|permit|registration|authori[sz]ation"
        r"|approval|certification|clearance)"
        r"|\b(?:under|subject of|subject to|opened|launched|facing)\b[^;]{0,30}\b(?:investigation"
        r"|inquiry)\b[^;]{0,40}\bby\b"
        r"|\b(?:regulator|agency|commission|authority|department|sec|fda|ftc|fca|finra|osha|epa"
        r"|attorney general)\b[^;]{0,40}"
        r"\b(?:opened|launched|commenced|began|is conducting)\b[^;]{0,30}\b(?:investigation|inquiry|examination"
        r"|review)",
        unless=f"{TERM_OF_CONTRACT}|{PERMITTED_WITHOUT}|\\btax\\b|lease|patent|copyright|insurance|driver'?s? licen"
        f"|software licen[cs]es? (?:expired|lapsed)"
        r"|withholding|regulatory approvals? (?:has|have) been",
    ),
)
