"""Customers and suppliers the company hangs on."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern
from dealpulse.processors.operations.offline.risk_patterns.wording import CONTRACT_LANGUAGE

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
        unless=f"{_NO_SINGLE_CUSTOMER}|{CONTRACT_LANGUAGE}|accounts (?:receivable|payable)|credit card|net promoter"
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
        unless=f"{_NO_SINGLE_CUSTOMER}|{CONTRACT_LANGUAGE}|{_NOT_A_CUSTOMER}|cost of|\\bstock\\b|\\bvot\\w+|software"
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
        unless=f"{_NO_SINGLE_CUSTOMER}|{CONTRACT_LANGUAGE}|sole (?:member|shareholder|discretion|remedy|purpose)"
        f"|dual[- ]sourc\\w+",
    ),
)
