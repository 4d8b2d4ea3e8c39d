"""What can be asked about a document or an e-mail: the registries.

``await DOCUMENT_OPERATIONS[name].run(document, engine=engine)`` does one. ``ingest`` and ``parse`` are not here: they
read files and ask no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dealpulse.jobs.documents import DocumentOperation
from dealpulse.jobs.emails import EmailOperation
from dealpulse.processors.operations.asking import DocumentOperationSpec
from dealpulse.processors.operations.catalogue.analyze_document import ANALYZE_DOCUMENT
from dealpulse.processors.operations.catalogue.analyze_email import ANALYZE_EMAIL
from dealpulse.processors.operations.catalogue.analyze_sentiment import ANALYZE_SENTIMENT
from dealpulse.processors.operations.catalogue.brief import brief_question
from dealpulse.processors.operations.catalogue.classify import CLASSIFY
from dealpulse.processors.operations.catalogue.detect_blocker import DETECT_BLOCKER
from dealpulse.processors.operations.catalogue.extract_risks import EXTRACT_RISKS
from dealpulse.processors.operations.catalogue.summarize import SUMMARIZE
from dealpulse.processors.operations.contract import Analysed, DocumentText, EmailOperationSpec, EmailText

DOCUMENT_OPERATIONS: Mapping[DocumentOperation, DocumentOperationSpec] = MappingProxyType(
    {
        DocumentOperation.summarize: SUMMARIZE,
        DocumentOperation.extract_risks: EXTRACT_RISKS,
        DocumentOperation.classify: CLASSIFY,
        DocumentOperation.analyze: ANALYZE_DOCUMENT,
    }
)
EMAIL_OPERATIONS: Mapping[EmailOperation, EmailOperationSpec] = MappingProxyType(
    {
        EmailOperation.analyze_sentiment: ANALYZE_SENTIMENT,
        EmailOperation.detect_blocker: DETECT_BLOCKER,
        EmailOperation.analyze: ANALYZE_EMAIL,
    }
)

__all__ = [
    "DOCUMENT_OPERATIONS",
    "EMAIL_OPERATIONS",
    "Analysed",
    "DocumentOperationSpec",
    "DocumentText",
    "EmailOperationSpec",
    "EmailText",
    "brief_question",
]
