"""All patterns of risks, by subject."""

from __future__ import annotations

from dealpulse.processors.operations.offline.risk_patterns.concentration import CONCENTRATION
from dealpulse.processors.operations.offline.risk_patterns.control import (
    ANTI_ASSIGNMENT,
    CHANGE_OF_CONTROL,
    SEVERANCE,
    TERMINATION,
)
from dealpulse.processors.operations.offline.risk_patterns.legal import LITIGATION, REGULATORY
from dealpulse.processors.operations.offline.risk_patterns.liability import DEAL_TERMS, LIABILITY
from dealpulse.processors.operations.offline.risk_patterns.money import EARNINGS
from dealpulse.processors.operations.offline.risk_patterns.papers import MISSING_AND_UNSIGNED, PAPERS
from dealpulse.processors.operations.offline.risk_patterns.pattern import RiskPattern
from dealpulse.processors.operations.offline.risk_patterns.people import PEOPLE
from dealpulse.processors.operations.offline.risk_patterns.restrictions import COMMERCIAL_RESTRICTIONS
from dealpulse.processors.operations.offline.risk_patterns.sites_and_cover import ENVIRONMENT_AND_INSURANCE
from dealpulse.processors.operations.offline.risk_patterns.technology import (
    INTELLECTUAL_PROPERTY,
    INTELLECTUAL_PROPERTY_TERMS,
    PRIVACY_AND_CYBER,
)

PATTERNS: tuple[RiskPattern, ...] = (
    *CHANGE_OF_CONTROL,
    *COMMERCIAL_RESTRICTIONS,
    *LIABILITY,
    *TERMINATION,
    *ANTI_ASSIGNMENT,
    *SEVERANCE,
    *DEAL_TERMS,
    *LITIGATION,
    *INTELLECTUAL_PROPERTY,
    *INTELLECTUAL_PROPERTY_TERMS,
    *PRIVACY_AND_CYBER,
    *ENVIRONMENT_AND_INSURANCE,
    *REGULATORY,
    *CONCENTRATION,
    *PEOPLE,
    *EARNINGS,
    *PAPERS,
)
"""In order of precedence: a sentence counts for the first it matches."""

DEAL_PATTERNS: tuple[RiskPattern, ...] = (*DEAL_TERMS, *LIABILITY, *SEVERANCE, *MISSING_AND_UNSIGNED)
"""For the deal's own agreement, which represents, covenants and defines in the words of every other risk."""
