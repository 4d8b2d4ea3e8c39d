"""Earnings, working capital, debts and taxes that are not what they seem."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import CONTRACT_LANGUAGE, MAY

_MONEY = r"(?:\$|usd|us\$|eur|gbp|chf|£|€) ?\d|\b\d[\d,.]* ?(?:million|m\b|k\b|thousand|billion)"

_BOOKED = (
    r"(?:booked|recogni[sz](?:ed|es|ing)|recorded|recording|booking|accounted for|invoiced|billed|taken"
    r"|included|posted|reported)"
)
_EARNED = (
    r"(?:deliver(?:y|ed|ies)|shipp(?:ed|ing)|shipments?|accept(?:ance|ed)|perform(?:ed|ance)|install(?:ed"
    r"|ation)|commission(?:ed|ing)"
    r"|dispatch(?:ed)?|despatch(?:ed)?|hand-?over|handed over|go-?live|went live|rendered|complet(?:ed"
    r"|ion)|transfer(?:red)?|left the"
    r"|started|begun|signed|earned|collected|sign-off)"
)
_NOT_YET = (
    rf"(?:\b(?:not|never|no|yet|n't|without|absent|pending|outstanding|incomplete"
    rf"|missing)\b[^;]{{0,40}}?\b{_EARNED}\b"
    rf"|\b{_EARNED}\b[^;]{{0,60}}?\b(?:not|never|n't|pending|outstanding|only|until|later|following"
    rf"|subsequent|next|after year|did not"
    rf"|missing)\b|\b(?:undelivered|unshipped|unaccepted|unperformed|uncompleted|unsigned)\b)"
)
_ALTHOUGH = (
    r"\b(?:although|though|even though|despite|while|whilst|whereas|but|yet|however|when|with"
    r"|notwithstanding|where)\b"
)
_AHEAD = r"\b(?:before|prior to|ahead of|in advance of|in anticipation of|earlier than)\b"
_SALE = (
    r"\b(?:revenues?|sales?|turnover|licen[cs]e fees?|income|invoices?|contract value|orders?|milestones?"
    r"|fees?|units?|ebitda)\b"
)

_BOOKED_TOO_EARLY = RiskPattern(
    category=RiskCategory.earnings_quality,
    severity=Severity.P1,
    action=Action.price,
    title="Revenue booked before it was earned",
    why="It has to come out of the period's earnings, and the same practice may have been used elsewhere.",
    kind=Kind.term,
    strength=2,
    cues=(
        "book",
        "recogni",
        "record",
        "revenue",
        "sales",
        "invoice",
        "cut-off",
        "cutoff",
        "cut off",
        "side letter",
        "side-letter",
    ),
    says=rf"\b{_BOOKED}\b.{{0,120}}?{_ALTHOUGH}.{{0,100}}?(?:{_NOT_YET}"
    rf"|\b{_EARNED}\b.{{0,60}}?\b(?:took place|happened|occurred"
    rf"|followed|in (?:january|february|march|april|may|june|july|august|september|october|november"
    rf"|december|q[1-4]|fy|20\d\d)))"
    rf"|\b{_BOOKED}\b.{{0,80}}?{_AHEAD}.{{0,60}}?\b{_EARNED}\b"
    rf"|{_SALE}.{{0,60}}?{_AHEAD}.{{0,40}}?\b{_EARNED}\b.{{0,60}}?\b{_BOOKED}\b"
    rf"|{_NOT_YET}.{{0,120}}?\b(?:but|yet|nevertheless|still|already|although"
    rf"|though)\b.{{0,60}}?(?:{_SALE}|\b{_BOOKED}\b)"
    rf"|\b{_BOOKED}\b.{{0,40}}?\brevenues?\b.{{0,100}}?{_NOT_YET}"
    rf"|{_SALE}.{{0,60}}?\b{_BOOKED}\b.{{0,100}}?{_NOT_YET}"
    rf"|\brevenues?\b[^;]{{0,40}}?\b(?:includes?|contains?|comprises?)\b[^;]{{0,80}}?{_NOT_YET}"
    r"|\bcut-? ?off\b[^;]{0,80}\b(?:errors?|issues?|problems?|exceptions?|failures?|weak\w*|wrong"
    r"|incorrect|misstat\w+|adjustments?"
    r"|invoices? for|found|deficien\w+)\b|\b(?:booked|recorded|recogni[sz]ed) in the wrong (?:period"
    r"|month|quarter|year)"
    r"|\bside[- ]letters?\b[^;]{0,140}?\b(?:returns?|refund\w*|cancel\w*|buy[- ]?back|repurchase"
    r"|extended payment|contingent|undisclosed"
    r"|not disclosed|accept\w*|revenue|sales?)\b",
    unless=r"\bnot (?:be )?(?:\w+ )?(?:recogni[sz]ed|booked|recorded|invoiced|billed|taken)\b"
    r"|\bno (?:\w+ )?(?:revenues?|income|side[- ]letters?"
    r"|sales?|errors?|exceptions?|issues|invoices?)\b|deferred (?:revenue|income)|revenue is deferred"
    r"|\bcontract liabilit\w+"
    r"|\b(?:is|are|be) (?:\w+ )?(?:recogni[sz]ed|recorded) (?:\w+ ){0,2}(?:when|once|after|upon|on|at|as"
    r"|over|if)\b|\bwill be\b|\bshall\b"
    r"|\b(?:any and all|parties hereto|effective time|means|this agreement)\b|\bif\b|\bunless\b|sales tax"
    r"|gain|deferred tax|goodwill"
    rf"|{MAY}|\bpurchase price\b|expense|closing|merger|minutes|meeting|share\w*|warrant\w*|mortgage|deed",
)

_COMMITMENT = (
    r"\b(?:pensions?|retire(?:ment|e)|post-?retirement|superannuation|severance|gratuit(?:y|ies)|medical"
    r"|benefits?|jubilee|bonus\w*"
    r"|earn-?outs?|deferred|accrued|commitments?|promises?|liabilit\w+|obligations?|deposits?|leases?"
    r"|provisions?|overtime|vacation"
    r"|holiday|shareholder loans?|capex|capital expenditure|taxes|grants?|dividends?|prepayments?"
    r"|factoring|consideration|commissions?"
    r"|loans?|payables?|items?|arrears|guarantees?|litigation)\b"
)
_AS_DEBT = (
    r"(?:\b(?:not|never|nor|n't|un-?)\b (?:\w+ ){0,3}?(?:shown|treated|included|classified|recorded"
    r"|reported|counted|reflected|presented"
    r"|captured|considered?|regarded|recogni[sz]ed|consider|treat|count|include|show|report|classify"
    r"|accounted for|part of)\b[^;]{0,80}?"
    r"\b(?:debt|indebtedness|borrowings)\b"
    r"|\b(?:excludes?|excluded|excluding|omits?|omitted|leaves? out|left out|left outside|kept out"
    r"|missing|carved out)\b[^;]{0,80}?"
    r"\b(?:net debt|debt|indebtedness)\b"
    r"|\boutside (?:of )?(?:\w+ ){0,2}(?:net debt|debt)\b|\b(?:should|must|needs? to|ought to|to) (?:\w+ )?(?:be )?"
    r"(?:treated|considered|included|counted|regarded|added|reclassified)\b[^;]{0,30}?\b(?:as|in"
    r"|to) (?:\w+ ){0,2}?(?:net )?debt\b)"
)

_LEAVES_OUT = (
    r"\b(?:excludes?|excluded|omits?|omitted|leaves? out|left out|(?:do|does|did)(?: not|n't) (?:treat"
    r"|show|include|consider|count|report"
    r"|regard|classify|reflect|recogni[sz]e))\b"
)

_NOT_SHOWN_AS_DEBT = RiskPattern(
    category=RiskCategory.debt_like_items,
    severity=Severity.P1,
    action=Action.price,
    title="An obligation management does not count as debt",
    why="It will be paid by the buyer: deduct it from the price like debt.",
    kind=Kind.term,
    strength=2,
    cues=("debt", "unfunded", "under-funded", "underfunded", "deficit", "borrowings", "not funded", "shortfall"),
    says=either_order(_COMMITMENT, _AS_DEBT, 200)
    + rf"|{_LEAVES_OUT}[^;]{{0,60}}?{_COMMITMENT}[^;]{{0,80}}?\b(?:net debt|debt|indebtedness)\b"
    + "|"
    + either_order(
        r"\b(?:unfunded|under-?funded|not funded|partly funded|unprovided)\b",
        r"\b(?:pensions?|retire(?:ment|e)\w*|severance|gratuit\w+|commitments?|promises?|benefits?"
        r"|entitlements?|medical|obligations?)\b",
        60,
    )
    + r"|\b(?:pensions?|defined[- ]benefit|retirement)\b[^;]{0,60}?\b(?:deficit|shortfall)\b",
    unless=r"\bno (?:items?|liabilit\w+|obligations?|amounts?|unfunded|pension|under-?funded|such"
    r"|deficit)\b|\bfully funded\b"
    r"|\bwithout\b[^;]{0,30}\b(?:unfunded|deficit)|\bpurposes of (?:this|the)\b|\bthis agreement\b"
    r"|\bcredit agreement\b|\bmeans\b|\berisa\b"
    r"|\bany (?:unfunded|under-?funded|pension|plan)|\bneither\b|\bnone\b|effective time|\bshall\b"
    r"|equity securities|collateral|\bbad debts?\b"
    r"|\bhas not\b[^;]{0,40}\bincurred|debt securities|debt financing|\bnor\b"
    r"|unfunded commitments? (?:under|of) (?:the )?(?:lenders?|revolv\w+)"
    r"|\blenders?\b",
)

EARNINGS = (
    _BOOKED_TOO_EARLY,
    _NOT_SHOWN_AS_DEBT,
    RiskPattern(
        category=RiskCategory.earnings_quality,
        severity=Severity.P1,
        action=Action.price,
        title="Reported earnings are not what will recur",
        why="The price is a multiple of earnings that need correcting.",
        kind=Kind.fact,
        cues=(
            "one-time",
            "one time",
            "one-off",
            "non-recurring",
            "nonrecurring",
            "pull",
            "channel stuffing",
            "bill-and-hold",
            "bill and hold",
            "recogni",
            "restat",
            "material weakness",
            "going concern",
            "add-back",
            "addback",
            "add back",
            "capitaliz",
            "capitalis",
            "cut-off",
            "cutoff",
            "overstat",
            "inflat",
        ),
        says=either_order(
            r"\b(?:includ|inflat|boost|overstat|benefit|contain|reflect|driven|due)\w*\b[^;]{0,80}\b(?:one-? ?time"
            r"|one-off|non-?recurring)\b",
            r"\b(?:revenues?|sales|ebitda|income|earnings|profit)\b",
            100,
        )
        + r"|\bpull(?:ed)?[- ]forward\b|\bchannel stuffing\b|\bbill[- ]and[- ]hold\b"
        r"|\brevenues?\b[^;]{0,100}\brecogni[sz]ed\b[^;]{0,60}\b(?:before|prior to|in advance of|up ?front|early"
        r"|ahead of|prematurely|on (?:invoice"
        r"|invoicing|billing|signing|signature|booking)|upon (?:invoice|invoicing|billing|signing|signature)"
        r"|at (?:signing|contract signature|booking))\b"
        r"|\brecogni[sz](?:es?|ed|ing)\b[^;]{0,40}\brevenues?\b[^;]{0,60}\b(?:before|prior to|in advance of"
        r"|up ?front|early|ahead of|prematurely"
        r"|on (?:invoice|billing|signing)|upon (?:invoice|invoicing|billing|signing)|at signing)\b"
        r"|\brestate(?:d|ment)\b[^;]{0,60}\b(?:financial|revenue|results|prior|earnings)|\bmaterial weakness\w*\b"
        r"|\bsubstantial doubt\b[^;]{0,80}\bgoing concern"
        r"|\b(?:ebitda|earnings)\b[^;]{0,100}\badd-?backs?\b[^;]{0,100}\b(?:unsupported|aggressive|recurring"
        r"|not supported|questionable|cannot|lack)"
        r"|\b(?:ebitda|earnings|revenue|income|margins?)\b[^;]{0,40}\b(?:is|are|was|were|appears?|may be"
        r"|been) (?:\w+ )?overstated"
        r"|\boverstat(?:es?|ed|ing)\b[^;]{0,40}\b(?:ebitda|earnings|revenue|income|margins?)\b"
        r"|\bcapitali[sz](?:ed|es|ing)\b[^;]{0,100}\b(?:should (?:have been|be) expensed|rather than expens\w+"
        r"|operating expenses)",
        unless=f"{CONTRACT_LANGUAGE}|\\bnot (?:\\w+ )?recogni[sz]ed\\b[^;]{{0,40}}\\b(?:before|prior)"
        f"|amended and restated|\\bexcluding\\b|\\bexcludes?\\b|non-gaap|one-time (?:fee"
        f"|payment|charge) (?:of|payable)",
    ),
    RiskPattern(
        category=RiskCategory.working_capital,
        severity=Severity.P2,
        action=Action.price,
        title="Working capital is weak or unusual",
        why="The buyer has to fund what is missing: set the peg accordingly.",
        kind=Kind.fact,
        cues=("receivable", "inventor", "working capital", "payable", "dso", "days sales"),
        says=either_order(
            r"\breceivables?\b|\binventor(?:y|ies)\b|\bworking capital\b|\bpayables?\b|\bdso\b"
            r"|\bdays sales outstanding",
            r"\b(?:is|are|was|were|of which) [^;]{0,40}(?:over ?due|past due)|\bover (?:90|120|180) days"
            r"|\b(?:90|120"
            r"|180)\+? days (?:past|old|over)"
            r"|\bolder than (?:90|120|180|12)|\bobsolete\b|\bslow[- ]moving|\bwritten (?:off|down)|\bshortfall\b"
            r"|\bbelow (?:the )?(?:\w+ )?(?:peg"
            r"|target|normal\w*)|\bdeteriorat\w+|\bstretched\b|\buncollect\w+|\bunder-?reserved|\bdoubtful\b",
            130,
        ),
        unless=f"{CONTRACT_LANGUAGE}|allowance for|net of|policy|lower of cost",
    ),
    RiskPattern(
        category=RiskCategory.debt_like_items,
        severity=Severity.P2,
        action=Action.price,
        title="Debt-like liabilities outside net debt",
        why="They reduce the price like debt does.",
        kind=Kind.fact,
        cues=(
            "unfunded",
            "underfunded",
            "deferred",
            "earn-out",
            "earnout",
            "accrued",
            "pension",
            "shareholder loan",
            "unpaid",
            "customer deposit",
            "prepayment",
            "asset retirement",
            "transaction bonus",
            "debt-like",
        ),
        says=r"\b(?:unfunded|under-?funded)\b[^;]{0,60}\b(?:pension|liabilit\w+|obligations?|plan|benefit"
        r"|severance)\b"
        r"|\bpension (?:deficit|shortfall|plan (?:is|was) (?:under-?funded|unfunded))\b|\bdebt-like\b"
        r"|\b(?:deferred (?:compensation|consideration|purchase|bonus\w*)|earn-?outs?|shareholder loans?"
        r"|unpaid (?:bonus\w*|wages|overtime"
        r"|commissions?|vacation)|transaction bonus\w*|accrued (?:but unpaid|vacation|bonus\w*|pto)"
        r"|asset retirement)\b[^;]{0,100}"
        rf"(?:{_MONEY})[^;]{{0,80}}\b(?:outstanding|payable|owed|owing|not|unrecorded|remains?|due)\b"
        rf"|\b(?:unpaid|outstanding|remaining|accrued)\b[^;]{{0,30}}\b(?:earn-?outs?|deferred consideration"
        rf"|shareholder loans?)\b[^;]{{0,60}}(?:{_MONEY})"
        r"|\b(?:not|never|has not been|have not been)\b[^;]{0,20}\b(?:accrued|recorded|reserved|provided for"
        r"|provisioned|reflected)\b[^;]{0,40}"
        r"\b(?:balance sheet|accounts|financial statements|liabilit\w+|net debt|books|anywhere)"
        r"|\b(?:bonus\w*|vacation|severance|overtime|pension|earn-?out)\b[^;]{0,100}\b(?:not"
        r"|never)\b (?:\w+ ){0,2}(?:accrued|recorded|reserved"
        r"|provided for|provisioned|reflected)\b",
        unless=f"{CONTRACT_LANGUAGE}|executive|fully (?:funded|accrued)",
    ),
    RiskPattern(
        category=RiskCategory.debt_like_items,
        severity=Severity.P1,
        action=Action.structure,
        title="A loan covenant was breached",
        why="The lender may call the loan or ask a price for its waiver.",
        kind=Kind.fact,
        cues=("default", "covenant", "failed to comply", "non-compliance", "noncompliance", "not in compliance"),
        says=r"\bevents? of default (?:has|have) occurred\b|\b(?:failed to comply|not in compliance|non-?compliance"
        r"|in breach|breached|in default)\b"
        r"[^;]{0,100}\b(?:financial covenants?|leverage (?:ratio|covenant)|fixed charge|coverage ratio"
        r"|credit agreement|loan agreement|credit facility"
        r"|term loan|revolv\w+|lender)\b|\bcovenants?\b[^;]{0,60}\b(?:was|were|has been|have been|is"
        r"|are) (?:\w+ )?(?:breached|violated|missed)\b"
        r"|\b(?:breach(?:ed)?|violat(?:ed|ion of)|missed|tripped)\b[^;]{0,40}\b(?:financial|leverage|debt|bank"
        r"|loan) covenants?\b",
        unless=f"{CONTRACT_LANGUAGE}|and is continuing|no event of default|\\bany event of default"
        f"|upon the occurrence|waiver of the existing",
    ),
    RiskPattern(
        category=RiskCategory.tax,
        severity=Severity.P1,
        action=Action.price,
        title="A tax exposure of the past",
        why="Back taxes, interest and penalties stay with the company the buyer acquires.",
        kind=Kind.fact,
        cues=("tax", "vat", "irs", "hmrc", "nexus", "transfer pricing", "withh"),
        says=either_order(
            r"\btax(?:es|able|ing)?\b|\bvat\b|\birs\b|\bhmrc\b|\bnexus\b|\btransfer pricing",
            r"\b(?:is|are|was|were|currently) (?:\w+ ){0,2}(?:under|being) (?:\w+ )?audit\w*"
            r"|\bopen(?:ed)? (?:\w+ ){0,2}audit|\baudit (?:\w+ ){0,3}"
            r"(?:is ongoing|is pending|by the)|\b(?:notice of )?(?:proposed )?(?:assessment|deficiency"
            r"|adjustment)s?\b[^;]{0,60}(?:received|issued|of (?:approximately |about )?(?:\W?"
            r"\d|usd|eur|gbp|us\$)|totall?ing|proposed|disallow\w*)|\bexposure\b|\b(?:not"
            r"|never) (?:\w+ ){0,3}(?:collect\w*|remit\w*|filed?|paid|withheld|register\w*"
            r"|charged?)\b|\bunpaid\b|\bunderpa\w+|\bunremitted\b|\buncollected\b|\bfail(?:ed|ure|s) to (?:collect"
            r"|remit|file|pay|withhold|register|charge)"
            r"|\bvoluntary disclosure|\bback taxes|\bdisallow\w*",
            140,
        )
        + r"|\b(?:irs|hmrc|tax (?:authorit(?:y|ies)|office)|internal revenue service|revenue (?:agency"
        r"|authority))\b[^;]{0,40}\b(?:is|has|have|are)\b[^;]{0,20}"
        r"\b(?:audit(?:ing|ed)|examin(?:ing|ed)|opened|challeng(?:ed|ing)|proposed|assessed|issued|questioned)\b"
        r"|\breceived\b[^;]{0,40}\b(?:assessment|deficiency)\b[^;]{0,60}\b(?:tax(?:es)?|vat)\b",
        unless=f"{CONTRACT_LANGUAGE}|section 4(?:09a|999)|deferred tax|\\bno (?:tax|exposure)|net of tax"
        f"|customer (?:is|shall)|effective tax rate|executive",
    ),
    RiskPattern(
        category=RiskCategory.off_balance_sheet,
        severity=Severity.P2,
        action=Action.price,
        title="Obligations for others' debts",
        why="A guarantee can fall due without ever having stood on the balance sheet.",
        kind=Kind.term,
        cues=(
            "guarant",
            "off-balance",
            "off balance",
            "keepwell",
            "comfort letter",
            "factoring",
            "recourse",
            "variable interest",
        ),
        says=r"\b(?:unconditional(?:ly)?|irrevocabl[ey]|absolutely)\b[^;]{0,60}\bguarant(?:ee|ees|eed|ies"
        r"|y)\b[^;]{0,120}\b(?:obligations?|debts?"
        r"|indebtedness|loans?|payment|liabilit\w+)"
        r"|\b(?:company|target|group|it|subsidiary|we) (?:has |have "
        r"|had )?guaranteed?s?\b[^;]{0,120}\b(?:obligations?|debts?|indebtedness|loans?"
        r"|lease|facility|borrowings?|liabilit\w+)\b"
        r"|\b(?:corporate|parent(?: company)?|irrevocable|unconditional) guarant(?:y|ee)s?\b[^;]{0,30}\b(?:issued"
        r"|given|provided|executed|delivered|granted)\b"
        r"|\boff[- ]balance[- ]sheet (?:\w+ ){0,2}(?:obligations?|liabilit\w+|arrangements?|financing"
        r"|exposure|lease"
        r"|vehicle)"
        r"|\b(?:factoring|receivables (?:sale|purchase))\b[^;]{0,80}\bwith (?:full )?recourse\b|\bkeepwell\b",
        unless=f"{CONTRACT_LANGUAGE}|\\b(?:no|not|nor|any|without|neither)\\b[^;]{{0,40}}(?:off[- ]balance|guarant)"
        f"|guarantor(?:'s)? name|effective time"
        r"|as (?:set forth|disclosed)|guarantees? (?:that|the (?:quality|accuracy|performance of the works))"
        r"|merger sub",
    ),
)
