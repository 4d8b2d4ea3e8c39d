"""What a contract forbids the company or makes it share: pricing, exclusivity, competition."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern
from dealpulse.processors.operations.offline.risk_patterns.wording import DEFINES, LISTED, NEUTRAL

_MARKET = (
    r"(?:sell\w*|resell|licen[cs]\w+|offer\w*|supply\w*|suppli(?:ed|es)|market\w*|provid\w+|deploy\w*|distribut\w+"
    r"|leas(?:e|ed|ing)\b|install\w*|deliver\w*|promot\w+|commerciali[sz]\w+|mak(?:e|ing)\b[^;]{0,100}?\bavailable"
    r"|made available|avail(?:able)?\b|grant\w*)"
)
_PROMISES_NOT = (
    r"(?:(?:shall|will|may|must|can|agrees?|undertakes?|covenants?|promis\w+|commits?|committed|agreed|undertaken)"
    r"(?: that (?:it|they|we) (?:shall|will|may|would))?(?: to)?,? (?:n[o0]t|never|neither)"
    r"|(?:refrains?|abstains?|desists?|prohibited|precluded|barred|restricted|prevented) from)\b"
)
_OTHERS = (
    r"(?:any(?:one| one|body)|an(?:y|other)|any other|no (?:one|other)|third"
    r"|others?)\b[^;]{0,80}?\b(?:other than|except(?:ing"
    r"| for| to)?|besides|apart from|save(?: for| to)?|but(?: for)?|else|outside)\b"
)
_USERS = (
    r"(?:customer|client|user|operator|buyer|purchaser|licensee|hospital|clinic|bank|retailer|refiner(?:y"
    r"|ies)|port|airport"
    r"|utilit(?:y|ies)|carrier|airline|manufacturer|plant|site|terminal|facilit(?:y|ies)|mine|farm|school"
    r"|insurer|hotel|lab"
    r"|laborator(?:y|ies)|store|dealer|distributor|company|person|party|entity|competitor|platform|depot"
    r"|railway|provider)"
    r"(?:s|ies)?"
)
_MARKET_WITHIN = (
    r"(?:in|within|throughout|for use (?:in|at|on|by)|at|across|inside) (?:any |the |all |such |said "
    r"|an? )?(?:\w+[ -]){0,4}?"
    r"(?:field|territor(?:y|ies)|region|sector|industry|segment|countr(?:y|ies)|states?|markets?|vertical|sites?"
    r"|refiner(?:y|ies)|hospitals?|terminals?|ports?|airports?|mines?|plants?|platforms?)\b"
)

_EXCLUSIVE_IN_SUBSTANCE = RiskPattern(
    category=RiskCategory.exclusivity,
    severity=Severity.P1,
    action=Action.investigate,
    title="The company may offer this to one customer only",
    why="Exclusivity in substance, whatever the clause is called: it binds the buyer and closes a market.",
    kind=Kind.term,
    strength=2,
    cues=(
        "sel",
        "licen",
        "offer",
        "suppl",
        "market",
        "provid",
        "avail",
        "deploy",
        "distribut",
        "install",
        "grant",
        "commerciali",
    ),
    says=rf"\b{_PROMISES_NOT}(?>[^;]{{0,160}}?\b{_MARKET}\b)[^;]{{0,200}}?(?:\b{_OTHERS}|\b(?:any|another"
    rf"|an) (?:other )?"
    rf"(?:\w+ ){{0,4}}?{_USERS}\b[^;]{{0,100}}?\b(?:other than|except|besides|apart from|save)\b"
    rf"|\bany other (?:\w+ ){{0,3}}?{_USERS}\b"
    rf"|\b(?:any|another|other) (?:\w+ ){{0,3}}?{_USERS}\b[^;]{{0,60}}?\b{_MARKET_WITHIN}|\b{_MARKET_WITHIN}"
    rf"|\bto any (?:refiner|hospital|operator|airport|port|bank|retailer|utilit|competitor|clinic|railway"
    rf"|airline)\w*)"
    rf"|\b{_MARKET}\b[^;]{{0,120}}?\bto (?:no (?:one|body|other \w+|person|party)|nobody)(?: else)?\b"
    rf"|\b(?:shall|will|commits?|agrees?|undertakes?"
    rf"|must)\b[^;]{{0,60}}?\b{_MARKET}\b[^;]{{0,120}}?\b(?:only|solely) (?:to"
    rf"|for|through) (?!the (?:application|purposes?|extent|use)"
    rf"|(?:\w+,? )?(?:back|archiv|correct|internal|use|purpose)"
    rf"|the (?:number|persons?)|[\w-]+ing\b|correct|only|as provided|so long)"
    rf"|\b(?:no one|nobody|no other (?:\w+ )?{_USERS}|none other)\b[^;]{{0,80}}?\b(?:shall|will|may|can"
    rf"|is to|are to)\b"
    rf"[^;]{{0,40}}?\b{_MARKET}\b",
    unless=rf"{DEFINES}|\bcompany disclosure\b|\bmerger sub\b"
    r"|\b(?:licensee|customer|subscriber|client|recipient|user|end[- ]user|tenant|lessee|borrower"
    r"|guarantor|obligor|lender"
    r"|executive|employee|consultant|you|seller|shareholder|stockholder|holder|receiving party|reseller"
    r"|distributor|receiver"
    r"|debtor|parent|grantor|pledgor|contractor|owner|trustee|agent|nor|parties|party)s?(?:'s)?"
    r" (?:\w+,? ){0,3}?(?:shall|will|may|must|can|agrees?|undertakes?|covenants?)(?: that (?:it"
    r"|they) (?:shall|will))?"
    r"(?: to)?,? (?:not|never|refrain)\b"
    r"|\b(?:shares?|stock|securities|equity|notes?|collateral|receivables?|personal (?:data|information)"
    r"|real property"
    r"|assets|options?|warrants?|bonds?|debentures?|indebtedness|units|interests|liens?|employment|loans?|inventory"
    r"|customer data|personnel|documentation|sublicen[cs]e|assignment|benefits?|proposals?|credit|advances?)\b"
    r"|confidential|solicit|no[- ]shop|acquisition|nothing (?:in|herein|contained)"
    r"|\bnot (?:be )?(?:prohibit|restrict"
    r"|preclud|prevent|limit)\w*|non-?exclusive|publicly|information|employees?\b|warranty|warranties|source code"
    r"|privacy|marketing materials|trademarks?|\bliab|third[- ]party beneficiar|insurance|public offering"
    r"|obligated",
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
        unless=f"{NEUTRAL}|tariff|trade relations|world trade|\\bno most[- ]favou?red|(?:not"
        f"|nor) (?:\\w+ ){{0,4}}most[- ]favou?red"
        r"|contains? no|(?:no|without) (?:any )?(?:most|mfn)|employee|indemnif|tax(?:es|ation)?\b|interest rate"
        r"|\breference rate|\bbase rate|\brate of interest",
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
        r"|\b(?:shall|will|must|agrees? to|undertakes? to|obligated to|obliged to|committed to"
        r"|required to)\b[^;]{0,60}"
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
        r"|\bexclusive (?:supply|distribution|dealing|purchase|purchasing) (?:agreement|arrangement"
        r"|obligation|right"
        r"|basis)",
        unless=f"{NEUTRAL}|non-?exclusive|not exclusive|exclusive (?:jurisdiction|remed|venue|forum|property"
        f"|possession|courts?"
        r"|control|benefit)|exclusively for (?:the|its|internal)|solicit|letter of intent|acquisition proposal"
        r"|no[- ]shop"
        r"|\b(?:executive|employee|consultant)\b|\bno exclusiv|contains? no|without exclusiv"
        r"|does not (?:\w+ ){0,3}exclusiv"
        r"|confidential information|bid\b",
    ),
    _EXCLUSIVE_IN_SUBSTANCE,
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
        unless=f"{DEFINES}|{LISTED}|competent|nothing (?:in|herein)|\\b(?:you|executive|employee|consultant|seller"
        f"|founder|shareholder|optionee)"
        r"(?:'s|s)?\b|not (?:be )?(?:prohibited|restricted|precluded|prevented)|may compete"
        r"|competitive (?:bid|price"
        r"|rate|process)"
        r"|business or financial condition|\bnot (?:bound|subject)|hire|recruit|disclose",
    ),
)
