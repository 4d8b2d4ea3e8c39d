"""Risks of money, people and the deal's own papers, as facts that documents tell."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_pattern import Kind, RiskPattern, either_order

_MONEY = r"(?:\$|usd|us\$|eur|gbp|chf|£|€) ?\d|\b\d[\d,.]* ?(?:million|m\b|k\b|thousand|billion)"
_TERM_OF_CONTRACT = (
    r"\bany and all\b|\bparties hereto\b|\beffective time\b|\b(?:means|has the meaning)\b|\brepresents? and warrants?\b"
)
_SHARE = (
    r"(?:(?:[2-9]\d|100)(?:\.\d+)? ?(?:%|percent|per cent)|\bmore than half\b|\bnearly half\b|\balmost half\b"
    r"|\btwo[- ]thirds\b"
    r"|\bover half\b|\bone[- ]third\b|\ba third\b|\bthe majority\b|\ba majority\b|\bmost\b)"
)
_REVENUE = r"\b(?:revenues?|sales|turnover|arr|mrr|bookings|billings|recurring revenue)\b"
_NO_SINGLE_CUSTOMER = (
    r"\bno (?:single |one |individual |other )?(?:customer|client|supplier|vendor)|\btop (?:ten|10|twenty|20|25"
    r"|fifty|50)\b[^;]{0,60}"
    r"\b(?:[1-4]\d)(?:\.\d+)? ?(?:%|percent)"
    r"|\b(?:(?:ten|10|twenty|20|25|fifty|50) largest|largest (?:ten|10|twenty|20|25"
    r"|50))\b[^;]{0,60}\b[1-4]\d(?:\.\d+)? ?(?:%|percent)|well[- ]diversified|\bnone of\b"
)
_NOT_A_CUSTOMER = (
    r"\b(?:segments?|product lines?|services? revenue|subscriptions?|licen[cs]es?|regions?|geograph\w+|domestic"
    r"|international|europe"
    r"|north america|emea|apac|channels?|online|stores?|categor\w+|maintenance|hardware|expenses?|margins?|ebitda"
    r"|capex|r&d|marketing"
    r"|costs?|personnel|staff|wages|salar\w+|sg&a|opex|rent|support|overhead|interest|tax(?:es)?|cash|debt|growth"
    r"|grew|comparable|payroll|recurring|shares? of common|outstanding|merchandise|export\w*|units?)\b"
)

CONCENTRATION = (
    RiskPattern(
        category=RiskCategory.customer_concentration,
        severity=Severity.P1,
        action=Action.price,
        title="Revenue depends on few customers",
        why="Losing one of them changes what the company is worth.",
        kind=Kind.fact,
        cues=("customer", "client", "account"),
        says=r"\b(?:customers?|clients?|accounts?)\b[^;]{0,160}(?:account(?:s|ed|ing)? for|represent(?:s|ed|ing)?"
        r"|generat(?:es?|ed|ing)"
        r"|contribut(?:es?|ed|ing)|compris(?:es?|ed|ing)|ma[dk]es? up|ma[dk]e up|provid(?:es?|ed|ing)|deliver(?:s"
        r"|ed)|constitut(?:es?|ed)"
        rf"|is|are|was|were|at|=|:)[^;]{{0,60}}{_SHARE}[^;]{{0,80}}{_REVENUE}"
        rf"|{_SHARE}[^;]{{0,80}}{_REVENUE}[^;]{{0,100}}\b(?:from|by|to|with|on|in"
        rf"|depend\w*)\b[^;]{{0,80}}\b(?:customers?|clients?|accounts?)\b"
        rf"|{_REVENUE}[^;]{{0,80}}{_SHARE}[^;]{{0,60}}\b(?:from|by|with)\b[^;]{{0,60}}\b(?:customers?|clients?"
        rf"|accounts?)\b"
        r"|\b(?:customers?|client) concentration\b[^;]{0,80}(?:risk|high|significant|material|\d{2})"
        r"|\b(?:depend(?:s|ent|ence|ency)?|relian(?:t|ce)|rel(?:y|ies))\b[^;]{0,40}\bon (?:a |one |its |two |three "
        r"|very )?(?:single|small"
        r" number|few|limited number|largest|key|one|two|three)\b[^;]{0,40}\b(?:customers?|clients?|accounts?)\b",
        unless=f"{_NO_SINGLE_CUSTOMER}|{_TERM_OF_CONTRACT}|accounts (?:receivable|payable)|credit card|net promoter"
        f"|satisf\\w+|repeat"
        r"|retention|customer (?:support|service|success|care|experience|acquisition|survey)|existing customers"
        r"|renew\w+ rate|new customers",
    ),
    RiskPattern(
        category=RiskCategory.customer_concentration,
        severity=Severity.P1,
        action=Action.price,
        title="One relationship brings much of the revenue",
        why="Losing it changes what the company is worth.",
        kind=Kind.fact,
        cues=("revenue", "sales", "turnover", " arr", "billings"),
        says=r"(?:\b(?:account(?:s|ed|ing)? for|represent(?:s|ed|ing)?|generat(?:es?|ed)|contribut(?:es?"
        r"|ed))\b[^;]{0,30}|\bsales to\b[^;]{0,80}"
        rf"|\A[^;:=]{{3,60}}(?:[:=]| -) ?){_SHARE}[^;]{{0,20}}\bof\b[^;]{{0,40}}{_REVENUE}",
        unless=f"{_NO_SINGLE_CUSTOMER}|{_TERM_OF_CONTRACT}|{_NOT_A_CUSTOMER}|cost of|\\bstock\\b|\\bvot\\w+|software"
        f"|products?\\b",
    ),
    RiskPattern(
        category=RiskCategory.supplier_concentration,
        severity=Severity.P2,
        action=Action.structure,
        title="Supply depends on one source",
        why="Losing it stops production until a replacement is qualified.",
        kind=Kind.fact,
        cues=("sole", "single", "supplier", "vendor", "supplied by", "foundry", "second source", "alternat"),
        says=r"\b(?:sole|single)[- ]sourced?\b|\bsole (?:qualified |approved )?(?:supplier|vendor|source"
        r"|manufacturer)\b"
        r"|\b(?:depend\w*|relian\w*|rel(?:y|ies))\b[^;]{0,40}\bon (?:a |one )?(?:single|sole|one"
        r"|limited number)[^;]{0,40}\b(?:suppliers?"
        r"|vendors?|manufacturers?|source|foundry|plant)\b"
        r"|\b(?:no|without|lacks?)\b[^;]{0,20}\b(?:qualified )?(?:second|alternat\w+|backup|substitute"
        r"|other qualified) (?:\w+ )?(?:sources?"
        r"|suppliers?|vendors?|manufacturers?)\b"
        r"|(?:[4-9]\d|100)(?:\.\d+)? ?(?:%|percent|per cent)[^;]{0,100}\b(?:components?|raw materials?|inputs"
        r"|purchases|cogs|supply|resin"
        r"|parts|materials)\b[^;]{0,80}\b(?:from|by)\b[^;]{0,40}\b(?:one|single|sole|supplier|vendor)\b",
        unless=f"{_NO_SINGLE_CUSTOMER}|{_TERM_OF_CONTRACT}|sole (?:member|shareholder|discretion|remedy|purpose)"
        f"|dual[- ]sourc\\w+",
    ),
)

EARNINGS = (
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
        unless=f"{_TERM_OF_CONTRACT}|amended and restated|\\bexcluding\\b|\\bexcludes?\\b|non-gaap|one-time (?:fee"
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
            r"\b(?:is|are|was|were|of which) [^;]{0,40}(?:over ?due|past due)|\bover (?:90|120|180) days|\b(?:90|120"
            r"|180)\+? days (?:past|old|over)"
            r"|\bolder than (?:90|120|180|12)|\bobsolete\b|\bslow[- ]moving|\bwritten (?:off|down)|\bshortfall\b"
            r"|\bbelow (?:the )?(?:\w+ )?(?:peg"
            r"|target|normal\w*)|\bdeteriorat\w+|\bstretched\b|\buncollect\w+|\bunder-?reserved|\bdoubtful\b",
            130,
        ),
        unless=f"{_TERM_OF_CONTRACT}|allowance for|net of|policy|lower of cost",
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
        says=r"\b(?:unfunded|under-?funded)\b[^;]{0,60}\b(?:pension|liabilit\w+|obligations?|plan|benefit|severance)\b"
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
        unless=f"{_TERM_OF_CONTRACT}|executive|fully (?:funded|accrued)",
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
        unless=f"{_TERM_OF_CONTRACT}|and is continuing|no event of default|\\bany event of default"
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
        unless=f"{_TERM_OF_CONTRACT}|section 4(?:09a|999)|deferred tax|\\bno (?:tax|exposure)|net of tax"
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
        r"|\boff[- ]balance[- ]sheet (?:\w+ ){0,2}(?:obligations?|liabilit\w+|arrangements?|financing|exposure|lease"
        r"|vehicle)"
        r"|\b(?:factoring|receivables (?:sale|purchase))\b[^;]{0,80}\bwith (?:full )?recourse\b|\bkeepwell\b",
        unless=f"{_TERM_OF_CONTRACT}|\\b(?:no|not|nor|any|without|neither)\\b[^;]{{0,40}}(?:off[- ]balance|guarant)"
        f"|guarantor(?:'s)? name|effective time"
        r"|as (?:set forth|disclosed)|guarantees? (?:that|the (?:quality|accuracy|performance of the works))"
        r"|merger sub",
    ),
)

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
        unless=f"{_TERM_OF_CONTRACT}|shall not|stockholders? of record|beneficial\\w* own|tender offer"
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
        unless=f"{_TERM_OF_CONTRACT}|nothing in|\\bthe contractor\\b|general contractor|subcontractor",
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
        unless=f"{_TERM_OF_CONTRACT}|\\bexecutive\\b|retired in|leave of absence|maternity|notice of (?:termination"
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
        unless=f"{_TERM_OF_CONTRACT}|executive|software|capital lease",
    ),
)

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
        unless=r"\bshall\b|\bif\b|assignment of inventions|invention|intellectual",
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
        unless=f"{_TERM_OF_CONTRACT}|\\bdelay in closing costs|closing price|\\bwithout delay\\b"
        f"|closing of (?:the )?(?:stores?|market)",
    ),
)

MISSING_AND_UNSIGNED = tuple(
    pattern
    for pattern in PAPERS
    if pattern.category in (RiskCategory.missing_document, RiskCategory.document_integrity)
)
BUSINESS = (*CONCENTRATION, *PEOPLE, *EARNINGS, *PAPERS)
