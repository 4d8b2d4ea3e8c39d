"""E-mails as .eml files: quoting as the common programs do it, alternatives, attachments, invitations."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import Enum
from html import escape

from .markup import TEXTS


@dataclass(frozen=True)
class Person:
    name: str
    address: str
    signature: str = ""

    @property
    def mailbox(self) -> str:
        return f"{self.name} <{self.address}>"


class Quote(Enum):
    """How the sender's program shows the message it answers."""

    NONE = "none"
    GMAIL = "gmail"
    THUNDERBIRD = "thunderbird"
    OUTLOOK = "outlook"
    ORIGINAL = "original message"


class Form(Enum):
    TEXT = "text"
    HTML = "html"
    BOTH = "both"


@dataclass(frozen=True)
class Mail:
    """One message. `key` names the file, and the text in `text/emails`; `parent` is the key of the one answered."""

    key: str
    sent: datetime
    sender: Person
    to: tuple[Person, ...]
    subject: str
    cc: tuple[Person, ...] = ()
    parent: str | None = None
    quote: Quote = Quote.NONE
    form: Form = Form.TEXT
    charset: str = "utf-8"
    attachment: str | None = None
    invite: bool = False

    @property
    def body(self) -> str:
        """What the sender wrote; one line a paragraph."""
        return (TEXTS / "emails" / f"{self.key}.txt").read_text(encoding="utf-8").strip()

    @property
    def message_id(self) -> str:
        return f"<{self.key}.{self.sent:%Y%m%d%H%M}@{self.sender.address.partition('@')[2]}>"


def render(mail: Mail, mails: Mapping[str, Mail], attachments: Mapping[str, bytes], invite: str) -> bytes:
    """The message as it would be exported from a mailbox. `attachments` are DOCX files by name."""
    message = EmailMessage()
    message["Date"] = format_datetime(mail.sent)
    message["From"] = _address(mail.sender)
    message["To"] = [_address(person) for person in mail.to]
    if mail.cc:
        message["Cc"] = [_address(person) for person in mail.cc]
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    ancestors = _ancestors(mail, mails)
    if ancestors:
        message["In-Reply-To"] = ancestors[-1].message_id
        message["References"] = " ".join(ancestor.message_id for ancestor in ancestors)
    _set_body(message, mail, full_text(mail, mails), _page(full_text(mail, mails, wrapped=False)))
    if mail.attachment is not None:
        message.add_attachment(
            attachments[mail.attachment],
            maintype="application",
            subtype="vnd.openxmlformats-officedocument.wordprocessingml.document",
            filename=mail.attachment,
        )
    if mail.invite:
        message.add_alternative(invite, subtype="calendar", cte="quoted-printable", params={"method": "REQUEST"})
    if message.is_multipart():
        message.set_boundary(f"=_{mail.key}_part")
    return message.as_bytes()


def full_text(mail: Mail, mails: Mapping[str, Mail], *, wrapped: bool = True) -> str:
    """What the sender wrote, the signature, and the message answered, quoted in full with its own quotes."""
    parts = [_wrap(mail.body) if wrapped else mail.body]
    if mail.sender.signature:
        parts.append(mail.sender.signature)
    if mail.parent is not None and mail.quote is not Quote.NONE:
        parent = mails[mail.parent]
        # A mail program shows the time of the message it answers in its own user's zone.
        seen = replace(parent, sent=parent.sent.astimezone(mail.sent.tzinfo))
        parts.append(_quoted(seen, full_text(parent, mails, wrapped=wrapped), mail.quote))
    return "\n\n".join(parts) + "\n"


def _wrap(body: str) -> str:
    paragraphs = body.split("\n\n")
    return "\n\n".join(
        "\n".join(textwrap.fill(line, 76, break_on_hyphens=False) for line in paragraph.splitlines())
        for paragraph in paragraphs
    )


def _quoted(parent: Mail, text: str, style: Quote) -> str:
    if style in (Quote.OUTLOOK, Quote.ORIGINAL):
        rule = "_" * 32 if style is Quote.OUTLOOK else "-----Original Message-----"
        return f"{rule}\n{_outlook_header(parent)}\n\n{text.rstrip()}"
    marked = "\n".join(f"> {line}".rstrip() for line in text.rstrip().splitlines())
    when = parent.sent
    if style is Quote.THUNDERBIRD:
        return f"On {when:%d/%m/%Y %H:%M}, {parent.sender.name} wrote:\n{marked}"
    clock = f"{when:%a, %b} {when.day}, {when.year} at {when.hour % 12 or 12}:{when:%M %p}"
    return f"On {clock} {parent.sender.mailbox}\nwrote:\n\n{marked}"


def _outlook_header(parent: Mail) -> str:
    when = parent.sent
    clock = f"{when:%A, %B} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M %p}"
    lines = [f"From: {parent.sender.mailbox}", f"Sent: {clock}"]
    lines.append("To: " + "; ".join(person.mailbox for person in parent.to))
    if parent.cc:
        lines.append("Cc: " + "; ".join(person.mailbox for person in parent.cc))
    return "\n".join([*lines, f"Subject: {parent.subject}"])


def _set_body(message: EmailMessage, mail: Mail, text: str, page: str) -> None:
    if mail.form is Form.HTML:
        message.set_content(page, subtype="html", charset=mail.charset, cte="quoted-printable")
        return
    cte = "7bit" if text.isascii() else "quoted-printable"
    message.set_content(text, charset=mail.charset, cte=cte)
    if mail.form is Form.BOTH:
        message.add_alternative(page, subtype="html", charset=mail.charset, cte="quoted-printable")


def _page(text: str) -> str:
    paragraphs = (f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n"))
    body = "\n".join(paragraph.replace("\n", "<br>\n") for paragraph in paragraphs)
    return f"<html>\n<body>\n{body}\n</body>\n</html>\n"


def _ancestors(mail: Mail, mails: Mapping[str, Mail]) -> list[Mail]:
    if mail.parent is None:
        return []
    parent = mails[mail.parent]
    return [*_ancestors(parent, mails), parent]


def _address(person: Person) -> Address:
    return Address(person.name, addr_spec=person.address)
