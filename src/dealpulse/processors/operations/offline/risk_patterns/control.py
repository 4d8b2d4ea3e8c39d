"""Who owns the company, and what contracts say about a change: consents, terminations, assignments, severance."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import (
    DEFINES,
    NEUTRAL,
    NO_CONSEQUENCE,
    PERMITTED_WITHOUT,
)

_CONTROL = (
    r"(?:changes?|transfer)[ -](?:of|in)[ -](?:the )?(?:\w+ ){0,2}(?:control|ownership)"
    r"|(?:sale|transfer|acquisition|disposition|disposal) of (?:all or |a "
    r"|more than )?(?:substantially all|majority"
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
    r"|\b(?:no|not) (?:\w+ ){0,6}(?:termination|consent|restrict\w+|assignment) (?:right|requirement"
    r"|provision|is|are)"
    r"|\bcontains? no\b|\bnot (?:be )?(?:subject to|conditioned)|\bno (?:restriction|limitation|prohibition)s?\b"
    r"|\A\W*(?:no|none of the|neither) \w+|\b(?:none of the|no (?:other )?(?:customer|supplier|contract"
    r"|lender|lease"
    r"|counterparty|agreement))\b"
    r"|(?:no|in the absence of)(?: an?)? change[ -](?:of|in)[ -]control"
    f"|{NO_CONSEQUENCE}|{PERMITTED_WITHOUT}"
)

_EMPLOYMENT = r"\b(?:executive|employee|employment|severance|officer|optionee|participant|salary)\b"

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
        unless=f"{NEUTRAL}|{_NO_CONTROL_RIGHT}|{_EMPLOYMENT}|\\bvest(?:s|ed|ing)?\\b",
    ),
    RiskPattern(
        category=RiskCategory.change_of_control,
        severity=Severity.P1,
        action=Action.structure,
        title="A contract has a change-of-control provision",
        why="The acquisition may need this counterparty's consent: read the provision and plan the request.",
        kind=Kind.fact,
        cues=("control",),
        says=r"change[ -](?:of|in)[ -]control (?:provision|clause|consent|trigger|termination|restriction"
        r"|waiver)s?\b",
        unless=f"{NEUTRAL}|{_NO_CONTROL_RIGHT}|{_EMPLOYMENT}",
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
            r"|\bshall (?:be entitled to|receive|pay)\b|will pay\b|\btimes (?:the |his "
            r"|her )?(?:\w+ )?(?:base )?salary"
            r"|months(?:' | of )\w*(?: base)? ?salary|good reason",
            220,
        ),
        unless=f"{NEUTRAL}|\\bcontains? no\\b|\\bno (?:severance|bonus|payment|change)",
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
        unless=f"{NEUTRAL}|{NO_CONSEQUENCE}|{PERMITTED_WITHOUT}|(?<!neither party )\\bmay assign\\b"
        f"|\\bexcept (?:to|in connection|that|for)\\b"
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
        r"(?:assign|transfer)\b[^;]{0,120}\b(?:this (?:agreement|contract|lease|licen[cs]e)|its rights"
        r"|the agreement"
        r"|any of its)"
        r"[^;]{0,160}without[^;]{0,50}consent"
        r"|\b(?:is|are) not (?:assignable|transferable)[^;]{0,80}without[^;]{0,50}consent",
        unless=f"{NEUTRAL}|unreasonably (?:withheld|withhold|conditioned)|\\bmay assign\\b|\\bneither\\b"
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
        unless=f"{NEUTRAL}|{NO_CONSEQUENCE}|{_EMPLOYMENT}"
        r"|\b(?:may|can|shall|will) not (?:\w+ ){0,3}(?:be )?(?:terminat|cancel)|neither party (?:may|shall)"
        r"|no party (?:may|shall)"
        r"|not (?:be )?(?:terminable|terminat)|\bnon-?cancel\w+|\bno (?:right|termination)|nor may"
        r"|does not (?:\w+ ){0,3}terminat"
        r"|no termination for convenience|mutual(?:ly)? (?:written )?(?:agree|consent)|prior to the (?:closing"
        r"|effective)"
        r"|(?:material(?:ly)?|uncured) (?:\w+ )?breach|breach(?:es)? (?:of )?(?:any|this|its)|insolven|bankrupt"
        r"|fails? to|failure to|default|if the other party|following an? event|written agreement of"
        r"|your (?:stock )?option"
        r"|cancel (?:any|a|the|such|its) (?:request|order|reservation|notice|borrowing)|board members?|notice of cancel"
        r"|commitments?\b|modify any such plan|in arrears|violation of this|if a court|such right of termination"
        r"|termination of employment|employment (?:may|can) be terminated"
        r"|trial|consultant's services|consulting services|without limiting",
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
        unless=DEFINES,
    ),
)
