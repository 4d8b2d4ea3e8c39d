"""E-mails: how many can be read, and whether what a reply newly says is told from what it quotes.

What is newly said was marked by hand for the replies of ``replies.tsv``: those of the collection that quote and say
something of their own. Of messages that quote nothing, nothing may be lost but a signature.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

import mailparser
from email_reply_parser import EmailReplyParser

from benchmarks.rows import Row
from dealpulse.extraction.child import answer
from dealpulse.extraction.contract import EmailContent, Limits
from dealpulse.extraction.protocol import Read, Request

_QUOTES = re.compile(
    r"^[ \t]*(?:>|\||-{2,} ?(?:Original|Forwarded)|Begin forwarded|From:|Von:|De :|_{5,})"
    r"|(?:wrote|schrieb|écrit).{0,8}:\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_REPLIES = Path(__file__).with_name("replies.tsv")
_WORD = re.compile(r"\w+")
_SAME = 0.95
_KEPT = 0.9


def mail_rows(data: Path) -> Iterator[Row]:
    """The figures, one as soon as it is known."""
    files = sorted((data / "emails").glob("*.eml"))
    with tempfile.TemporaryDirectory() as folder:
        read = {path: _ours(path, Path(folder)) for path in files}
        outlook = [_ours(path, Path(folder)) for path in sorted((data / "msg").glob("*.msg"))]
        boxes = [*sorted((data / "mbox").iterdir()), *sorted((data / "tnef").iterdir())]
        opened = sum(_opened(path, Path(folder)) for path in boxes)
    theirs = {"mail-parser": float(sum(map(_mail_parser, files)))}
    yield Row(f"e-mails read, of {len(files)}", "", _count(list(read.values())), theirs, "")
    yield Row(f"Outlook messages read, of {len(outlook)}", "", _count(outlook), {}, "")
    yield Row(f"mailboxes and winmail.dat opened, of {len(boxes)}", "", opened, {}, "")
    yield from _separation({path.name: found for path, found in read.items() if found is not None})


def _ours(path: Path, folder: Path) -> EmailContent | None:
    """As the sandboxed child reads it; None where it says why it cannot."""
    read = answer(Request(path=path, name=path.name, as_email=True, files_dir=folder, limits=Limits()))
    return read.email if isinstance(read, Read) else None


def _opened(path: Path, folder: Path) -> bool:
    """Whether the files inside come out, to be documents and e-mails of their own."""
    read = answer(Request(path=path, name=path.name, as_email=False, files_dir=folder, limits=Limits()))
    return isinstance(read, Read) and read.document is not None and bool(read.document.files)


def _count(found: list[EmailContent | None]) -> int:
    return sum(one is not None for one in found)


def _mail_parser(path: Path) -> bool:
    """Whether it finds anything at all, which is what makes ours call a file a message."""
    try:
        parsed = mailparser.parse_from_bytes(path.read_bytes())
        return bool(parsed.body.strip() or parsed.attachments or parsed.subject or parsed.from_)
    except Exception:
        return False


def _separation(read: dict[str, EmailContent]) -> Iterator[Row]:
    methods: dict[str, Callable[[EmailContent], str]] = {
        "ours": lambda email: email.body_text,
        "email-reply-parser": lambda email: str(EmailReplyParser.parse_reply(email.full_text)),
        "everything": lambda email: email.full_text,
    }
    judged = [(read[name], truth) for name, truth in _truths(read) if name in read]
    scores = {name: [_alike(method(email), truth) for email, truth in judged] for name, method in methods.items()}
    right = {name: 100 * sum(score >= _SAME for score in found) / len(judged) for name, found in scores.items()}
    likeness = {name: 100 * mean(found) for name, found in scores.items()}
    plain = [email for email in read.values() if email.full_text.strip() and not _QUOTES.search(email.full_text)]
    kept = {
        name: 100 * sum(_share_of(email.full_text, method(email)) >= _KEPT for email in plain) / len(plain)
        for name, method in methods.items()
        if name != "everything"
    }
    for what, figures in (
        (f"replies told from what they quote, of {len(judged)}", right),
        ("their words right (F1)", likeness),
        (f"messages without a quote left whole, of {len(plain)}", kept),
    ):
        ours = figures.pop("ours")
        yield Row(what, "%", ours, figures, "> email-reply-parser")


def _truths(read: dict[str, EmailContent]) -> Iterator[tuple[str, str]]:
    for line in _REPLIES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, first, last = line.split("\t")
            lines = read[name].full_text.splitlines() if name in read else []
            yield name, "\n".join(lines[int(first) : int(last) + 1])


def _share_of(whole: str, part: str) -> float:
    """Of the words of the whole that are in the part."""
    words = _WORD.findall(whole.lower())
    return len(_WORD.findall(part.lower())) / len(words) if words else 1.0


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
