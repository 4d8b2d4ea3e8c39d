"""Terms of contracts that a change of owner turns into risks."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_pattern import Kind, RiskPattern, either_order

_CONTROL = (
    r"(?:changes?|transfer)[ -](?:of|in)[ -](?:the )?(?:\w+ ){0,2}(?:control|ownership)"
    r"|(?:sale|transfer|acquisition|disposition|disposal) of (?:all or |a |more than )?(?:substantially all|majority"
    r"|controlling"
    r"|50 ?%|fifty)[^;]{0,60}?(?:shares|stock|equity|assets|interests?|voting|securities|undertaking)"
    r"|(?:control|ownership)(?: of (?:\w+ ){1,4}?)? ?changes\b|changes? hands|new owner\w*"
    r"|(?:is|are|be|being|becomes?) (?:directly or indirectly )?(?:acquired by|controlled by|owned by) (?:a |any "
    r"|another )"
    r"(?:competitor|third party|person|entity|company)"
)
_NO_CONTROL_RIGHT = (
    r"\b(?:do|does|did|shall|will|would|is|are) not (?:\w+ ){0,3}(?:constitute|be deemed|require|trigger|give"
    r"|entitle|result"
    r"|permit|affect|contain|include|terminate|be (?:required|considered|treated|affected))"
    r"|\b(?:no|without) (?:such )?(?:change[ -](?:of|in)[ -]control|consent|approval|notice|party's consent)"
    r"|\b(?:no|not) (?:\w+ ){0,6}(?:termination|consent|restrict\w+|assignment) (?:right|requirement|provision|is|are)"
    r"|\bcontains? no\b|\bnot (?:be )?(?:subject to|conditioned)|\bno (?:restriction|limitation|prohibition)s?\b"
    r"|\A\W*(?:no|none of the|neither) \w+|\b(?:none of the|no (?:other )?(?:customer|supplier|contract|lender|lease"
    r"|counterparty|agreement))\b"
    r"|(?:no|in the absence of)(?: an?)? change[ -](?:of|in)[ -]control"
)
_DEFINES = (
    r"\b(?:means|shall mean|will mean|has the meaning|have the meanings?|is defined|are defined|shall include, but)\b"
)
_LISTED = (
    r"\b(?:any|each|every|all) (?:\w+ ){0,3}(?:contracts?|agreements?|leases?|licenses?|plan|commitments?)"
    r" (?:\w+ ){0,3}(?:that|which|containing|contains|under|pursuant|with|providing|relating|to which)\b"
)
_LISTED_IN_A_REPRESENTATION = (
    f"{_LISTED}|"
    r"\b(?:except as|as) (?:set forth|disclosed|listed|described|expressly)\b|\bparties hereto\b|\beffective time\b"
    r"|\bmerger sub\b|\bneither (?:the )?(?:company|seller|parent|execution|the execution)\b"
    r"|\bconsummation of the (?:merger|transactions?)\b|\bcompany disclosure\b"
)
_NEUTRAL = f"{_DEFINES}|{_LISTED_IN_A_REPRESENTATION}"
_EMPLOYMENT = r"\b(?:executive|employee|employment|severance|officer|optionee|participant|salary)\b"
_COUNTERPARTY = (
    r"(?:customer|client|buyer|purchaser|licensee|licensor|lender|lessor|landlord|supplier|vendor|distributor"
    r"|franchisor"
    r"|bank|agency|government|insurer|reseller|partner|manufacturer|owner|agent|holder|owner|other party|either party)"
)

CHANGE_OF_CONTROL = (
    RiskPattern(
        category=RiskCategory.change_of_control,
        severity=Severity.P1,
        action=Action.structure,
        title="A change of control lets the other side act",
        why="The acquisition itself triggers this right: a consent or waiver is needed before close.",
        kind=Kind.term,
        cues=(
            "control",
            "ownership",
            "sale of",
            "transfer of",
            "acquired by",
            "acquisition of",
            "dispos",
            "owned by",
            "new owner",
            "hands",
        ),
        says=either_order(
            _CONTROL,
            r"\bterminat(?:e|ed|ion)\b|\bcancel\b|\baccelerat\w+|immediately due|due and payable|event of default"
            r"|\bprepay\w*|repa(?:y|id)\b|\bwithdraw\b|walk away|\bexit right|\bre-?negotiate\b"
            r"|prior (?:written )?(?:consent|approval)|consent (?:of|from|is required|right|requirement)"
            r"|written consent"
            r"|(?:deemed|constitutes?|treated as|considered|be) (?:to be )?(?:an? )?(?:\w+ ){0,2}(?:assignment"
            r"|breach|default)"
            r"|right of first (?:refusal|offer)|revert to",
            220,
        ),
        unless=f"{_NEUTRAL}|{_NO_CONTROL_RIGHT}|{_EMPLOYMENT}|\\bvest(?:s|ed|ing)?\\b",
    ),
    RiskPattern(
        category=RiskCategory.change_of_control,
        severity=Severity.P1,
        action=Action.structure,
        title="A contract has a change-of-control provision",
        why="The acquisition may need this counterparty's consent: read the provision and plan the request.",
        kind=Kind.fact,
        cues=("control",),
        says=r"change[ -](?:of|in)[ -]control (?:provision|clause|consent|trigger|termination|restriction|waiver)s?\b",
        unless=f"{_NEUTRAL}|{_NO_CONTROL_RIGHT}|{_EMPLOYMENT}",
    ),
    RiskPattern(
        category=RiskCategory.change_of_control,
        severity=Severity.P2,
        action=Action.price,
        title="Payments to people fall due on a change of control",
        why="Severance, bonuses or vesting that the acquisition triggers are a cost of the deal.",
        kind=Kind.term,
        cues=("control",),
        says=either_order(
            r"change[ -](?:of|in)[ -]control",
            r"\bseverance\b|\bbonus\w*\b|\bvest(?:s|ed|ing)?\b|\blump[- ]sum\b|\bgross[- ]up\b|\bretention\b"
            r"|\bparachute\b"
            r"|\bshall (?:be entitled to|receive|pay)\b|will pay\b|\btimes (?:the |his |her )?(?:\w+ )?(?:base )?salary"
            r"|months(?:' | of )\w*(?: base)? ?salary|good reason",
            220,
        ),
        unless=f"{_NEUTRAL}|\\bcontains? no\\b|\\bno (?:severance|bonus|payment|change)",
    ),
)

ANTI_ASSIGNMENT = (
    RiskPattern(
        category=RiskCategory.anti_assignment,
        severity=Severity.P2,
        action=Action.structure,
        title="Assignment needs consent, even by merger or operation of law",
        why="Depending on how the deal is structured this contract does not pass to the buyer without consent.",
        kind=Kind.term,
        cues=("assign",),
        says=either_order(
            r"(?:may|shall|can|will|must) not (?:be )?(?:\w+ ){0,4}(?:assign|transfer)|not (?:be )?(?:assignable"
            r"|assigned)"
            r"|neither (?:party|this agreement)[^;]{0,80}assign|no assignment|non-?assignable"
            r"|assign\w*[^;]{0,120}(?:requires?|without|subject to)[^;]{0,60}consent",
            r"operation of law|by merger|in a merger|merger|change of control|consolidation|reorgani[sz]ation"
            r"|sale of (?:all"
            r"|substantially)|sale of assets|successor in interest",
            200,
        ),
        unless=f"{_NEUTRAL}|(?<!neither party )\\bmay assign\\b|\\bexcept (?:to|in connection|that|for)\\b"
        r"|other than (?:to|in connection)|provided,? (?:however,? )?that (?:\w+ ){0,6}may"
        r"|rights, interests or obligations"
        r"|without (?:the |such )?(?:\w+ )?consent (?:in connection|to (?:an? )?(?:affiliate|successor))"
        r"|of the parties",
    ),
    RiskPattern(
        category=RiskCategory.anti_assignment,
        severity=Severity.P2,
        action=Action.structure,
        title="The company may not assign this contract without consent",
        why="If the deal moves contracts (an asset purchase or a later reorganisation), this consent is needed.",
        kind=Kind.term,
        cues=("assign",),
        says=r"(?<!either )(?<!neither )\b(?:supplier|vendor|contractor|licensee|tenant|lessee|company|provider"
        r"|seller|consultant"
        r"|distributor|reseller|borrower|franchisee|[a-z]{3,12}) (?:may|shall|will|must|can) not (?:\w+,? ){0,5}"
        r"(?:assign|transfer)\b[^;]{0,120}\b(?:this (?:agreement|contract|lease|licen[cs]e)|its rights|the agreement"
        r"|any of its)"
        r"[^;]{0,160}without[^;]{0,50}consent"
        r"|\b(?:is|are) not (?:assignable|transferable)[^;]{0,80}without[^;]{0,50}consent",
        unless=f"{_NEUTRAL}|unreasonably (?:withheld|withhold|conditioned)|\\bmay assign\\b|\\bneither\\b"
        f"|\\beither party\\b"
        r"|\bexcept (?:to|in connection|that|for)\b|other than (?:to|in connection)|\bno party\b|\beach party\b"
        r"|\bparty may not"
        r"|\bexecutive\b|\bemployee\b|\bparty shall not\b|provided,? (?:however,? )?that|\byou\b",
    ),
)

TERMINATION = (
    RiskPattern(
        category=RiskCategory.termination_for_convenience,
        severity=Severity.P2,
        action=Action.price,
        title="The contract can be ended without cause",
        why="The revenue or supply behind it is only as firm as the notice period.",
        kind=Kind.term,
        cues=("terminat", "cancel"),
        says=r"(?:may|can|right to|entitled to|option to|able to|could|rights? of|at liberty to|elect to)[^;]{0,80}"
        r"\b(?:terminat\w+|cancel\w*)\b[^;]{0,200}?"
        r"(?:for (?:its |their )?(?:own )?convenience|without cause|with or without cause|for any (?:or no )?reason"
        r"|for no reason"
        r"|without (?:giving )?(?:any )?reason|in its (?:sole|absolute) discretion|at (?:its"
        r"|their) (?:sole )?(?:discretion|option)"
        r"|at any time)"
        r"|\b(?:may|can|is entitled to)\b[^;]{0,60}(?:for convenience|without cause|for any reason|without giving"
        r"|sole discretion)[^;]{0,40}"
        r"\b(?:terminate|cancel)\b"
        r"|(?:for convenience|without cause|for any reason|at any time)[^;]{0,80}\b(?:may|can|entitled to"
        r"|right to) (?:\w+ ){0,3}"
        r"(?:terminate|cancel)"
        r"|\bterminat\w+ (?:\w+ ){0,3}for convenience\b",
        unless=f"{_NEUTRAL}|{_EMPLOYMENT}"
        r"|\b(?:may|can|shall|will) not (?:\w+ ){0,3}(?:be )?(?:terminat|cancel)|neither party (?:may|shall)"
        r"|no party (?:may|shall)"
        r"|not (?:be )?(?:terminable|terminat)|\bnon-?cancel\w+|\bno (?:right|termination)|nor may"
        r"|does not (?:\w+ ){0,3}terminat"
        r"|no termination for convenience|mutual(?:ly)? (?:written )?(?:agree|consent)|prior to the (?:closing"
        r"|effective)"
        r"|(?:material(?:ly)?|uncured) (?:\w+ )?breach|breach(?:es)? (?:of )?(?:any|this|its)|insolven|bankrupt"
        r"|fails? to|failure to|default|if the other party|following an? event|written agreement of"
        r"|your (?:stock )?option"
        r"|trial|consultant's services|consulting services|without limiting",
    ),
)

COMMERCIAL_RESTRICTIONS = (
    RiskPattern(
        category=RiskCategory.mfn,
        severity=Severity.P2,
        action=Action.price,
        title="A customer has most-favoured pricing",
        why="A better price for any other customer has to be passed on: it limits pricing after the deal.",
        kind=Kind.term,
        cues=(
            "favor",
            "favour",
            "lowest",
            "lower price",
            "better price",
            "lower rate",
            "better terms",
            "best price",
            "best-price",
            "mfn",
        ),
        says=r"\bmfn\b|\b(?:lowest|best)[- ]price (?:guarantee|clause|commitment)|most[- ]favou?red[- ](?:nation"
        r"|customer|pricing|client|licensee|supplier|partner|status)"
        r"|(?:price|pricing|prices|terms|fees?|rates?|discounts?|charges?)\b[^;]{0,140}(?:no less favou?rable"
        r"|at least as favou?rable"
        r"|not (?:be )?less favou?rable|as low as|lowest|more favou?rable|lower|best)[^;]{0,140}"
        r"\b(?:other|another|similar(?:ly situated)?|any) (?:\w+ ){0,3}(?:customers?|clients?|purchasers?|buyers?"
        r"|licensees?"
        r"|distributors?|resellers?|accounts?|retailers?)"
        r"|\bother (?:\w+ ){0,2}(?:customer|client|buyer|purchaser|party|retailer)s?\b[^;]{0,60}\b(?:lower|better"
        r"|more favou?rable|reduced)\b[^;]{0,30}"
        r"\b(?:prices?|pricing|rates?|terms|fees?|discounts?)\b"
        r"|\b(?:lower|better|more favou?rable) (?:net |unit )?(?:prices?|pricing|rates?|terms)[^;]{0,80}\b(?:other"
        r"|another|third)"
        r" (?:\w+ ){0,2}(?:customer|client|buyer|purchaser|party)[^;]{0,160}(?:reduc|adjust|extend|match|refund"
        r"|entitled|offer"
        r"|lower|credit|same)",
        unless=f"{_NEUTRAL}|tariff|trade relations|world trade|\\bno most[- ]favou?red|(?:not"
        f"|nor) (?:\\w+ ){{0,4}}most[- ]favou?red"
        r"|contains? no|(?:no|without) (?:any )?(?:most|mfn)|employee|indemnif|tax(?:es|ation)?\b|interest rate",
    ),
    RiskPattern(
        category=RiskCategory.exclusivity,
        severity=Severity.P2,
        action=Action.investigate,
        title="The company is bound to an exclusive arrangement",
        why="Exclusivity binds the buyer's group too and limits what can be sold, bought or combined.",
        kind=Kind.term,
        cues=("exclusiv", "all of its requirements", "all its requirements", "any other", "competitor", "sole sup"),
        says=r"\b(?:appoints?|grants?|engages?|designates?)\b[^;]{0,100}(?<!non)(?<!non-)\b(?:sole"
        r" and )?exclusive (?:\w+ ){0,3}"
        r"(?:supplier|provider|distribut\w+|dealer|reseller|vendor|agent|representative|sales|territory"
        r"|rights? to (?:sell|market"
        r"|distribute|supply|resell|commerciali[sz]e|manufacture|promote))"
        r"|\b(?:shall|will|must|agrees? to|undertakes? to|obligated to|obliged to|committed to|required to)\b[^;]{0,60}"
        r"\b(?:purchase|buy|source|procure|obtain|order|sell|supply|market)\b[^;]{0,120}"
        r"(?:\bexclusively (?:from|to|through|with|by)\b|all (?:of )?its requirements|solely from)"
        r"|\b(?:shall|will|may|must|agrees? (?:that it will )?)(?: to)? ?not\b[^;]{0,60}\b(?:sell|supply|market"
        r"|distribute|offer"
        r"|provide|license|purchase|buy|source)\b[^;]{0,140}\b(?:to|from|for|with"
        r"|by) (?:any )?(?:\w+ ){0,3}(?:competitors?"
        r"|competing|other (?:\w+ ){0,2}(?:customer|client|supplier|distributor|vendor|retailer|reseller"
        r"|manufacturer|dealer|party|person|buyer|company|operator"
        r"|provider)s?)\b"
        r"|\b(?:supplier|company|vendor|provider|licensor|seller) (?:\w+ )?exclusivity\b"
        r"|\bexclusive (?:supply|distribution|dealing|purchase|purchasing) (?:agreement|arrangement|obligation|right"
        r"|basis)",
        unless=f"{_NEUTRAL}|non-?exclusive|not exclusive|exclusive (?:jurisdiction|remed|venue|forum|property"
        f"|possession|courts?"
        r"|control|benefit)|exclusively for (?:the|its|internal)|solicit|letter of intent|acquisition proposal"
        r"|no[- ]shop"
        r"|\b(?:executive|employee|consultant)\b|\bno exclusiv|contains? no|without exclusiv"
        r"|does not (?:\w+ ){0,3}exclusiv"
        r"|confidential information|bid\b",
    ),
    RiskPattern(
        category=RiskCategory.non_compete,
        severity=Severity.P1,
        action=Action.structure,
        title="The company itself may not compete",
        why="A covenant of the company binds the combined group after close.",
        kind=Kind.term,
        cues=("compet",),
        says=r"\b(?:company|supplier|vendor|provider|licensee|distributor|contractor|group|subsidiar\w+|affiliates"
        r"|borrower"
        r"|reseller|manufacturer|franchisee|licensor)\b[^;]{0,100}\b(?:shall|will|may|must|agrees?|undertakes?"
        r"|covenants?)"
        r"(?: that it (?:shall|will))?(?: to)? ?not\b[^;]{0,160}\b(?:compet(?:e|es|ing|itive)|competitor)\b"
        r"|\bneither (?:the )?(?:company|supplier|vendor|provider|licensee|distributor|group"
        r"|contractor)\b[^;]{0,80}\b(?:shall|will|may)\b[^;]{0,140}"
        r"\bcompet(?:e|es|ing|itive|itor)\b"
        r"|\b(?:company|group|supplier|provider|target|subsidiar\w+)\b[^;]{0,60}(?:is|are|remains?"
        r"|be) (?:\w+ ){0,2}(?:bound by|subject"
        r" to|restricted by|prohibited from|restricted from|barred from|precluded from)[^;]{0,80}(?:non-?compet\w+"
        r"|compet(?:e|ing)"
        r"|covenant not to compete)",
        unless=f"{_DEFINES}|{_LISTED}|competent|nothing (?:in|herein)|\\b(?:you|executive|employee|consultant|seller"
        f"|founder|shareholder|optionee)"
        r"(?:'s|s)?\b|not (?:be )?(?:prohibited|restricted|precluded|prevented)|may compete|competitive (?:bid|price"
        r"|rate|process)"
        r"|business or financial condition|\bnot (?:bound|subject)|hire|recruit|disclose",
    ),
)

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
        unless=f"{_NEUTRAL}|death|personal injury|fraud|gross negligence|wil(?:l)?ful|by law|limited liability company"
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
        unless=f"{_DEFINES}|shall not be required to indemnify|effective time|no indemnit",
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
        unless=_DEFINES,
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
        unless=f"{_NEUTRAL}|no (?:extended|lifetime)|disclaim|surviv|not (?:increas|exceed)",
    ),
)

SEVERANCE = (
    RiskPattern(
        category=RiskCategory.debt_like_items,
        severity=Severity.P3,
        action=Action.price,
        title="Severance falls due when an executive leaves for good reason",
        why="What the acquisition changes in the job may be the good reason.",
        kind=Kind.term,
        cues=("good reason",),
        says=either_order(
            r"\bgood reason\b", r"\blump[- ]sum\b|\b(?:times|multiple of|months(?: of)?)\b[^;]{0,40}\bsalary", 240
        ),
        unless=_DEFINES,
    ),
)

DEAL_TERMS = (
    RiskPattern(
        category=RiskCategory.mac,
        severity=Severity.P3,
        action=Action.structure,
        title="Closing depends on no material adverse change",
        why="The condition gives a way out of the deal, or a dispute about one.",
        kind=Kind.term,
        cues=("material adverse",),
        says=r"(?:shall|will|must) not have (?:occurred|been|suffered)[^;]{0,160}material adverse (?:effect|change)"
        r"|\bno\b[^;]{0,60}material adverse (?:effect|change)[^;]{0,40}shall have (?:occurred|been)"
        r"|\bthere (?:shall|will) have been (?:\([a-z]\) )?no\b[^;]{0,240}material adverse (?:effect|change)"
        r"|material adverse (?:effect|change)[^;]{0,160}(?:not (?:be )?(?:obligated|obliged|required) to (?:close"
        r"|consummate|complete)"
        r"|(?:may|right to|entitled to) (?:\w+ ){0,3}(?:terminate|withdraw|refuse))",
        unless=_DEFINES,
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
        unless=_DEFINES,
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

TERMS = (
    *CHANGE_OF_CONTROL,
    *COMMERCIAL_RESTRICTIONS,
    *LIABILITY,
    *TERMINATION,
    *ANTI_ASSIGNMENT,
    *SEVERANCE,
    *DEAL_TERMS,
)
"""In order of precedence: a sentence counts for the first it matches."""
