"""What a Gmail source names: a mailbox, and which of its messages.

    me                                              the mailbox of the connected account
    dana@example.com                                that mailbox
    dana@example.com?label=Deals/Kestrel            its messages with a label, by the label's name or id
    dana@example.com?label=INBOX&label=Kestrel      those with both
    me?q=from:(acme.com) newer_than:1y              those that Gmail's search finds

A label and a search together: what has the label and is found. Drafts, spam, chats and the trash are left out always.
Characters that mean something in addresses (``&``, ``+``, ``%``, ``#``) are written as there: ``%26``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from dealpulse.errors import Permanent
from dealpulse.sources.vendors.gmail.wire import LEFT_OUT

_MAILBOX = re.compile(r"me|[^\s@/?#%&]+@[^\s@/?#%&]+\.[^\s@/?#%&]+")


@dataclass(frozen=True)
class Location:
    mailbox: str
    """An e-mail address, or ``me``."""
    labels: tuple[str, ...] = ()
    query: str = ""

    @classmethod
    def of(cls, location: str) -> Location:
        """Raises ``Permanent`` (``wrong_location``)."""
        mailbox, mark, rest = location.strip().partition("?")
        if not _MAILBOX.fullmatch(mailbox):
            raise _wrong("begin with a mailbox, which is an e-mail address or 'me'")
        if mark and not rest:
            raise _wrong("say after the question mark which messages are meant")
        try:
            told = parse_qsl(rest, keep_blank_values=True, strict_parsing=True, max_num_fields=20) if mark else []
        except ValueError:
            raise _wrong("write label=NAME or q=SEARCH, joined by '&'") from None
        if not {name for name, _ in told} <= {"label", "q"}:
            raise _wrong("narrow it down by label= and q= only")
        if not all(value.strip() for _, value in told):
            raise _wrong("name a label or a search after each '='")
        labels = tuple(dict.fromkeys(value.strip() for name, value in told if name == "label"))
        queries = [value.strip() for name, value in told if name == "q"]
        if len(queries) > 1:
            raise _wrong("give one search")
        if left_out := LEFT_OUT.intersection(label.upper() for label in labels):
            raise _wrong(f"leave out {', '.join(sorted(left_out))}: drafts, spam, chats and the trash are never read")
        if queries and not _balanced(queries[0]):
            raise _wrong("close every parenthesis and quotation mark of the search")
        return cls(mailbox, labels, queries[0] if queries else "")


def _balanced(query: str) -> bool:
    """Whether it stays one search when it is put in parentheses."""
    depth, quoted = 0, False
    for character in query:
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth < 0:
                return False
    return depth == 0 and not quoted


def _wrong(what: str) -> Permanent:
    return Permanent(
        f"A Gmail source's location must {what}; for example me, dana@example.com or "
        "dana@example.com?label=Deals/Kestrel&q=from:acme.com",
        code="wrong_location",
    )
