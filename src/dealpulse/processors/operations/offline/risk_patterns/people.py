"""Owners, key people, contractors and landlords."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import CONTRACT_LANGUAGE

PEOPLE = (
    RiskPattern(
        category=RiskCategory.related_party,
        severity=Severity.P2,
        action=Action.investigate,
        title="Dealings with the owner or the owner's relatives",
        why="They may not be at market terms and may end with the sale.",
        kind=Kind.fact,
        cues=(
            "related part",
            "related-part",
            "owned by",
            "controlled by",
            "affiliate",
            "brother",
            "sister",
            "wife",
            "husband",
            "spouse",
            "son ",
            "daughter",
            "family",
            "in-law",
            "cousin",
            "founder",
        ),
        says=either_order(
            r"\brelated[- ]part(?:y|ies)\b|\b(?:owned|controlled|held) (?:\w+ )?by (?:\w+ ){0,3}(?:the"
            r" )?(?:founders?|ceo|sellers?|chief|shareholders?"
            r"|directors?|mr|ms|mrs|dr|his|her|family|wife|husband|spouse|brother|sister|son|daughter|chairman"
            r"|president|principal)\b"
            r"|\b(?:brother|sister|wife|husband|spouse|son|daughter|family member|cousin|father"
            r"|mother)s?(?:-in-law)? of\b"
            r"|\b(?:founder|ceo|owner|seller|director|chairman|president|chief \w+ officer|\w+)'s (?:brother|sister"
            r"|wife|husband|spouse|son|daughter|family"
            r"|cousin|father|mother)\b",
            r"\bleas(?:es?|ed|ing)\b|\brent(?:s|al|ed)?\b|\bsuppl(?:y|ies|ied|ier)\b|\bpays?\b|\bpaid\b|\bloans?\b"
            r"|\blent\b|\bfees?\b|\bservices?\b"
            r"|\bpurchas\w+|\bconsult\w+|\babove[- ]market\b|\barm'?s[- ]length\b|\bpayroll\b|\btransactions?\b"
            r"|\binvoices?\b",
            150,
        ),
        unless=f"{CONTRACT_LANGUAGE}|shall not|stockholders? of record|beneficial\\w* own|tender offer"
        f"|family (?:leave|medical)",
    ),
    RiskPattern(
        category=RiskCategory.misclassification,
        severity=Severity.P2,
        action=Action.price,
        title="Contractors may count as employees",
        why="Back taxes, benefits and overtime may be due.",
        kind=Kind.fact,
        cues=("misclassif", "contractor", "freelance", "1099", "consultants", "reclassif"),
        says=r"\bmis-?classif\w+|"
        + either_order(
            r"\b(?:independent )?contractors?\b|\bfreelancers?\b|\b1099s?\b|\bconsultants\b",
            r"\bshould (?:be|have been) (?:classified|treated)|\breclassif\w+|\btreated as employees\b"
            r"|\bwork\w* (?:\w+ ){0,3}full[- ]time\b|\bset (?:hours|schedules?)\b|\bfixed hours"
            r"|\bexclusively for\b|\bcompany (?:equipment|laptops?|e-?mail)\b|\bsupervis(?:ed|ion) by\b|\bde facto\b"
            r"|\beconomic realit\w+|\babc test\b"
            r"|\bemployee status\b|\bir35\b",
            150,
        ),
        unless=f"{CONTRACT_LANGUAGE}|nothing in|\\bthe contractor\\b|general contractor|subcontractor",
    ),
    RiskPattern(
        category=RiskCategory.key_person,
        severity=Severity.P1,
        action=Action.structure,
        title="The business hangs on people who may leave",
        why="Retention has to be agreed before close.",
        kind=Kind.fact,
        cues=(
            "resign",
            "retire",
            "leav",
            "depart",
            "notice",
            "depend",
            "relian",
            "rely",
            "relies",
            "key man",
            "key-man",
            "key person",
            "key-person",
            "key employee",
            "only person",
            "only one",
            "only employee",
            "only engineer",
            "non-compete",
            "noncompete",
            "employment agreement",
            "at-will",
            "sole holder",
            "succession",
            "bus factor",
        ),
        says=r"\b(?:founders?|co-founders?|chief|ceo|cto|cfo|coo|ciso|head of|vice president|vp|director|lead"
        r"|principal|key (?:employees?|people|engineers?"
        r"|managers?|personnel|staff|executives?)|president|managing director|general manager"
        r"|architect)\b[^;]{0,110}\b(?:resigned|has resigned|tendered"
        r"|(?:intends?|plans?|expects?|wants?|wishes|intention|planning|intending) to (?:\w+ )?(?:leave|resign"
        r"|retire|depart|step down|exit)|(?:gave|given|handed in)"
        r" (?:\w+ )?notice|will (?:leave|depart|retire|step down|not (?:stay|remain|continue|transfer|join))"
        r"|is (?:leaving|retiring)|considering leaving"
        r"|(?:is|are|was|were) not (?:bound by|party to|subject to)|(?:has|have) not (?:signed"
        r"|agreed)[^;]{0,30}(?:employment|retention|non-?compet)"
        r"|(?:has|have) no (?:\w+ ){0,3}(?:employment agreement|non-?compete|retention|contract|restrictive)"
        r"|without (?:an? |any )?(?:\w+ )?(?:employment agreement|non-?compete|retention))"
        r"|\b(?:neither|none|not one) of\b[^;]{0,40}\b(?:founders?|developers?|engineers?|managers?|executives?"
        r"|directors?|partners?|people)\b[^;]{0,40}\b(?:has|have|is|are)"
        r"\b[^;]{0,40}\b(?:retention|non-?compet\w+|employment (?:agreement|contract))"
        r"|\b(?:depend(?:s|ent|ence|ency)?|relian(?:t|ce)|rel(?:y"
        r"|ies))\b (?:\w+ ){0,2}(?:up)?on\b[^;]{0,60}\b(?:founders?|mr\.|ms\.|mrs\.|dr\.|ceo|cto|key (?:person"
        r"|employees?|man|individuals?|people)|personal relationships?|one (?:person|engineer|individual|developer)"
        r"|two (?:people|engineers|individuals|developers))"
        r"|\bonly (?:\w+ )?(?:person|engineer|employee|individual|developer|one)\b[^;]{0,50}\b(?:who|with|able"
        r"|understands?|knows)\b"
        r"|\bkey[- ](?:man|person) (?:risk|depend\w+|exposure)|\bsole holder of\b[^;]{0,40}knowledge"
        r"|\bno succession plan\b",
        unless=f"{CONTRACT_LANGUAGE}|\\bexecutive\\b|retired in|leave of absence|maternity|notice of (?:termination"
        f"|meeting)|reasonably rely|board of directors"
        r"|good reason|relied|lease",
    ),
    RiskPattern(
        category=RiskCategory.real_estate,
        severity=Severity.P2,
        action=Action.investigate,
        title="The right to use a site is not secure",
        why="Moving a site costs money and time, and may stop operations.",
        kind=Kind.fact,
        cues=(
            "lease",
            "landlord",
            "tenan",
            "premises",
            "zoning",
            "holdover",
            "month-to-month",
            "month to month",
            "dilapidation",
            "evict",
            "lessor",
        ),
        says=r"\b(?:holdover|holding over)\b[^;]{0,80}\b(?:lease|tenan\w+|since|rent|basis)|\b(?:lease|tenancy"
        r"|premises|facility)\b[^;]{0,100}\b(?:holdover"
        r"|month[- ]to[- ]month)|\bmonth[- ]to[- ]month (?:\w+ )?(?:tenancy|lease|basis|occupancy)\b|\b(?:lease"
        r"|tenancy)\b[^;]{0,100}\b(?:month[- ]to[- ]month)"
        r"|\b(?:lease|tenancy)\b[^;]{0,120}\b(?:no (?:renewal|option|extension)|not (?:be )?renew\w*|expired"
        r"|without (?:a |an )?(?:renewal|option)|in default"
        r"|cannot be renewed)\b"
        r"|\blandlord\b[^;]{0,100}(?:\b(?:may|can|intends?|plans?)\b[^;]{0,60}\b(?:terminat\w+|redevelop\w*"
        r"|demolish)\b|\bhas (?:given|served|declined|refused|indicated)\b"
        r"[^;]{0,60}\b(?:notice|renew\w*|vacate|sell|terminat\w+|redevelop\w*))"
        r"|\b(?:rent|lease) (?:\w+ )?arrears\b|\bzoning (?:violation|non-?conform\w+|does not)"
        r"|\bdilapidations?\b[^;]{0,80}\d|\bnotice (?:of default|to quit|to vacate)\b",
        unless=f"{CONTRACT_LANGUAGE}|executive|software|capital lease",
    ),
)
