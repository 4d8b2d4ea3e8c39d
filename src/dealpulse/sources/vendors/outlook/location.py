"""What an Outlook source is named by.

dana@example.com                            everything but what is deleted, junk or not sent yet
dana@example.com/Inbox/Kestrel              one folder, with those in it
dana@example.com/Inbox/Kestrel;Sent Items   several
me/inbox                                    of the account that was connected; Outlook's own names are known, too
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dealpulse.errors import Permanent

ME = "me"
_ADDRESS = re.compile(r"[^@\s/;]+@[^@\s/;]+")


@dataclass(frozen=True)
class Location:
    """``folders`` are paths of names below the mailbox's top; none: all that is not left out."""

    mailbox: str
    folders: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, location: str) -> Location:
        """Raises ``Permanent`` (``wrong_location``)."""
        mailbox, _, rest = location.strip().partition("/")
        if mailbox != ME and not _ADDRESS.fullmatch(mailbox):
            raise Permanent(
                "Name a mailbox by its address, with its folders if not all are meant: dana@example.com/Inbox/Deals.",
                code="wrong_location",
            )
        paths = (tuple(part.strip() for part in path.split("/") if part.strip()) for path in rest.split(";"))
        return cls(mailbox, tuple(path for path in paths if path))
