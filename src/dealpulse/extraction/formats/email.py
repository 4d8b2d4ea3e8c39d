"""A message read as a document: its headers, then its whole text. Its attachments are documents of their own."""

from __future__ import annotations

from dealpulse.extraction.letter import Letter
from dealpulse.extraction.mail import read_letter, take_enclosures
from dealpulse.extraction.pages import Draft, Reading, section_drafts
from dealpulse.extraction.registry import Source
from dealpulse.models import Address, PageKind


def read(source: Source) -> Reading:
    letter = read_letter(source.path, mime_type=source.mime_type)
    text = "\n".join([*_header_lines(letter), "", letter.text])
    drafts = section_drafts(text, label=letter.subject or None)
    if len(drafts) == 1:
        drafts = [Draft(text=text, kind=PageKind.page, label=letter.subject or None)]
    take_enclosures(letter, source.inner)
    return Reading(pages=tuple(drafts), warnings=letter.warnings)


def _header_lines(letter: Letter) -> list[str]:
    named = {
        "From": _shown(letter.sender) if letter.sender else "",
        "To": ", ".join(map(_shown, letter.to)),
        "Cc": ", ".join(map(_shown, letter.cc)),
        "Date": letter.sent_at.isoformat() if letter.sent_at else "",
        "Subject": letter.subject,
    }
    return [f"{name}: {value}" for name, value in named.items() if value]


def _shown(address: Address) -> str:
    return f"{address.name} <{address.address}>" if address.name else address.address
