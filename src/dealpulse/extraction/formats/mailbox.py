"""Mailboxes (mbox): a page that lists the messages; each of them is a document of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from dealpulse.extraction.pages import Reading, one_line, section_drafts
from dealpulse.extraction.registry import Source

_FROM_LINE = re.compile(rb"From \S+ .*\d{4}")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_MOST_LISTED = 5_000


def read(source: Source) -> Reading:
    listed = []
    count = 0
    for count, message in enumerate(_messages(source), start=1):
        headers = BytesHeaderParser(policy=policy.default).parsebytes(message)
        subject = _header(headers, "Subject")
        if count <= _MOST_LISTED:
            listed.append("\t".join([_header(headers, "Date"), _header(headers, "From"), subject]))
        name = f"{count:04d} {subject[:100] or 'message'}".replace("/", "-").replace("\\", "-")
        source.inner.add(f"{name}.eml", [message], mime_type="message/rfc822")
    heading = f"A mailbox of {count:,} {'message' if count == 1 else 'messages'}:"
    return Reading(pages=tuple(section_drafts("\n".join([heading, *listed]))), only_lists=True)


def _messages(source: Source) -> Iterator[bytes]:
    """A line ``From ...`` begins a message; within one, such a line is quoted with ``>``, or follows no blank line."""
    lines: list[bytes] = []
    after_blank = True
    with source.path.open("rb") as file:
        for line in file:
            if after_blank and _FROM_LINE.match(line):
                yield from _whole(lines)
                lines = []
            else:
                lines.append(line)
            after_blank = not line.strip()
    yield from _whole(lines)


def _whole(lines: list[bytes]) -> Iterator[bytes]:
    message = b"".join(lines)
    if message.strip():
        yield _QUOTED_FROM.sub(rb"\1", message)


def _header(headers: EmailMessage, name: str) -> str:
    try:
        return one_line(str(headers.get(name, "")))
    except Exception:  # the parser of structured headers fails in many ways on malformed ones
        return ""
