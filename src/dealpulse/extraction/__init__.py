"""Bytes to text: documents become pages, e-mails become decoded messages, in a sandboxed child process."""

from dealpulse.extraction.contract import Attachment, DocumentContent, EmailContent, Limits
from dealpulse.extraction.sandbox import extract_document, extract_email

__all__ = ["Attachment", "DocumentContent", "EmailContent", "Limits", "extract_document", "extract_email"]
