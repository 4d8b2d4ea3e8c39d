"""Contamination, and what no insurance covers."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import TERM_OF_CONTRACT

ENVIRONMENT_AND_INSURANCE = (
    RiskPattern(
        category=RiskCategory.environmental,
        severity=Severity.P1,
        action=Action.price,
        title="Contamination or clean-up cost",
        why="The owner of the site pays for it, whoever caused it.",
        kind=Kind.fact,
        cues=(
            "contaminat",
            "groundwater",
            "hazardous",
            "asbestos",
            "remediation",
            "storage tank",
            "soil",
            "solvent",
            "trichloro",
            "pfas",
            "spill",
            "phase i",
            "phase 1",
            "phase 2",
            "recognized environmental",
            "petroleum",
            "hydrocarbon",
        ),
        says=r"\brecogni[sz]ed environmental conditions?\b|"
        + either_order(
            r"\bcontaminat\w+|\bgroundwater|\bhazardous (?:substances?|materials?|wastes?)|\basbestos"
            r"|\bunderground storage tanks?"
            r"|\bsoils?\b|\bsolvents?\b|\btrichloroethylene|\btce\b|\bpfas\b|\bspills?\b|\bhydrocarbons?\b"
            r"|\bphase (?:i|ii|1|2)\b"
            r"|\benvironmental remediation|\bsite remediation",
            r"\bdetected\b|\bidentif(?:ied|ies)\b|\bfound\b|\bexceed\w*|\babove\b|\belevated\b|\bestimate[ds]?\b"
            r"|\brecommend\w*|\breleased?\b"
            r"|\bcosts?\b|\bconfirmed\b|\bpresent\b|\bleak\w*|\bdischarged?\b|\bordered\b|\brequires? (?:remediation"
            r"|clean)|\bencountered\b",
            130,
        ),
        unless=f"{TERM_OF_CONTRACT}|no recogni[sz]ed environmental|\\bno (?:further )?(?:evidence|indication"
        f"|sign)s?\\b|\\bcontractor\\b|did not identify"
        r"|\bphase (?:i|ii|1|2) (?:of (?:the )?(?:project|review|trial|rollout|integration)|clinical|trial|review)",
    ),
    RiskPattern(
        category=RiskCategory.insurance,
        severity=Severity.P2,
        action=Action.structure,
        title="A gap in insurance cover",
        why="What is not insured is paid by the company, and so by its buyer.",
        kind=Kind.fact,
        cues=("insur", "policy", "coverage", "carrier"),
        says=r"\b(?:insurance|polic(?:y|ies)|coverage|d&o|insurers?|carriers?)\b[^;]{0,120}\b(?:lapsed|den(?:ied"
        r"|ying)|declined (?:to|coverage)"
        r"|reserv(?:ed|ing|ation of) (?:its |their )?rights|uninsured|underinsured|exhausted"
        r"|not (?:been )?(?:renewed|notified|covered)"
        r"|non-?renew(?:al|ed)|will not renew|does not cover|do not cover|cancel(?:l)?ed by|excludes? (?:coverage"
        r"|claims|losses|cyber))\b"
        r"|\b(?:insurer|carrier|underwriter)s?\b[^;]{0,60}\b(?:denied|declined|disclaimed|reserved|refused"
        r"|cancel(?:l)?ed)\b"
        r"|\b(?:company|it|business|target|group) (?:has|carries|maintains|holds) no\b[^;]{0,40}\binsurance"
        r"|\bno (?:cyber|product liability|professional indemnity|professional liability|d&o|e&o"
        r"|business interruption|key[- ]man|environmental|flood)"
        r"[^;]{0,30}\b(?:insurance|coverage|cover|policy)\b"
        r"|\b(?:under-?insured|uninsured)\b",
        unless=f"{TERM_OF_CONTRACT}|privacy policy|company policy|policy of the|not lapsed|accounting polic",
    ),
)
