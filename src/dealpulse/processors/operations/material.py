"""A document or an e-mail as a question's material. Labels are ours; names and text are the others'."""

from __future__ import annotations

from dealpulse.ai.contract import Material
from dealpulse.models import Address, Page
from dealpulse.processors.operations.contract import DocumentText, EmailText

LONGEST_THREAD = 40_000
"""Characters of a thread's earlier messages: the latest are kept."""


def document_material(document: DocumentText) -> tuple[Material, ...]:
    """A section says that it is one, and repeats the end of what stands before it."""
    heading = [Material(label="file name", text=document.name)]
    if document.section_of is not None:
        heading.append(Material(label="what this is", text=f"Only {section_label(document)} of {document.section_of}."))
    if document.before:
        heading.append(Material(label="the end of what stands before, for context only", text=document.before))
    return (*heading, *map(_page_material, document.pages))


def section_label(section: DocumentText) -> str:
    first, last = section.pages[0].number, section.pages[-1].number
    return f"page {first}" if first == last else f"pages {first} to {last}"


def _page_material(page: Page) -> Material:
    heading = f"[{page.label}]\n" if page.label else ""
    return Material(label=f"page {page.number} ({page.kind.value})", text=heading + page.text)


def email_material(email: EmailText) -> tuple[Material, ...]:
    earlier: list[Material] = []
    room = LONGEST_THREAD
    for position, message in reversed(list(enumerate(email.thread, start=1))):
        text = _message(message)
        room -= len(text)
        if room < 0:
            break
        earlier.insert(0, Material(label=f"earlier message {position} of the thread", text=text))
    return (*earlier, Material(label="the new message", text=_message(email)))


def _message(email: EmailText) -> str:
    return "\n".join(
        (
            f"From: {_address(email.sender)}",
            f"To: {', '.join(map(_address, email.to))}",
            f"Cc: {', '.join(map(_address, email.cc))}",
            f"Sent: {email.sent_at:%A %Y-%m-%d %H:%M %Z}",
            f"Subject: {email.subject}",
            "",
            email.body_text,
        )
    )


def _address(address: Address | None) -> str:
    if address is None:
        return "unknown"
    return f"{address.name} <{address.address}>" if address.name else address.address
