"""Which workstreams a document belongs to, by what it talks about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from dealpulse.models import Page, Workstream
from dealpulse.processors.operations.offline.document_types import document_type
from dealpulse.processors.operations.schemas import ClassificationAnswer, WorkstreamEntry

LEAST = 1.6
"""Evidence below which a document stays unclassified, unless one workstream clearly leads."""
LEAST_OF_A_LEADER = 0.7
LEAD = 2.0
"""How many times the evidence of the next one a leader has."""
ALSO = 0.35
"""Share of the best score from which a workstream is listed beside the primary one."""
_READ = 60_000
"""Characters: what a document is about shows early."""

_TITLES: dict[str, Workstream] = {
    "merger agreement": Workstream.corporate_legal,
    "share purchase agreement": Workstream.corporate_legal,
    "asset purchase agreement": Workstream.corporate_legal,
    "proxy statement": Workstream.corporate_legal,
    "corporate charter or shareholder agreement": Workstream.corporate_legal,
    "board minutes": Workstream.corporate_legal,
    "letter of intent": Workstream.process,
    "non-disclosure agreement": Workstream.process,
    "services agreement": Workstream.material_contracts,
    "licence agreement": Workstream.material_contracts,
    "supply or distribution agreement": Workstream.material_contracts,
    "construction contract": Workstream.material_contracts,
    "agreement": Workstream.material_contracts,
    "data processing agreement": Workstream.cyber_privacy,
    "security report": Workstream.cyber_privacy,
    "severance agreement": Workstream.hr,
    "employment agreement": Workstream.hr,
    "personnel schedule": Workstream.hr,
    "credit agreement": Workstream.financing,
    "lease": Workstream.real_estate,
    "environmental report": Workstream.environmental_esg,
    "quality of earnings report": Workstream.financial,
    "audited financial statements": Workstream.financial,
    "financial statements": Workstream.financial,
    "tax document": Workstream.tax,
    "insurance document": Workstream.insurance,
    "litigation document": Workstream.litigation,
    "customer revenue schedule": Workstream.commercial,
    "information memorandum": Workstream.commercial,
}

_LEXICON: dict[Workstream, str] = {
    Workstream.corporate_legal: "board of directors|shareholders?|stockholders?|articles|bylaws|merger|capital stock"
    "|cap table|subsidiaries|incorporation|quorum|resolution",
    Workstream.material_contracts: "this agreement|supplier|customer shall|licensee|licensor|statement of work"
    "|purchase order|termination|governing law|indemnif\\w+|service levels?|hereunder",
    Workstream.litigation: "litigation|lawsuit|plaintiffs?|defendants?|complaint|court|arbitration|settlement"
    "|claimant|damages|counsel|injunction|alleg\\w+",
    Workstream.financial: "revenue|ebitda|gross margin|net income|balance sheet|cash flow|operating income"
    "|fiscal year|working capital|receivables?|forecast|budget|audit(?:or|ed)|accounts payable",
    Workstream.tax: "tax(?:es|ation)?|vat|irs|hmrc|withholding|deferred tax|tax returns?|transfer pricing|nexus"
    "|sales tax|income tax",
    Workstream.commercial: "customers?|pipeline|market share|competitors?|pricing|churn|retention|sales team|arr"
    "|bookings|segments?|growth rate|net promoter",
    Workstream.hr: "employees?|employment|salary|bonus|severance|headcount|payroll|benefits|vacation|pension"
    "|executive|contractors?|hiring|retention plan",
    Workstream.ip: "patents?|trademarks?|trade marks?|copyrights?|intellectual property|inventions?"
    "|invention assignment|domain names?|trade secrets?|open source|gpl|licen[cs]e compliance",
    Workstream.it: "servers?|infrastructure|cloud|aws|azure|erp|software stack|architecture|hosting|databases?"
    "|data cent(?:er|re)|legacy system|technical debt|api",
    Workstream.cyber_privacy: "gdpr|ccpa|hipaa|personal data|data protection|privacy|security incident"
    "|breach notification|ransomware|vulnerabilit\\w+|penetration test|encryption|mfa|data subjects?",
    Workstream.regulatory_antitrust: "antitrust|hsr|merger control|competition authority|ftc|regulator\\w*|fda"
    "|licen[cs]ing authority|permits?|compliance|sanctions|export control|inspection",
    Workstream.real_estate: "lease|landlord|tenant|premises|rent|square feet|square metres|sublease|building|zoning"
    "|lessor|lessee",
    Workstream.environmental_esg: "environmental|groundwater|soil|contamination|hazardous|remediation|asbestos"
    "|emissions|sustainability|epa|waste|storage tanks?",
    Workstream.insurance: "insurance|insurer|insured|policy period|premium|coverage|deductible|underwriter|d&o"
    "|claims history|broker",
    Workstream.operations: "production|manufacturing|plant|supply chain|inventory|warehouse|logistics|suppliers?"
    "|capacity|throughput|quality control|scrap",
    Workstream.integration: "integration|day one|day 1|synerg\\w+|transition services|tsa|100-day|cut-?over"
    "|carve-?out|post-closing",
    Workstream.financing: "lender|borrower|credit facility|term loan|revolving|covenants?|interest rate|guarantor"
    "|collateral|security interest|debt financing|event of default",
    Workstream.process: "data room|timetable|exclusivity|letter of intent|signing|closing date|bid|request list"
    "|due diligence|process letter|management meeting",
}
_PATTERNS = {name: re.compile(rf"\b(?:{words})\b") for name, words in _LEXICON.items()}


def classify(name: str, pages: Sequence[Page]) -> ClassificationAnswer:
    text = " ".join("\n".join(page.text for page in pages)[:_READ].lower().split())
    scores = _scores(text)
    titled = _TITLES.get(document_type(name, pages))
    if titled is not None:
        scores[titled] = scores.get(titled, 0.0) + 2.5
    best, second = sorted((*scores.values(), 0.0, 0.0), reverse=True)[:2]
    if best < LEAST and not (best >= LEAST_OF_A_LEADER and best >= LEAD * second):
        return ClassificationAnswer(primary=Workstream.unclassified)
    chosen = sorted(
        ((score, name) for name, score in scores.items() if score >= ALSO * best), key=lambda pair: (-pair[0], pair[1])
    )
    return ClassificationAnswer(
        primary=chosen[0][1],
        workstreams=[
            WorkstreamEntry(workstream=name, score=round(min(score / (best + 1.0), 1.0), 2))
            for score, name in chosen[:4]
        ],
    )


def _scores(text: str) -> dict[Workstream, float]:
    """Evidence by length of text: distinct telling words count most, repetition little."""
    length = max(len(text) / 6.0, 60.0)
    scores: dict[Workstream, float] = {}
    for name, pattern in _PATTERNS.items():
        counts = Counter(pattern.findall(text))
        if counts:
            density = sum(counts.values()) / length * 100
            scores[name] = math.log1p(density) * math.log1p(len(counts)) * (1.0 if len(counts) > 1 else 0.5)
    return scores
