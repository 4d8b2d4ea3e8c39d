"""Properties of an Outlook message: an OLE2 file whose folders are the message, its recipients and its attachments
([MS-OXMSG]), and the compressed RTF that some bodies are kept in ([MS-OXRTFCP])."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_UNICODE, _STRING8, _BINARY, _OBJECT = "001F", "001E", "0102", "000D"
_INTEGER, _TIME = 0x0003, 0x0040
_ENTRY = struct.Struct("<HHI8s")
_HEADER_BYTES = {"": 32, "__substg1.0_3701000D": 24}
"""Of the property table: of the message itself, of a message attached to it; 8 for recipients and attachments."""

_MESSAGE_CODEPAGE, _INTERNET_CODEPAGE = 0x3FFD, 0x3FDE
_CODEPAGES = {
    1200: "utf-16-le",
    20127: "cp1252",
    20866: "koi8-r",
    21866: "koi8-u",
    20932: "euc-jp",
    50220: "iso2022_jp",
    50221: "iso2022_jp",
    51932: "euc-jp",
    51936: "gb2312",
    51949: "euc-kr",
    52936: "hz",
    54936: "gb18030",
    65001: "utf-8",
}
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class Folder:
    """One folder's properties. Absent and unreadable values are empty ones."""

    def __init__(self, container: Any, path: tuple[str, ...] = (), codepage: str | None = None) -> None:
        self._container = container
        self._path = path
        self._fixed = self._read_fixed()
        self.codepage = codepage or self._own_codepage()

    def text(self, property_id: int) -> str:
        unicode = self._stream(property_id, _UNICODE)
        if unicode is not None:
            return unicode.decode("utf-16-le", errors="replace").rstrip("\x00")
        return (self._stream(property_id, _STRING8) or b"").decode(self.codepage, errors="replace").rstrip("\x00")

    def binary(self, property_id: int) -> bytes:
        return self._stream(property_id, _BINARY) or b""

    def integer(self, property_id: int) -> int | None:
        value = self._fixed.get((property_id, _INTEGER))
        return None if value is None else int(struct.unpack("<i", value[:4])[0])

    def time(self, property_id: int) -> datetime | None:
        value = self._fixed.get((property_id, _TIME))
        ticks = struct.unpack("<Q", value)[0] if value else 0
        try:
            return _EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def folders(self, prefix: str) -> Iterator[Folder]:
        """Those directly inside whose name begins with ``prefix``, in the file's order."""
        depth = len(self._path)
        names = {
            entry[depth]: None
            for entry in self._container.listdir(streams=False, storages=True)
            if len(entry) == depth + 1 and tuple(entry[:depth]) == self._path and entry[depth].startswith(prefix)
        }
        for name in sorted(names):
            yield Folder(self._container, (*self._path, name), self.codepage)

    def attached_message(self) -> Folder | None:
        return next(iter(self.folders(f"__substg1.0_3701{_OBJECT}")), None)

    def _stream(self, property_id: int, kind: str) -> bytes | None:
        return self._read(f"__substg1.0_{property_id:04X}{kind}")

    def _read(self, name: str) -> bytes | None:
        path = [*self._path, name]
        if not self._container.exists(path):
            return None
        try:
            with self._container.openstream(path) as stream:
                return bytes(stream.read())
        except OSError:  # cut off
            return None

    def _read_fixed(self) -> dict[tuple[int, int], bytes]:
        table = self._read("__properties_version1.0") or b""
        start = _HEADER_BYTES.get(self._path[-1] if self._path else "", 8)
        whole = table[start : len(table) - (len(table) - start) % _ENTRY.size]
        return {(number, kind): value for kind, number, _, value in _ENTRY.iter_unpack(whole)}

    def _own_codepage(self) -> str:
        for property_id in (_MESSAGE_CODEPAGE, _INTERNET_CODEPAGE):
            number = self.integer(property_id)
            if number:
                name = _CODEPAGES.get(
                    number, f"iso8859-{number - 28590}" if 28591 <= number <= 28605 else f"cp{number}"
                )
                try:
                    return codecs.lookup(name).name
                except LookupError:
                    continue
        return "cp1252"


# --- compressed RTF -----------------------------------------------------------------------------------------------

_KNOWN_TEXT = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS"
    b" Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain"
    b"\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4_096


def decompressed_rtf(data: bytes) -> bytes:
    """Empty where the data is not compressed RTF; what could be read where it is cut off."""
    if len(data) < 16:
        return b""
    size, magic = struct.unpack_from("<4xI4s", data)
    if magic == b"MELA":
        return data[16 : 16 + size]
    if magic != b"LZFu":
        return b""
    window = bytearray(_KNOWN_TEXT.ljust(_WINDOW, b" "))
    at = len(_KNOWN_TEXT)
    out = bytearray()
    position = 16
    while position < len(data):
        flags = data[position]
        position += 1
        for bit in range(8):
            if flags >> bit & 1:
                if position + 1 >= len(data):
                    return bytes(out)
                reference = data[position] << 8 | data[position + 1]
                position += 2
                start, length = reference >> 4, (reference & 0xF) + 2
                if start == at:
                    return bytes(out)
                copied = range(start, start + length)
            else:
                if position >= len(data):
                    return bytes(out)
                window[at] = data[position]
                position += 1
                copied = range(at, at + 1)
            for index in copied:
                byte = window[index % _WINDOW]
                out.append(byte)
                window[at] = byte
                at = (at + 1) % _WINDOW
    return bytes(out)
