"""Owners, key people, contractors and landlords."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import CONTRACT_LANGUAGE

_OWNER = (
    r"(?:chief \w+(?: \w+)? officers?|ceo|cfo|cto|coo|founders?|co-founders?|founding \w+|directors?"
    r"|officers?|shareholders?"
    r"|stockholders?|chair(?:man|woman|person)?|president|managing director|general manager|seller"
    r"|vendor's owner|owner"
    r"|principal|executives?|family|wife|husband|spouse|brother|sister|son|daughter|father|mother|cousin"
    r"|in-law|relatives?)"
)
_COUNTERPARTY = (
    r"\b(?:landlord|lessor|supplier|vendor|customer|distributor|contractor|subcontractor|agency|premises"
    r"|building|warehouse"
    r"|property|plant|office|site|lender|reseller|service provider|logistics|rent(?:s|ed)?|leas(?:es?|ed)"
    r"|suppl(?:y|ies|ied))\b"
)
_BELONGS = (
    r"\b(?:owned|held|controlled|majority-owned|wholly-owned)\b[^;]{0,40}?\bby\b|\b(?:belongs|belonging) to\b"
    r"|\bwhose (?:sole |only |majority |managing |principal |ultimate )*(?:members?|owners?|shareholders?"
    r"|stockholders?"
    r"|beneficiar(?:y|ies)|partners?)\b"
    r"|\bin which\b|\b(?:interest|stake|shareholding)s? (?:is |are )?held by\b|\b(?:entity|company"
    r"|vehicle|affiliate) of\b"
)
_RELATIVE_OWNS = (
    r"\b(?:founder|ceo|cfo|cto|owner|seller|director|chairman|president|officer)(?:'s"
    r"|s') (?:\w+ )?(?:brother|sister|wife"
    r"|husband|spouse|son|daughter|family|cousin|father|mother|trust"
    r"|holding company)\b[^;]{0,40}\b(?:owns|controls|holds|runs)\b"
)
_WHO_IS_CONNECTED = rf"[^;]{{0,90}}?\b{_OWNER}\b"

_LEAVE = (
    r"(?:leav(?:e|es|ing)\b(?! (?:it|this|that|open|room|blank|behind|the (?:price|terms|office|matter"
    r"|room|door|decision)))"
    r"|step(?:s|ping)? (?:down|back|aside|away)|stand(?:s|ing)? down|retir(?:e|es|ing|ement)\b|depart(?:s"
    r"|ing|ure)?\b"
    r"|mov(?:e|es|ing) on\b|resign(?:s|ing|ation)?\b|quit(?:s|ting)?\b|exit(?:s|ing)?\b"
    r"|go(?:ing)?(?= within| after| once"
    r"| when| by)|pursu(?:e|ing) (?:other|new|another)|hand(?:ing)? over|bow(?:ing)? out"
    r"|withdraw from (?:the )?(?:business"
    r"|company|day))"
)
_MEANS_TO = (
    r"(?:intends?|means|meant|plans?|expects?|expected|wants?|wishes|hopes|aims|would (?:like|prefer)"
    r"|prefers|has decided|decided"
    r"|is (?:planning|looking|minded|likely|set|due|preparing|about|going)|intending|planning|proposes"
    r"|intention|desire|wish"
    r"|will|would|to|does not intend|not intend)"
)
_TOLD = (
    r"(?:told|informed|advised|indicated|announced|signal(?:l)?ed|notified|mentioned|confirmed"
    r"|made (?:it )?(?:clear|known|plain)"
    r"|said|says|confided|let (?:it be|us|the board|management) know\w*|disclosed|communicated|stated|hinted)"
)
_AFTER_THE_DEAL = (
    r"(?:clos(?:e|ing)|completion|the (?:sale|transaction|deal|acquisition|merger|takeover|handover)"
    r"|earn-?out|post-(?:closing"
    r"|close|deal|completion|acquisition)|(?:months?|years?) (?:of|after|from|following|post))\b"
)
_ROLE = (
    r"(?:founders?|co-founders?|chief \w+|ceo|cto|cfo|coo|cro|cio|ciso|head of|vice president|vp"
    r"|directors?|lead|principal"
    r"|president|managing director|general manager|architect|engineer|scientist|partner|key (?:employee"
    r"|engineer|manager)"
    r"|chair(?:man|woman)?|executive|inventor)"
)

_STAYS = (
    rf"\b(?:no (?:\w+ )?(?:plans?|intentions?|wish|desire)|(?:not|n't|never"
    rf"|nor)(?: currently)? (?:\w+ ){{0,2}}?(?:plan\w*|intend\w*"
    rf"|expect\w*|mean|want\w*|wish\w*|going|consider\w*)) (?:to |on )?(?:\w+ )?{_LEAVE}"
)

_WANTS_TO_LEAVE = RiskPattern(
    category=RiskCategory.key_person,
    severity=Severity.P1,
    action=Action.structure,
    title="Somebody the business needs means to leave",
    why="Know-how and relationships go with the person: agree retention and a hand-over before close.",
    kind=Kind.fact,
    strength=2,
    cues=(
        "leav",
        "step",
        "stand",
        "retir",
        "depart",
        "mov",
        "resign",
        "quit",
        "exit",
        " go ",
        "pursu",
        "hand",
        "stay",
        "remain",
    ),
    says=rf"\b{_ROLE}\b[^;]{{0,140}}?\b{_MEANS_TO}\b[^;]{{0,30}}?\b{_LEAVE}"
    rf"|\b{_ROLE}\b[^;]{{0,50}}?\b(?:leaving|retiring|departing|departure|stepping down|moving on"
    rf"|retirement|exits?|leaves"
    rf"|retires|departs|steps down)\b[^;]{{0,60}}?\b(?:{_AFTER_THE_DEAL}|expected|announced|planned"
    rf"|imminent|no successor|in \d+|by)"
    rf"|\b(?:{_MEANS_TO}|has|have)\b[^;]{{0,30}}?\b{_LEAVE}[^;]{{0,90}}?\b{_AFTER_THE_DEAL}"
    rf"|\b{_AFTER_THE_DEAL}[^;]{{0,60}}?\b(?:he|she|they)\b[^;]{{0,20}}?\b{_MEANS_TO}\b[^;]{{0,30}}?\b{_LEAVE}"
    rf"|\b{_TOLD}\b[^;]{{0,120}}?\b(?:he|she|they|his"
    rf"|her)\b[^;]{{0,40}}?\b{_LEAVE}[^;]{{0,90}}?\b(?:{_AFTER_THE_DEAL}"
    rf"|months?|year)"
    rf"|\b{_TOLD}\b (?:to )?(?:the )?(?:board|directors|chair\w*|investors|shareholders|management"
    rf"|seller)\b[^;]{{0,60}}?"
    rf"\b{_MEANS_TO}\b[^;]{{0,30}}?\b{_LEAVE}"
    r"|\b(?:does|do|will|would|did|is|are)(?: not|n't)\b[^;]{0,40}?\b(?:stay|remain|staying|remaining)\b[^;]{0,40}?"
    r"\b(?:beyond|past|after|following|longer|once|post)\b"
    r"|\b(?:announced|submitted|tendered) (?:his|her|their) (?:\w+ )?(?:retirement|departure|resignation|exit)\b",
    unless=rf"\bany and all\b|\bparties hereto\b|\beffective time\b|{_STAYS}"
    r"|leave of absence|maternity|parental|annual leave|paid leave|sick leave|notice of (?:termination"
    r"|meeting)|good reason"
    r"|retirement (?:plan|benefit|account|scheme|age|savings)|lease|tenant|premises|\bexit (?:strategy"
    r"|multiple|interview)"
    r"|hand over (?:the )?(?:documents|keys|files)|\bif\b|\bshall\b|agreement|deposit|inspect",
)

_OWNED_COUNTERPARTY = RiskPattern(
    category=RiskCategory.related_party,
    severity=Severity.P2,
    action=Action.investigate,
    title="A landlord, supplier or customer belongs to insiders",
    why="Its terms may not be at market, and it stays behind with the seller when the company is sold.",
    kind=Kind.term,
    strength=2,
    cues=("owned", "held", "holds", "controlled", "belong", "whose", "in which", "owns", "controls", "entity of"),
    says=either_order(rf"(?>(?:{_BELONGS}){_WHO_IS_CONNECTED})|{_RELATIVE_OWNS}", _COUNTERPARTY, 220),
    unless=r"\b(?:no|none|neither|nor|never|not)\b[^;]{0,120}\b(?:owned|held|controlled|affiliated|owns"
    r"|holds|belong\w*)\b"
    r"|stockholders? of record|shareholders? of record|beneficial\w* own|tender offer|merger sub"
    r"|\boptions?\b|\bvot(?:e|es|ing)\b"
    r"|\bmeans\b|\bany (?:\w+ ){0,3}(?:director|officer|shareholder|stockholder)|\bshall\b"
    r"|meetings? (?:was |were |is )?held|held (?:on|in|at)\b"
    r"|(?:owned|held|controlled) (?:or \w+ )?by (?:the )?(?:owner|contractor|lessor|lessee|landlord|tenant|borrower)\b"
    r"|\bowner\b[^;]{0,80}\bcontractor\b|\bcontractor\b[^;]{0,80}\bowner\b|\bfranchise tax|\bagrees?\b|\bto be owned\b"
    r"|\bwhereas\b|independent director|\bif\b|publicly|intellectual property|security interest|collateral",
)

PEOPLE = (
    _OWNED_COUNTERPARTY,
    _WANTS_TO_LEAVE,
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
            r"|\bexclusively for\b|\bcompany (?:equipment|laptops?|e-?mail)\b|\bsupervis(?:ed|ion) by\b"
            r"|\bde facto\b"
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
        unless=f"{CONTRACT_LANGUAGE}|{_STAYS}|\\bexecutive\\b|retired in|leave of absence|maternity"
        f"|notice of (?:termination"
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
