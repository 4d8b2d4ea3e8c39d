"""Bytes to text, when nobody says which charset they are in."""

from __future__ import annotations

import codecs

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\x1a\x1b\x08")
_MOST_CONTROLS = 0.02
"""Share of control characters above which bytes are not text."""


def decode(data: bytes) -> str:
    """By byte order mark, else UTF-16 by its NULs, else UTF-8, else Windows-1252 (which reads anything)."""
    for mark, charset in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(charset, errors="replace")
    unmarked = _unmarked_utf16(data)
    if unmarked:
        return data.decode(unmarked, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def looks_like_text(head: bytes) -> bool:
    """Whether the beginning of a file reads as text in any of the charsets above."""
    if any(head.startswith(mark) for mark, _ in _BYTE_ORDER_MARKS) or _unmarked_utf16(head):
        text = decode(head[: len(head) // 4 * 4])
    elif b"\x00" in head:
        return False
    else:
        text = decode(_whole_utf8(head))
    controls = sum(character < " " and character not in _ALLOWED_CONTROLS for character in text)
    return controls <= len(text) * _MOST_CONTROLS


def _unmarked_utf16(data: bytes) -> str | None:
    """Western text in UTF-16 has a NUL in nearly every second place, always the same one."""
    sample = data[:2_000]
    pairs = len(sample) // 2
    if pairs < 4:
        return None
    if sample[1::2].count(0) > pairs * 0.8 and sample[0::2].count(0) == 0:
        return "utf-16-le"
    if sample[0::2].count(0) > pairs * 0.8 and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def _whole_utf8(head: bytes) -> bytes:
    """``head`` without a character that the end of the sample cut in two."""
    for missing in range(1, min(4, len(head))):
        if head[-missing] >= 0xC0:
            return head[:-missing]
        if head[-missing] < 0x80:
            break
    return head
