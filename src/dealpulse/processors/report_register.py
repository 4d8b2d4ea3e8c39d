"""The risk register: a table for spreadsheets, one line a risk.

Risks whose quotes stand in no document are left out, as they are of briefs. Cells are other people's text: none of them
is a formula to the spreadsheet that opens them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from dealpulse.models import RecordedCitation, RecordedFinding, Verification

COLUMNS: Final = (
    "fingerprint",
    "severity",
    "category",
    "title",
    "explanation",
    "action",
    "status",
    "review",
    "first seen",
    "last changed",
    "documents and pages",
    "quotes",
    "verification",
)
_BYTE_ORDER_MARK: Final = "\ufeff"
"""By which Excel knows UTF-8."""
_FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_BETWEEN: Final = " | "


def in_register(finding: RecordedFinding) -> bool:
    """Whether some document says so, or did before it ended."""
    return not finding.citations or bool(_verified(finding))


def as_csv(findings: Sequence[RecordedFinding]) -> str:
    """RFC 4180 with a byte order mark, in the order given."""
    text = io.StringIO()
    writer = csv.writer(text, dialect="excel", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _line(finding)] for finding in findings if in_register(finding))
    return _BYTE_ORDER_MARK + text.getvalue()


def _line(finding: RecordedFinding) -> tuple[str, ...]:
    cited = _verified(finding)
    return (
        finding.fingerprint,
        finding.severity.value,
        finding.category.value,
        finding.title,
        finding.explanation,
        finding.action.value,
        finding.status.value,
        finding.review.value if finding.review else "",
        finding.first_seen_at.date().isoformat(),
        finding.changed_at.date().isoformat() if finding.changed_at else "",
        _BETWEEN.join(_place(one) for one in cited),
        _BETWEEN.join(" ".join(one.citation.quote.split()) for one in cited),
        _BETWEEN.join(one.citation.verification.value for one in cited),
    )


def _verified(finding: RecordedFinding) -> list[RecordedCitation]:
    found = [one for one in finding.citations if one.citation.verification is not Verification.unverified]
    return sorted(found, key=lambda one: (one.document_name, one.citation.page or 0, one.citation.start or 0))


def _place(cited: RecordedCitation) -> str:
    page = cited.citation.page
    return cited.document_name if page is None else f"{cited.document_name}, p. {page}"


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_BEGINS) else text
