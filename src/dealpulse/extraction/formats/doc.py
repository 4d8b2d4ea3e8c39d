"""Word files of before 2007: the text by the file's own piece table ([MS-DOC]), without layout."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import olefile

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import Reading, clean, section_drafts
from dealpulse.extraction.registry import Source

_FLAGS_AT, _TABLE_STREAM, _ENCRYPTED = 0x0A, 0x0200, 0x0100
_PIECES_AT = 0x01A2
_COMPRESSED = 1 << 30

_FIELD_CODE = re.compile("\x13[^\x13\x14\x15]*(?:\x14|(?=\x15))")
"""What a field computes its text from; the text itself, after \\x14, stays."""

_MARKS = str.maketrans({"\r": "\n", "\x0b": "\n", "\x0c": "\n\n", "\x07": "\t", "\x1e": "-", "\x1f": "", "\x15": ""})


def read(source: Source) -> Reading:
    try:
        with olefile.OleFileIO(source.path) as container:
            text = "".join(_pieces(container))
    except (struct.error, OSError, IndexError) as error:
        raise Unreadable("The document is cut off or damaged; ask for it again.", code="truncated") from error
    return Reading(pages=tuple(section_drafts(_readable(text))))


def _pieces(container: olefile.OleFileIO) -> Iterator[str]:
    with container.openstream("WordDocument") as stream:
        document = stream.read()
    (flags,) = struct.unpack_from("<H", document, _FLAGS_AT)
    if flags & _ENCRYPTED:
        raise Unreadable("The file is password-protected; ask for an unprotected copy.", code="encrypted")
    with container.openstream("1Table" if flags & _TABLE_STREAM else "0Table") as stream:
        table = stream.read()
    start, length = struct.unpack_from("<II", document, _PIECES_AT)
    yield from _texts(document, _piece_table(table[start : start + length]))


def _piece_table(complex_part: bytes) -> bytes:
    """Formatting records come first, each 1, a length and that many bytes; then 2, a length and the table."""
    position = 0
    while complex_part[position] == 1:
        position += 3 + int(struct.unpack_from("<H", complex_part, position + 1)[0])
    (length,) = struct.unpack_from("<I", complex_part, position + 1)
    return complex_part[position + 5 : position + 5 + length]


def _texts(document: bytes, table: bytes) -> Iterator[str]:
    """``n + 1`` character positions of 4 bytes, then ``n`` descriptors of 8 that say where each piece lies."""
    count = (len(table) - 4) // 12
    positions = struct.unpack_from(f"<{count + 1}I", table)
    for index in range(count):
        (where,) = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * index + 2)
        characters = positions[index + 1] - positions[index]
        if where & _COMPRESSED:
            start = (where & ~_COMPRESSED) // 2
            yield document[start : start + characters].decode("cp1252", errors="replace")
        else:
            yield document[where : where + 2 * characters].decode("utf-16-le", errors="replace")


def _readable(text: str) -> str:
    while (without := _FIELD_CODE.sub("", text)) != text:
        text = without
    # two cell marks end a row of a table
    return clean(text.replace("\x07\x07", "\n").translate(_MARKS))
