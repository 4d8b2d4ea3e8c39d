"""Messages, whichever program wrote them, and what we keep of one."""

from __future__ import annotations

import re
from pathlib import Path

from dealpulse.extraction.contract import EmailContent
from dealpulse.extraction.inner_files import BINARY, InnerFiles, safe_name
from dealpulse.extraction.letter import Letter
from dealpulse.extraction.pages import clean
from dealpulse.extraction.quotes import new_text
from dealpulse.extraction.threads import thread_key

OUTLOOK = "application/vnd.ms-outlook"
TNEF = "application/ms-tnef"
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


def read_letter(path: Path, *, mime_type: str) -> Letter:
    """Raises ``Unreadable`` for a file that is no message at all."""
    if mime_type == TNEF:
        from dealpulse.extraction.tnef import read_tnef

        return read_tnef(path.read_bytes())
    if mime_type == OUTLOOK:
        from dealpulse.extraction.outlook import read_outlook

        return read_outlook(path)
    from dealpulse.extraction.rfc822 import read_rfc822

    return read_rfc822(path.read_bytes())


def read_email(path: Path, *, mime_type: str, inner: InnerFiles) -> EmailContent:
    """The message, its attachments handed to ``inner``."""
    letter = read_letter(path, mime_type=mime_type)
    full_text = clean(letter.text).strip("\n")
    own_text = clean(letter.own_text).strip("\n")
    take_enclosures(letter, inner)
    return EmailContent(
        message_id=letter.message_id,
        in_reply_to=letter.in_reply_to,
        references=letter.references,
        thread_key=thread_key(
            message_id=letter.message_id,
            in_reply_to=letter.in_reply_to,
            references=letter.references,
            subject=letter.subject,
            full_text=full_text,
        ),
        subject=letter.subject,
        sender=letter.sender,
        to=letter.to,
        cc=letter.cc,
        sent_at=letter.sent_at,
        body_text=new_text(own_text if own_text.strip() else full_text),
        full_text=full_text,
        events=letter.events,
        attachments=inner.taken,
        warnings=letter.warnings + inner.warnings(),
    )


def take_enclosures(letter: Letter, inner: InnerFiles) -> None:
    """Hand the message's attachments to ``inner``; a name says nothing of directories."""
    for number, enclosure in enumerate(letter.attachments, start=1):
        name = safe_name(enclosure.name) or f"attachment-{number}"
        inner.add(name, [enclosure.content], mime_type=_known_type(enclosure.mime_type))


def _known_type(declared: str) -> str:
    """A type that may stand in a header: senders declare anything."""
    return declared if _MIME_TYPE.fullmatch(declared) else BINARY
