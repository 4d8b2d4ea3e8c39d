"""What went wrong, said as what to do next.

    DealPulseError
    ├── Rejected                the caller's fault: nothing was enqueued, nothing was changed
    │   ├── Invalid             400  the request itself is wrong
    │   └── NotFound            404  what it names does not exist (or belongs to another deal)
    ├── Transient               try again, with back-off; burns an attempt
    │   ├── RateLimited         try again when the bucket reopens; burns none
    │   ├── Unavailable         try again when the dependency is back; burns none
    │   ├── BudgetExceeded      try again when the budget renews; burns none
    │   ├── Awaiting            try again when other work is done; burns none
    │   └── Interrupted         try again at once, elsewhere; burns none
    └── Permanent               never again: dead letter at once
        ├── NeedsConsent        a person must reconnect the source
        └── Unreadable          a file that cannot be read, with a reason a person understands

Vendor errors are translated into these once, at the edge, ``from exc``. Branch on the class or on ``code``, never on
the message: messages are for people. Anything that is none of these is treated as :class:`Transient`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dealpulse.models import Usage


class DealPulseError(Exception):
    """Base of all our errors.

    ``code`` is stable and machine-readable (``snake_case``); ``message`` is one sentence for a person and holds
    neither secrets nor document or e-mail content.
    """

    code = "error"
    usage: Usage | None = None
    """What a model had been paid by the time this went wrong."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        # Half a character, as in a file's name that is no UTF-8, could be neither stored nor sent.
        message = message.encode(errors="replace").decode()
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class Rejected(DealPulseError):
    """The caller asked for something that cannot be done as asked."""

    code = "rejected"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message, code=code)
        self.details: Mapping[str, object] = details or {}


class Invalid(Rejected):
    """The request is malformed or contradicts itself."""

    code = "invalid_request"


class NotFound(Rejected):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"


class Transient(DealPulseError):
    """Worth another attempt. ``retry_after`` (seconds) overrides the computed back-off."""

    code = "transient"

    def __init__(self, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimited(Transient):
    """The other side asked us to slow down; ``bucket`` names the account that is closed for everybody."""

    code = "rate_limited"

    def __init__(self, message: str, *, bucket: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.bucket = bucket


class Unavailable(Transient):
    """A dependency (``redis``, ``supabase``, ``anthropic``, a source) is down; the job waits for it."""

    code = "unavailable"

    def __init__(self, message: str, *, dependency: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.dependency = dependency


class BudgetExceeded(Transient):
    """The deal's budget is spent; the work waits until ``until``."""

    code = "budget_exceeded"

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Awaiting(Transient):
    """Other work, which this job cannot do itself, has to be done first."""

    code = "awaiting"


class Interrupted(Transient):
    """The worker is about to stop, and the job stood at a point from which another can go on."""

    code = "interrupted"


class Permanent(DealPulseError):
    """Trying again cannot help."""

    code = "permanent"


class NeedsConsent(Permanent):
    """The source's authorisation is gone; a person must connect it again."""

    code = "needs_consent"


class Unreadable(Permanent):
    """A file whose content cannot be had.

    Codes: ``empty_file``, ``truncated``, ``corrupt``, ``encrypted``, ``unsupported_type``, ``wrong_extension``,
    ``too_large``, ``bomb``, ``timed_out``, ``out_of_memory``, ``no_text``.
    """

    code = "corrupt"
