"""Which conversation a message belongs to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_PREFIX = re.compile(
    r"^\s*(?:(?:re|fwd?|aw|wg|wtr|antw|sv|vs|vb|rv|enc|res|tr|rif|r|i|odp|pd|ynt|回复|答复|转发)\s*"
    r"(?:\[\d+\]|\(\d+\))?\s*[:：]|\[(?:ext|external|extern)\])\s*",
    re.IGNORECASE,
)


def normalized_subject(subject: str) -> str:
    """Without reply and forward marks in any of the usual languages, in lower case, single blanks."""
    rest = subject
    while (shorter := _PREFIX.sub("", rest, count=1)) != rest:
        rest = shorter
    return " ".join(rest.split()).casefold()


def thread_key(
    *, message_id: str | None, in_reply_to: str | None, references: Sequence[str], subject: str, full_text: str
) -> str:
    """The root of the references, else the message replied to, else the message's own id.

    A reply whose program left both out cannot name its root: it goes by its subject, with the other such replies. A
    message with neither id nor subject is a thread of its own.
    """
    bare = normalized_subject(subject)
    if references:
        return references[0]
    if in_reply_to:
        return in_reply_to
    is_reply = _PREFIX.match(subject) is not None
    if message_id and not (is_reply and bare):
        return message_id
    if bare:
        return f"subject:{bare}"
    return message_id or f"text:{hashlib.sha256(full_text.encode()).hexdigest()[:32]}"
