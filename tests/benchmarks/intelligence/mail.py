"""E-mails: how many can be read, and whether what a reply newly says is told from what it quotes.

What is newly said is known for a message where its writer's program set a mark between the two: everything above the
first such mark. Messages without one, and those that say nothing above it, are not judged.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

import mailparser
from email_reply_parser import EmailReplyParser

from benchmarks.intelligence.rows import Row
from dealpulse.errors import DealPulseError
from dealpulse.extraction.contract import EmailContent
from dealpulse.extraction.mail import OUTLOOK, read_email

_MARK = re.compile(
    r"^[ \t>]*(?:-{3,} ?(?:Original Message|Forwarded (?:message|by)|Ursprüngliche Nachricht)"
    r"|-{5,} ?Forwarded by|Begin forwarded message:"
    r"|On [^\n]{8,120}(?:\n[^\n]{0,80})?wrote:[ \t]*$|>)",
    re.MULTILINE,
)
_WORD = re.compile(r"\w+")
_SAME = 0.95


def mail_rows(data: Path) -> Iterator[Row]:
    """The figures, one as soon as it is known."""
    files = sorted((data / "emails").glob("*.eml"))
    with tempfile.TemporaryDirectory() as folder:
        read = {path: _ours(path, Path(folder)) for path in files}
        outlook = [_ours(path, Path(folder), OUTLOOK) for path in sorted((data / "msg").glob("*.msg"))]
    theirs = [path for path in files if _mail_parser(path)]
    yield Row(
        f"e-mails read, of {len(files)}",
        "",
        sum(found is not None for found in read.values()),
        {"mail-parser": len(theirs)},
        "",
    )
    yield Row(f"Outlook messages read, of {len(outlook)}", "", sum(found is not None for found in outlook), {}, "")
    yield from _separation([found for found in read.values() if found is not None])


def _ours(path: Path, folder: Path, mime_type: str = "message/rfc822") -> EmailContent | None:
    try:
        return read_email(path, mime_type=mime_type, attachments_dir=folder)
    except DealPulseError:
        return None


def _mail_parser(path: Path) -> bool:
    try:
        parsed = mailparser.parse_from_bytes(path.read_bytes())
        return bool(parsed.body.strip() or parsed.attachments)
    except Exception:
        return False


def _separation(read: list[EmailContent]) -> Iterator[Row]:
    judged = [(email, truth) for email in read if (truth := _newly_said(email.full_text)) is not None]
    methods: dict[str, Callable[[EmailContent], str]] = {
        "ours": lambda email: email.body_text,
        "email-reply-parser": lambda email: str(EmailReplyParser.parse_reply(email.full_text)),
        "everything": lambda email: email.full_text,
    }
    scores = {name: [_alike(method(email), truth) for email, truth in judged] for name, method in methods.items()}
    right = {name: 100 * sum(score >= _SAME for score in found) / len(judged) for name, found in scores.items()}
    likeness = {name: 100 * mean(found) for name, found in scores.items()}
    for what, figures in (("replies told from what they quote", right), ("words of replies right (F1)", likeness)):
        ours = figures.pop("ours")
        yield Row(f"{what}, {len(judged)} messages", "%", ours, figures, "> email-reply-parser")


def _newly_said(text: str) -> str | None:
    mark = _MARK.search(text)
    above = text[: mark.start()].strip() if mark else ""
    return above or None


def _alike(found: str, truth: str) -> float:
    """F1 of the words, in order of their number: a signature left out costs what it is long."""
    one, other = _WORD.findall(found.lower()), _WORD.findall(truth.lower())
    if not one or not other:
        return float(one == other)
    rest, shared = list(other), 0
    for word in one:
        if word in rest:
            rest.remove(word)
            shared += 1
    return 2 * shared / (len(one) + len(other))
