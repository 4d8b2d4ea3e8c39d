"""Messages, whichever program wrote them, and what we keep of one."""

from __future__ import annotations

import re
from pathlib import Path

from dealpulse.extraction.contract import Attachment, EmailContent
from dealpulse.extraction.letter import Enclosure, Letter
from dealpulse.extraction.pages import clean, one_line
from dealpulse.extraction.quotes import new_text
from dealpulse.extraction.threads import thread_key

OUTLOOK = "application/vnd.ms-outlook"
_PATH_SIGNS = re.compile(r"[\\/]+")
_LONGEST_NAME = 200
_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


def read_letter(path: Path, *, mime_type: str) -> Letter:
    """Raises ``Unreadable`` for a file that is no message at all."""
    if mime_type == OUTLOOK:
        from dealpulse.extraction.outlook import read_outlook

        return read_outlook(path)
    from dealpulse.extraction.rfc822 import read_rfc822

    return read_rfc822(path.read_bytes())


def read_email(path: Path, *, mime_type: str, attachments_dir: Path) -> EmailContent:
    """The message, its attachments written to ``attachments_dir`` as ``0001``, ``0002`` ..."""
    letter = read_letter(path, mime_type=mime_type)
    full_text = clean(letter.text).strip("\n")
    own_text = clean(letter.own_text).strip("\n")
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
        attachments=_written(letter.attachments, attachments_dir),
        warnings=letter.warnings,
    )


def _written(enclosures: tuple[Enclosure, ...], directory: Path) -> tuple[Attachment, ...]:
    directory.mkdir(parents=True, exist_ok=True)
    attachments = []
    for number, enclosure in enumerate(enclosures, start=1):
        path = directory / f"{number:04d}"
        path.write_bytes(enclosure.content)
        attachments.append(
            Attachment(
                name=safe_name(enclosure.name) or f"attachment-{number}",
                mime_type=_known_type(enclosure.mime_type),
                path=path,
                size_bytes=len(enclosure.content),
            )
        )
    return tuple(attachments)


def _known_type(declared: str) -> str:
    """A type that may stand in a header: senders declare anything."""
    return declared if _MIME_TYPE.fullmatch(declared) else "application/octet-stream"


def safe_name(name: str) -> str:
    """The last part of a file name, on one line, without control characters; empty where nothing is left."""
    last = one_line(_PATH_SIGNS.split(name.strip().rstrip("\\/"))[-1])
    if last.strip(".") == "":
        return ""
    stem, dot, extension = last.rpartition(".")
    if len(last) > _LONGEST_NAME and dot:
        return f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"[:_LONGEST_NAME]
    return last[:_LONGEST_NAME]
