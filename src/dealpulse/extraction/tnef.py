"""``winmail.dat``: what Outlook wraps a message and its attachments in where it takes the other side for Outlook too
([MS-OXTNEF])."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct, field

from dealpulse.errors import Unreadable
from dealpulse.extraction.charsets import decode
from dealpulse.extraction.inner_files import BINARY
from dealpulse.extraction.letter import Enclosure, Letter
from dealpulse.extraction.mapi import decompressed_rtf
from dealpulse.extraction.outlook import body_texts
from dealpulse.extraction.pages import one_line

SIGNATURE = b"\x78\x9f\x3e\x22"
_OF_ATTACHMENT = 2

_SUBJECT, _BODY, _MESSAGE_PROPERTIES = 0x8004, 0x800C, 0x9003
_BEGINS_ATTACHMENT, _TITLE, _DATA, _ATTACHMENT_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005

_BODY_ID, _RTF_ID, _HTML_ID = 0x1000, 0x1009, 0x1013
_OBJECT_ID, _LONG_NAME_ID, _MIME_TYPE_ID = 0x3701, 0x3707, 0x370E

_TEXT8, _TEXT, _OBJECT, _BINARY, _SEVERAL = 0x001E, 0x001F, 0x000D, 0x0102, 0x1000
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
"""Bytes of a property's value by its type, filled up to four; texts and the like say their length."""

_IID_BYTES = 16
"""Before a message attached in this form stands the id of the interface it was asked through."""


class _Attached(Struct, kw_only=True):
    title: str = ""
    data: bytes = b""
    properties: dict[int, bytes] = field(default_factory=dict)


def read_tnef(data: bytes) -> Letter:
    """The message's subject, text and attachments; people and dates stand in the mail around it."""
    subject, plain = "", ""
    properties: dict[int, bytes] = {}
    attached: list[_Attached] = []
    try:
        for level, name, value in _attributes(data):
            if level == _OF_ATTACHMENT:
                _take(name, value, attached)
            elif name == _SUBJECT:
                subject = one_line(_text(value))
            elif name == _BODY:
                plain = _text(value)
            elif name == _MESSAGE_PROPERTIES:
                properties = dict(_properties(value))
    except struct.error as error:
        raise Unreadable("The winmail.dat is cut off or damaged; ask for it again.", code="truncated") from error
    markup = decode(properties.get(_HTML_ID, b""))
    rtf = decompressed_rtf(properties.get(_RTF_ID, b""))
    text, own_text = body_texts(plain or _text(properties.get(_BODY_ID, b"")), markup, rtf, charset="cp1252")
    return Letter(subject=subject, text=text, own_text=own_text, attachments=tuple(_enclosures(attached)))


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Level, name and value of each; a sum follows each that nobody checks."""
    position = 6
    while position < len(data):
        level, name, _, length = struct.unpack_from("<BHHI", data, position)
        position += 9
        if position + length > len(data):
            raise struct.error("cut off")
        yield level, name, data[position : position + length]
        position += length + 2


def _take(name: int, value: bytes, attached: list[_Attached]) -> None:
    if name == _BEGINS_ATTACHMENT or not attached:
        attached.append(_Attached())
    if name == _TITLE:
        attached[-1].title = _text(value)
    elif name == _DATA:
        attached[-1].data = value
    elif name == _ATTACHMENT_PROPERTIES:
        attached[-1].properties = dict(_properties(value))


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Texts (as UTF-8), objects and bytes by their id; numbers and dates are passed over, and lists of values."""
    (count,) = struct.unpack_from("<I", data)
    position = 4
    for _ in range(count):
        kind, number = struct.unpack_from("<HH", data, position)
        position = _after_name(data, position + 4) if number >= 0x8000 else position + 4
        values = 1
        if kind & _SEVERAL or kind in (_TEXT8, _TEXT, _OBJECT, _BINARY):
            (values,) = struct.unpack_from("<I", data, position)
            position += 4
        for _ in range(values):
            if position > len(data):
                raise struct.error("cut off")
            size = _SIZES.get(kind & ~_SEVERAL)
            if size is None:
                (length,) = struct.unpack_from("<I", data, position)
                value = data[position + 4 : position + 4 + length]
                if not kind & _SEVERAL:
                    yield number, value.decode("utf-16-le", errors="replace").encode() if kind == _TEXT else value
                size = 4 + length + -length % 4
            position += size


def _after_name(data: bytes, position: int) -> int:
    """A property of a program's own has a name: a number, or a text."""
    (is_text,) = struct.unpack_from("<I", data, position + 16)
    (value,) = struct.unpack_from("<I", data, position + 20)
    return position + 24 + (int(value) + -int(value) % 4 if is_text else 0)


def _text(value: bytes) -> str:
    return decode(value).rstrip("\x00")


def _enclosures(attached: list[_Attached]) -> Iterator[Enclosure]:
    for each in attached:
        name = _text(each.properties.get(_LONG_NAME_ID, b"")) or each.title
        mime_type = one_line(_text(each.properties.get(_MIME_TYPE_ID, b""))).lower() or BINARY
        inner = each.properties.get(_OBJECT_ID, b"")[_IID_BYTES:]
        if inner.startswith(SIGNATURE):
            yield Enclosure(name=f"{name or 'message'}.tnef", mime_type="application/ms-tnef", content=inner)
        elif each.data or inner:
            yield Enclosure(name=name, mime_type=mime_type, content=each.data or inner)
