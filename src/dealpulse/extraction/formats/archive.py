"""ZIP archives: a page that lists the files inside; each of them is a document of its own."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from functools import partial

from dealpulse.errors import Unreadable
from dealpulse.extraction.inner_files import DAMAGED
from dealpulse.extraction.pages import Reading, one_line, section_drafts
from dealpulse.extraction.registry import Source
from dealpulse.extraction.sniff import is_bomb

_CHUNK_BYTES = 1 << 20
_MOST_LISTED = 5_000

_PROTECTED = "they are password-protected"
_LINK = "they are links to other files"
_BOMB = "they would unpack to far more than they hold, as an attack would"
_UNKNOWN_METHOD = "they are packed in a way that is not known here"

_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in every folder; files of no content, they are passed over."""


def read(source: Source) -> Reading:
    listed: list[str] = []
    with zipfile.ZipFile(source.path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not _is_litter(_name(member))]
        if not members:
            raise Unreadable("The archive holds no files; ask for it again.", code="no_text")
        if all(member.flag_bits & _ENCRYPTED for member in members):
            raise Unreadable("The archive is password-protected; ask for an unprotected copy.", code="encrypted")
        for member in members:
            _take(archive, member, source)
            if len(listed) < _MOST_LISTED:
                listed.append(f"{one_line(_name(member))}\t{member.file_size:,} bytes")
    if len(members) > len(listed):
        listed.append(f"and {len(members) - len(listed):,} more")
    heading = f"An archive of {len(members):,} {'file' if len(members) == 1 else 'files'}:"
    return Reading(pages=tuple(section_drafts("\n".join([heading, *listed]))), only_lists=True)


def _take(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> None:
    name = _name(member)
    obstacle = _obstacle(member)
    if obstacle:
        source.inner.leave_out(name, obstacle)
        return
    try:
        with archive.open(member) as file:
            source.inner.add(name, iter(partial(file.read, _CHUNK_BYTES), b""))
    except NotImplementedError:
        source.inner.leave_out(name, _UNKNOWN_METHOD)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError):
        source.inner.leave_out(name, DAMAGED)


def _obstacle(member: zipfile.ZipInfo) -> str | None:
    if member.flag_bits & _ENCRYPTED:
        return _PROTECTED
    if stat.S_ISLNK(member.external_attr >> 16):
        return _LINK
    return _BOMB if is_bomb(member.file_size, packed=member.compress_size) else None


def _name(member: zipfile.ZipInfo) -> str:
    """Most programs write UTF-8 and many forget to say so."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _is_litter(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return last in _LITTER or last.startswith("._") or folder.split("/")[0] == "__MACOSX"
