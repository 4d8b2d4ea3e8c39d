"""Internet mail (``.eml``), read by the standard library and guarded against what senders really write."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from email.errors import InvalidBase64LengthDefect
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from typing import cast

from msgspec import Struct, field

from dealpulse.errors import Unreadable
from dealpulse.extraction.charsets import decode
from dealpulse.extraction.hidden import hidden_text_warnings
from dealpulse.extraction.invites import parse_invites
from dealpulse.extraction.letter import Enclosure, Letter
from dealpulse.extraction.markup import html_to_text, without_quotes
from dealpulse.extraction.markup_hidden import hidden_in_markup
from dealpulse.extraction.pages import one_line
from dealpulse.extraction.tnef import SIGNATURE, read_tnef
from dealpulse.models import Address, CalendarEvent

_MESSAGE_ID = re.compile(r"<[^<>\s]{3,998}>")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_DEEPEST = 30
"""Parts in parts beyond this depth are left out; real mail has four or five."""

_MOST_PARTS = 2_000
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})


class _Parts(Struct, kw_only=True):
    """What walking a message has found so far."""

    texts: list[str] = field(default_factory=list)
    own_texts: list[str] = field(default_factory=list)
    events: list[CalendarEvent] = field(default_factory=list)
    attachments: list[Enclosure] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    encrypted: bool = False
    """It has a part that only S/MIME or PGP opens."""
    seen: int = 0


def read_rfc822(data: bytes) -> Letter:
    """Raises ``Unreadable`` (``no_text``, ``encrypted``) where there is neither a header nor text, or only a
    ciphertext."""
    data = _as_ascii_superset(data)
    try:
        message = _parsed(BytesParser, data)
        parts = _Parts()
        _collect(message, parts, depth=0)
    except RecursionError:
        message = _parsed(BytesHeaderParser, data)
        parts = _Parts(texts=[_first_text(data)])
        parts.own_texts = parts.texts
        parts.warnings["The message is nested too deeply; only its own text was read."] = None
    letter = _letter(message, parts)
    if not (letter.text.strip() or letter.subject or letter.sender or letter.attachments or letter.message_id):
        raise Unreadable("The file holds no message that can be read; ask for it again.", code="no_text")
    if parts.encrypted and not letter.text.strip():
        raise Unreadable(
            "The message is encrypted or sealed in a signature; ask for it as plain e-mail.", code="encrypted"
        )
    return letter


def _as_ascii_superset(data: bytes) -> bytes:
    """Some exports are UTF-16 throughout, headers too; a line ``From ...`` before the headers is a mailbox's own."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:200:2] or b"\x00" in data[1:200:2]:
        data = decode(data).encode("utf-8")
    return data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\t ")


def _parsed(parser: type[BytesParser | BytesHeaderParser], data: bytes) -> EmailMessage:
    return cast(EmailMessage, parser(policy=policy.default).parsebytes(data))


def _letter(message: EmailMessage, parts: _Parts) -> Letter:
    ids = _MESSAGE_ID.findall(_header(message, "Message-ID"))
    replied = _MESSAGE_ID.findall(_header(message, "In-Reply-To"))
    senders = _addresses(message, "From") or _addresses(message, "Sender")
    return Letter(
        message_id=ids[0] if ids else one_line(_header(message, "Message-ID")) or None,
        in_reply_to=replied[0] if replied else None,
        references=tuple(dict.fromkeys(_MESSAGE_ID.findall(_header(message, "References")))),
        subject=one_line(_header(message, "Subject")),
        sender=senders[0] if senders else None,
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        sent_at=_sent_at(message),
        text="\n\n".join(filter(None, parts.texts)),
        own_text="\n\n".join(filter(None, parts.own_texts)),
        events=tuple(dict.fromkeys(parts.events)),
        attachments=tuple(parts.attachments),
        warnings=tuple(parts.warnings),
    )


# --- headers ----------------------------------------------------------------------------------------------------------


def _header(message: EmailMessage, name: str) -> str:
    """The first header of that name, decoded; as it stands where it is malformed; empty where it is absent."""
    try:
        return str(message.get(name, ""))
    except Exception:  # the parser of structured headers fails in many ways on malformed ones
        return _raw_header(message, name)


def _raw_header(message: EmailMessage, name: str) -> str:
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return str(value)
    return ""


def _addresses(message: EmailMessage, name: str) -> tuple[Address, ...]:
    try:
        header = message.get(name)
        found = [(each.display_name, each.addr_spec) for each in header.addresses] if header else []
    except Exception:  # as above
        found = []
    if not any(address for _, address in found):
        raw = _header(message, name)
        found = getaddresses([raw], strict=False) if _takes_strict() else getaddresses([raw])
    addresses = (_address(one_line(shown or ""), one_line(address)) for shown, address in found)
    return tuple(each for each in addresses if each.address or each.name)


def _address(name: str, address: str) -> Address:
    """What has no ``@`` is no address but a name that a program wrote in its place."""
    if "@" in address:
        return Address(address=address.lower(), name=name)
    return Address(address="", name=name or address.strip("'\""))


def _takes_strict() -> bool:
    import email.utils

    return bool(getattr(email.utils, "supports_strict_parsing", False))


def _sent_at(message: EmailMessage) -> datetime | None:
    """``Date``, else when the last server took the message; in UTC. A date without a zone counts as UTC."""
    received = _header(message, "Received").rpartition(";")[2]
    for text in (_header(message, "Date"), received):
        moment = _moment(one_line(text))
        if moment is not None:
            return moment
    return None


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text)
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


# --- parts ------------------------------------------------------------------------------------------------------------


def _collect(part: EmailMessage, parts: _Parts, *, depth: int, with_text: bool = True) -> None:
    parts.seen += 1
    if depth > _DEEPEST or parts.seen > _MOST_PARTS:
        parts.warnings["The message has more parts than are read."] = None
        return
    kind = part.get_content_type()
    if kind == "message/rfc822":
        parts.attachments.append(_nested(part))
    elif part.is_multipart():
        children = list(_children(part))
        chosen = _best_alternative(children) if kind == "multipart/alternative" else children
        for child in children:
            _collect(child, parts, depth=depth + 1, with_text=with_text and child in chosen)
    else:
        _collect_leaf(part, kind, parts, with_text=with_text)


def _children(part: EmailMessage) -> Iterator[EmailMessage]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (cast(EmailMessage, child) for child in payload)


def _best_alternative(versions: list[EmailMessage]) -> list[EmailMessage]:
    """Whose text to take: the plain version's if it says anything, else the richest one's."""
    for version in versions:
        if version.get_content_type() == "text/plain":
            text = _text(version)
            if text.strip() and not _only_points_to_html(text):
                return [version]
    rich = [version for version in versions if version.get_content_type() == "text/html" or version.is_multipart()]
    return rich[-1:] or versions[:1]


def _only_points_to_html(text: str) -> bool:
    return (
        len(text) < 300 and "html" in text.lower() and re.search(r"\b(view|viewer|support|display)", text) is not None
    )


def _collect_leaf(part: EmailMessage, kind: str, parts: _Parts, *, with_text: bool) -> None:
    disposition = part.get_content_disposition()
    name = _file_name(part)
    if kind in _SIGNATURES:
        return
    if kind in _CALENDARS or name.lower().endswith(".ics"):
        events = parse_invites(_content(part))
        parts.events.extend(events)
        if events:
            return
        parts.warnings["The message has an invite that could not be read."] = None
    parts.encrypted = parts.encrypted or kind in _ENCRYPTED
    is_body = disposition != "attachment" and (not name or parts.seen == 1)
    if kind in ("text/plain", "text/html") and is_body:
        if with_text:
            _collect_text(part, kind, parts)
    elif part.get_content_maintype() == "image" and part.get("Content-ID") and disposition != "attachment":
        return  # a picture the HTML shows: a logo
    else:
        _attach(Enclosure(name=name, mime_type=kind, content=_content(part)), parts)


def _attach(enclosure: Enclosure, parts: _Parts) -> None:
    """Outlook's wrapper is no attachment: what is in it is."""
    if enclosure.content.startswith(SIGNATURE):
        try:
            wrapped = read_tnef(enclosure.content)
        except Unreadable:
            parts.warnings["The message has a winmail.dat that could not be read."] = None
        else:
            parts.attachments.extend(wrapped.attachments)
            if not any(text.strip() for text in parts.texts):
                parts.texts.append(wrapped.text)
                parts.own_texts.append(wrapped.own_text)
            return
    if enclosure.content:
        parts.attachments.append(enclosure)


def _collect_text(part: EmailMessage, kind: str, parts: _Parts) -> None:
    text = _text(part)
    if kind == "text/html":
        parts.texts.append(html_to_text(text))
        parts.own_texts.append(html_to_text(without_quotes(text)))
        parts.warnings.update(dict.fromkeys(hidden_text_warnings(hidden_in_markup(text))))
    else:
        parts.texts.append(text)
        parts.own_texts.append(text)


def _nested(part: EmailMessage) -> Enclosure:
    """An attached message is a file of its own; it is read when its turn comes."""
    inner = next(_children(part), None)
    if inner is None:
        return Enclosure(name="message.eml", mime_type="message/rfc822", content=_content(part))
    subject = one_line(_header(inner, "Subject"))
    try:
        content = inner.as_bytes(policy=policy.compat32)
    except (UnicodeEncodeError, LookupError, ValueError, TypeError, AttributeError):
        content = inner.as_string(policy=policy.compat32).encode("utf-8", errors="replace")
    return Enclosure(name=f"{subject or 'message'}.eml".replace("/", "-"), mime_type="message/rfc822", content=content)


def _file_name(part: EmailMessage) -> str:
    try:
        return one_line(part.get_filename() or "")
    except Exception:  # malformed parameters
        return ""


def _content(part: EmailMessage) -> bytes:
    """Decoded as far as it can be: broken base64 yields what could be decoded."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    if not isinstance(payload, bytes):
        payload = str(part.get_payload()).encode("utf-8", errors="surrogateescape")
    if "base64" in _header(part, "Content-Transfer-Encoding").lower() and _is_still_encoded(part):
        letters = _NOT_BASE64.sub(b"", payload)
        return b64decode(letters[: len(letters) // 4 * 4])
    return payload


def _is_still_encoded(part: EmailMessage) -> bool:
    """The library hands base64 that it cannot decode back as it is, and says so."""
    return any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects)


def _text(part: EmailMessage) -> str:
    data = _content(part)
    try:
        charset = part.get_content_charset() or ""
    except (LookupError, ValueError):
        charset = ""
    if charset and charset not in ("us-ascii", "ascii", "utf-8"):
        try:
            return data.decode(charset, errors="replace")
        except (LookupError, ValueError):
            pass  # an unknown charset
    return decode(data)


# --- beyond what the parser can take ----------------------------------------------------------------------------------


def _first_text(data: bytes) -> str:
    """The first plain text at the top level of a message too deeply nested to be parsed."""
    message = _parsed(BytesHeaderParser, data)
    boundary = message.get_boundary()
    body = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[-1]
    if not boundary:
        return decode(body) if message.get_content_maintype() == "text" else ""
    for section in body.split(b"--" + boundary.encode("utf-8", errors="replace"))[1:]:
        part = _parsed(BytesHeaderParser, section.lstrip(b"\r\n"))
        if part.get_content_type() == "text/plain":
            return _text(part)
    return ""
