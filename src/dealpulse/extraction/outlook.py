"""Outlook messages (``.msg``)."""

from __future__ import annotations

import re
from datetime import UTC
from email.message import EmailMessage, Message
from email.parser import HeaderParser
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

import olefile

from dealpulse.errors import Unreadable
from dealpulse.extraction.charsets import decode
from dealpulse.extraction.letter import Enclosure, Letter
from dealpulse.extraction.mapi import Folder, decompressed_rtf
from dealpulse.extraction.markup import html_to_text, rtf_to_text, without_quotes
from dealpulse.extraction.pages import one_line
from dealpulse.models import Address, CalendarEvent

_CLASS, _SUBJECT, _HEADERS = 0x001A, 0x0037, 0x007D
_BODY, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_MESSAGE_ID, _REFERENCES, _IN_REPLY_TO = 0x1035, 0x1039, 0x1042
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_NAME, _ADDRESS, _SMTP_ADDRESS, _RECIPIENT_KIND = 0x3001, 0x3003, 0x39FE, 0x0C15
_SUBMITTED_AT, _DELIVERED_AT, _CREATED_AT = 0x0039, 0x0E06, 0x3007
_STARTS_AT, _ENDS_AT = 0x0060, 0x0061
_CONTENT, _LONG_NAME, _SHORT_NAME, _MIME_TYPE, _CONTENT_ID = 0x3701, 0x3707, 0x3704, 0x370E, 0x3712

_TO, _CC = 1, 2
_ID = re.compile(r"<[^<>\s]{3,998}>")
_DEEPEST = 10


def read_outlook(path: Path) -> Letter:
    try:
        with olefile.OleFileIO(path) as container:
            return _letter(Folder(container), depth=0)
    except OSError as error:
        raise Unreadable("The Outlook message is cut off or damaged; ask for it again.", code="truncated") from error


def _letter(message: Folder, *, depth: int) -> Letter:
    headers = HeaderParser().parsestr(message.text(_HEADERS))
    recipients = [(each.integer(_RECIPIENT_KIND), _recipient(each)) for each in message.folders("__recip_version1.0_")]
    text, own_text = _texts(message)
    references = _ID.findall(message.text(_REFERENCES) or _plain(headers, "References"))
    return Letter(
        message_id=_first_id(message.text(_MESSAGE_ID) or _plain(headers, "Message-ID")),
        in_reply_to=_first_id(message.text(_IN_REPLY_TO) or _plain(headers, "In-Reply-To")),
        references=tuple(dict.fromkeys(references)),
        subject=one_line(message.text(_SUBJECT)),
        sender=_sender(message, headers),
        to=tuple(address for kind, address in recipients if kind == _TO),
        cc=tuple(address for kind, address in recipients if kind == _CC),
        sent_at=message.time(_SUBMITTED_AT) or message.time(_DELIVERED_AT) or message.time(_CREATED_AT),
        text=text,
        own_text=own_text,
        events=_events(message),
        attachments=tuple(_enclosures(message, depth=depth)),
    )


# --- people and times -------------------------------------------------------------------------------------------------


def _plain(headers: Message, name: str) -> str:
    return str(headers.get(name, ""))


def _first_id(text: str) -> str | None:
    found = _ID.search(text)
    return found[0] if found else None


def _sender(message: Folder, headers: Message) -> Address | None:
    shown, in_header = parseaddr(_plain(headers, "From"))
    name = one_line(message.text(_SENDER_NAME)) or one_line(shown)
    address = _internet_address(message.text(_SENDER_SMTP), message.text(_SENDER_ADDRESS), in_header)
    return _address(name, address) if name or address else None


def _recipient(recipient: Folder) -> Address:
    name = one_line(recipient.text(_NAME))
    return _address(name, _internet_address(recipient.text(_SMTP_ADDRESS), recipient.text(_ADDRESS), name))


def _internet_address(*candidates: str) -> str:
    """The first that is one; Exchange's own addresses (``/o=.../cn=...``) are none."""
    for candidate in candidates:
        address = one_line(candidate).strip("'\"<> ").lower()
        if "@" in address and not address.startswith("/") and " " not in address:
            return address
    return ""


def _address(name: str, address: str) -> Address:
    name = name.strip("'\" ")
    return Address(address=address, name="" if name.lower() == address else name)


def _events(message: Folder) -> tuple[CalendarEvent, ...]:
    kind = message.text(_CLASS).lower()
    if not kind.startswith(("ipm.appointment", "ipm.schedule.meeting")):
        return ()
    method = "CANCEL" if "cancel" in kind else "REPLY" if ".resp." in kind else "REQUEST"
    starts_at, ends_at = message.time(_STARTS_AT), message.time(_ENDS_AT)
    return (CalendarEvent(summary=one_line(message.text(_SUBJECT)), start=starts_at, end=ends_at, method=method),)


# --- text and attachments ---------------------------------------------------------------------------------------------


def _texts(message: Folder) -> tuple[str, str]:
    html = message.binary(_HTML)
    markup = decode(html) if html else message.text(_HTML)
    rtf = decompressed_rtf(message.binary(_RTF))
    return body_texts(message.text(_BODY), markup, rtf, charset=message.codepage)


def body_texts(plain: str, markup: str, rtf: bytes, *, charset: str) -> tuple[str, str]:
    """All the text of the first version that has any, and the same without what HTML marks as quoted."""
    if plain.strip():
        return plain, plain
    if markup.strip():
        return html_to_text(markup), html_to_text(without_quotes(markup))
    text = rtf_to_text(rtf, charset=charset) if rtf else ""
    return text, text


def _enclosures(message: Folder, *, depth: int) -> list[Enclosure]:
    enclosures = []
    for folder in message.folders("__attach_version1.0_"):
        inner = folder.attached_message()
        if inner is not None:
            if depth < _DEEPEST:
                enclosures.append(_as_mail(_letter(inner, depth=depth + 1)))
            continue
        content = folder.binary(_CONTENT)
        mime_type = one_line(folder.text(_MIME_TYPE)).lower() or "application/octet-stream"
        shown_in_text = folder.text(_CONTENT_ID) and mime_type.startswith("image/")
        if content and not shown_in_text:
            name = folder.text(_LONG_NAME) or folder.text(_SHORT_NAME) or folder.text(_NAME)
            enclosures.append(Enclosure(name=name, mime_type=mime_type, content=content))
    return enclosures


def _as_mail(letter: Letter) -> Enclosure:
    """A message attached in Outlook's form, rewritten as Internet mail so that it can stand alone."""
    mail = EmailMessage(policy=SMTP)
    headers = {
        "Message-ID": letter.message_id,
        "In-Reply-To": letter.in_reply_to,
        "References": " ".join(letter.references),
        "Date": letter.sent_at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000") if letter.sent_at else None,
        "Subject": letter.subject,
        "From": _shown(letter.sender) if letter.sender else None,
        "To": ", ".join(map(_shown, letter.to)),
        "Cc": ", ".join(map(_shown, letter.cc)),
    }
    for name, value in headers.items():
        if value:
            mail[name] = value
    mail.set_content(letter.text, charset="utf-8")
    for enclosure in letter.attachments:
        main, _, sub = enclosure.mime_type.partition("/")
        mail.add_attachment(
            enclosure.content, maintype=main, subtype=sub or "octet-stream", filename=one_line(enclosure.name)
        )
    name = f"{letter.subject or 'message'}.eml".replace("/", "-")
    return Enclosure(name=name, mime_type="message/rfc822", content=mail.as_bytes())


def _shown(address: Address) -> str:
    name = re.sub(r'["\\<>]', "", address.name)
    return f'"{name}" <{address.address}>' if name else address.address
