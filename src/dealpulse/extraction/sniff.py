"""What a file is, told by its content; its name only decides between texts and says what a person expected."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

from msgspec import Struct

from dealpulse.errors import Unreadable
from dealpulse.extraction.charsets import decode, looks_like_text
from dealpulse.extraction.contract import Limits
from dealpulse.extraction.registry import BY_EXTENSION, BY_MIME_TYPE, FORMATS, Format

_HEAD_BYTES = 8_192
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_MAY_START_WITHIN = 1_024

_BOMB_RATIO = 200
_BOMB_FLOOR_BYTES = 20 << 20
"""Below this many unpacked bytes no ratio is suspicious: a tiny file of blanks packs 1000 to 1."""

_UNPACK = "unpack it and add the files in it"
_EXPORT = "export the messages as .eml or .msg"

_UNREADABLE_KINDS: tuple[tuple[bytes, str, str | None], ...] = (
    (b"MZ", "a program", None),
    (b"\x7fELF", "a program", None),
    (b"\xcf\xfa\xed\xfe", "a program", None),
    (b"\xca\xfe\xba\xbe", "a program", None),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"GIF8", "a GIF image", "convert it to PNG or PDF"),
    (b"RIFF", "a picture, sound or video file", None),
    (b"ID3", "a sound file", None),
    (b"OggS", "a sound or video file", None),
    (b"!BDN", "an Outlook mailbox (.pst)", _EXPORT),
    (b"SQLite format 3\x00", "a database", "export what matters in it as a spreadsheet"),
)
"""How a file of a kind we do not read begins, what it is, and what a person can do about it."""

_PROGRAMS_OWN = frozenset({"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "Index/Document.iwa"})
"""Members that only a program's own files have: those are no archives of documents."""

_HTML = re.compile(r"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]|<title[\s>]|<table[\s>]|<div[\s>]", re.I)
_HEADER_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}):(?:[ \t]|$)")
_MAIL_ONLY_HEADERS = frozenset(
    {
        "message-id",
        "received",
        "return-path",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "delivered-to",
        "dkim-signature",
        "in-reply-to",
        "references",
        "x-mailer",
    }
)
_MBOX_LINE = re.compile(rb"From \S+ .*\d{4}")


class Sniffed(Struct, frozen=True, kw_only=True):
    """What a file is, and what its name says it is where the two differ."""

    format: Format
    warnings: tuple[str, ...] = ()


def sniff(path: Path, *, name: str, limits: Limits) -> Sniffed:
    """Raises ``Unreadable`` (``empty_file``, ``truncated``, ``bomb``, ``encrypted``, ``wrong_extension``,
    ``unsupported_type``)."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise Unreadable("The file is empty (0 bytes); ask for it again.", code="empty_file")
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    found = _by_content(path, head, extension=extension, limits=limits)
    return Sniffed(format=found, warnings=_check_name(found, extension))


def _by_content(path: Path, head: bytes, *, extension: str, limits: Limits) -> Format:
    if head.startswith(_ZIP):
        return _inside_zip(path, extension=extension, limits=limits)
    if head.startswith(_OLE2):
        return _inside_ole2(path)
    for each in FORMATS:
        if head.startswith(each.magic):
            return each
    if b"%PDF-" in head[:_PDF_MAY_START_WITHIN]:
        return BY_EXTENSION["pdf"]
    for magic, kind, advice in _UNREADABLE_KINDS:
        if head.startswith(magic):
            raise _not_readable(kind, extension, advice=advice)
    if looks_like_text(head):
        return _kind_of_text(head, extension)
    raise _not_readable("of a kind we do not know", extension)


def _not_readable(kind: str, extension: str, *, advice: str | None = None) -> Unreadable:
    """``kind`` follows "is"; without ``advice``, what helps with any file."""
    if extension in BY_EXTENSION:
        advice = advice or "ask for it again, it may be a failed download"
        return Unreadable(f"The file is named .{extension} but is {kind}; {advice}.", code="wrong_extension")
    advice = advice or "if it holds text, save it as a PDF and add that"
    return Unreadable(f"The file is {kind} and cannot be read; {advice}.", code="unsupported_type")


# --- containers -----------------------------------------------------------------------------------------------------


def _inside_zip(path: Path, *, extension: str, limits: Limits) -> Format:
    members = _zip_directory(path)
    names = {member.filename for member in members}
    if not _PROGRAMS_OWN.isdisjoint(names):
        _refuse_bomb(members, packed=path.stat().st_size, limits=limits)
        if any(member.flag_bits & 0x1 for member in members):
            raise _encrypted()
        return _program_file(path, names, extension)
    if extension in BY_EXTENSION and extension != "zip":
        raise _not_readable("a ZIP archive", extension)
    return BY_EXTENSION["zip"]


def _program_file(path: Path, names: set[str], extension: str) -> Format:
    """A format of some program that packs its parts into a ZIP file."""
    if "[Content_Types].xml" in names:
        for each in FORMATS:
            if each.zip_part and any(name.startswith(each.zip_part) for name in names):
                return each
    if "mimetype" in names:
        with zipfile.ZipFile(path) as archive:
            declared = archive.read("mimetype").decode("ascii", errors="replace").strip()
        if declared in BY_MIME_TYPE:
            return BY_MIME_TYPE[declared]
    raise _not_readable("of a program that packs its files into a ZIP archive", extension)


def _zip_directory(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        raise Unreadable(
            "The file is cut off or damaged (its table of contents is missing); ask for it again.", code="truncated"
        ) from error


def is_bomb(unpacked: int, *, packed: int) -> bool:
    return unpacked > _BOMB_FLOOR_BYTES and unpacked > packed * _BOMB_RATIO


def _refuse_bomb(members: list[zipfile.ZipInfo], *, packed: int, limits: Limits) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.max_unpacked_bytes or is_bomb(unpacked, packed=packed):
        raise Unreadable(
            f"The file would unpack to {unpacked >> 20:,} MB, as an attack would, and was not opened; "
            "if it is genuine, split it into smaller files.",
            code="bomb",
        )


def _inside_ole2(path: Path) -> Format:
    import olefile

    try:
        with olefile.OleFileIO(path) as container:
            streams = {entry[-1].lower() for entry in container.listdir() if len(entry) == 1}
    except Exception as error:  # olefile raises whatever its unpacking met
        raise Unreadable("The file is cut off or damaged; ask for it again.", code="truncated") from error
    if "encryptedpackage" in streams:
        raise _encrypted()
    if "book" in streams:
        return BY_EXTENSION["xls"]
    for each in FORMATS:
        if each.ole_stream and each.ole_stream.lower() in streams:
            return each
    raise Unreadable(
        "The file is in an Office format of before 2007 that cannot be read; convert it to .docx, .pptx or .pdf.",
        code="unsupported_type",
    )


def _encrypted() -> Unreadable:
    return Unreadable("The file is password-protected; ask for an unprotected copy.", code="encrypted")


# --- texts ----------------------------------------------------------------------------------------------------------


def _kind_of_text(head: bytes, extension: str) -> Format:
    expected = BY_EXTENSION.get(extension)
    if _MBOX_LINE.match(head) and extension != "eml":
        return BY_EXTENSION["mbox"]
    text = decode(head[: len(head) // 4 * 4] or head).lstrip("\ufeff \t\r\n")
    if extension == "eml" or _is_mail(text):
        return BY_MIME_TYPE["message/rfc822"]
    if text[:15].upper() == "BEGIN:VCALENDAR":
        return BY_EXTENSION["ics"]
    if text.startswith("<") and _HTML.search(text) and extension not in BY_MIME_TYPE["text/markdown"].extensions:
        return BY_MIME_TYPE["text/html"]
    if expected is not None and expected.reader == "text":
        return expected
    return BY_MIME_TYPE["text/plain"]


def _is_mail(text: str) -> bool:
    """A block of header lines up to the first blank line, one of them of a kind that only mail has: a memo has
    ``From:`` and ``Subject:`` too."""
    names: list[str] = []
    for line in text.splitlines(keepends=True):
        if not line.strip() or not line.endswith(("\n", "\r")):  # the latter: where the sample ends
            break
        if line[0] in " \t" and names:
            continue
        header = _HEADER_LINE.match(line)
        if header is None:
            if not names and line.startswith("From "):
                continue
            return False
        names.append(header[1].lower())
    return len(names) >= 2 and not _MAIL_ONLY_HEADERS.isdisjoint(names)


# --- the name -------------------------------------------------------------------------------------------------------

_OFTEN_TEXT_INSIDE = frozenset({"doc", "dot", "xls", "rtf", "msg"})
"""Programs do write web pages and plain text under these names."""


def _check_name(found: Format, extension: str) -> tuple[str, ...]:
    expected = BY_EXTENSION.get(extension)
    if expected is None or expected == found or (expected.is_textual and found.is_textual):
        return ()
    if found.is_textual and found.reader in ("text", "html") and extension not in _OFTEN_TEXT_INSIDE:
        raise Unreadable(
            f"The file is named .{extension} but holds {found.title}; ask for it again, it may be a failed download.",
            code="wrong_extension",
        )
    return (f"The file is named .{extension} but is {found.title}; it was read as such.",)
