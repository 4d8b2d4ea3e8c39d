"""The sandboxed process: reads one file and says what is in it.

Started by :mod:`dealpulse.extraction.sandbox` as ``python -I -m dealpulse.extraction.child PARENT_PID``. The request
comes on stdin, the answer goes to stdout; whatever libraries print goes to stderr. Format readers are imported only
after the limits are in force.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dealpulse.errors import DealPulseError, Unreadable
from dealpulse.extraction.confine import confine, die_with_parent, forbid_other_files
from dealpulse.extraction.contract import DocumentContent
from dealpulse.extraction.protocol import Answer, Failed, Read, Request, decode_request, encode

if TYPE_CHECKING:
    from dealpulse.extraction.inner_files import InnerFiles
    from dealpulse.extraction.sniff import Sniffed


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    answers = _take_stdout()
    request = decode_request(sys.stdin.buffer.read())
    confine(request.limits, written_bytes=request.limits.max_file_bytes if request.files_dir else 0)
    forbid_other_files(readable=[request.path], writable=_made(request.files_dir))
    with os.fdopen(answers, "wb") as stdout:
        stdout.write(encode(answer(request)))


def _made(directory: Path | None) -> list[Path]:
    """The directory for what is found inside: only what is there can be left open."""
    if directory is None:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    return [directory]


def _take_stdout() -> int:
    """A descriptor for the answer that nothing else writes to."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def answer(request: Request) -> Answer:
    """Never raises: every fault is an answer too."""
    try:
        return _read(request)
    except DealPulseError as error:
        about_file = isinstance(error, Unreadable)
        return Failed(code=error.code, message=error.message, about_file=about_file)
    except MemoryError:
        message = "The file needs more memory to read than it may use; split it into smaller files."
        return Failed(code="out_of_memory", message=message)
    except FileNotFoundError:
        return Failed(code="file_missing", message="The file to read is not there.", permanent=False)
    except Exception as error:  # libraries raise anything on damaged input
        message = "The file is damaged; open it, save it again and resend it."
        return Failed(code="corrupt", message=message, cause=_where(error))


def _where(error: Exception) -> str:
    """The exception's type and the place it came from, without its message, which may quote the file."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "nowhere"
    return f"{type(error).__qualname__} at {where}"


def _read(request: Request) -> Answer:
    from dealpulse.extraction.inner_files import InnerFiles
    from dealpulse.extraction.sniff import sniff

    sniffed = sniff(request.path, name=request.name, limits=request.limits)
    inner = InnerFiles(request.files_dir, request.limits)
    if not request.as_email:
        return Read(document=_document(request, sniffed, inner))
    if sniffed.format.name != "email":
        raise Unreadable(
            f"The file is not an e-mail but {sniffed.format.title}; add it as a document.", code="wrong_extension"
        )
    from dealpulse.extraction.mail import read_email

    return Read(email=read_email(request.path, mime_type=sniffed.format.mime_type, inner=inner))


def _document(request: Request, sniffed: Sniffed, inner: InnerFiles) -> DocumentContent:
    from dealpulse.extraction.pages import number_pages
    from dealpulse.extraction.registry import Source, reader_of

    mime_type = sniffed.format.mime_type
    source = Source(path=request.path, name=request.name, mime_type=mime_type, limits=request.limits, inner=inner)
    reading = reader_of(sniffed.format)(source)
    about_the_file = sniffed.warnings + reading.warnings + inner.warnings()
    return DocumentContent(
        format=sniffed.format.name,
        mime_type=mime_type,
        pages=number_pages(reading.pages, max_pages=request.limits.max_pages, warnings=about_the_file),
        files=inner.taken,
        holds_files=inner.found_any,
        only_lists=reading.only_lists,
    )


if __name__ == "__main__":
    main()
