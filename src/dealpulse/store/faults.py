"""The one place where what Supabase answers becomes one of our errors.

A response hook on the HTTP client sees every answer, whoever asked (PostgREST or storage client, or a plain request),
while its status is still known; the vendor's own exceptions lose it. Decisions rest on the status and on the codes
that PostgREST, Postgres and the storage API document; messages are only passed on where they hold no row content.
"""

from __future__ import annotations

import re
from typing import Final

import httpx
import msgspec

from dealpulse.errors import DealPulseError, NotFound, Permanent, Transient, Unavailable

DEPENDENCY: Final = "supabase"

KEY_ADVICE: Final = "Check SUPABASE_SERVICE_ROLE_KEY: it must be this project's service_role (or secret) key."
URL_ADVICE: Final = "Check SUPABASE_URL: this address does not answer as a Supabase project does."
SCHEMA_ADVICE: Final = "Run `dealpulse migrate`, and check that SUPABASE_SCHEMA is among the project's exposed schemas."

MISSING: Final = "PT404"
"""Raised by our own functions; the detail is our code (``deal_not_found`` ...)."""

_LOADING = {"PGRST000", "PGRST001", "PGRST002", "PGRST003"}
_KEY = {"PGRST300", "PGRST301", "PGRST302", "PGRST303", "42501"}
_SCHEMA = {"42P01", "42703", "42883", "42P10", "3F000", "PGRST106", "PGRST200", "PGRST202", "PGRST204", "PGRST205"}
_AGAIN = {"40001", "40P01", "55P03", "57014"}
_AWAY_CLASSES = ("08", "53", "58", "57P", "25006", "XX")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")
_DUPLICATE = {"Duplicate", "KeyAlreadyExists", "ResourceAlreadyExists", "BucketAlreadyExists"}
_ABSENT = {"not_found", "NoSuchKey", "NoSuchBucket", "Bucket not found"}
_TOO_LARGE = {"EntityTooLarge", "Payload too large"}


class Duplicate(Permanent):
    """The object or bucket is there already."""

    code = "duplicate"


class _Answer(msgspec.Struct):
    """The parts of an error's body that PostgREST, the storage API and the gateway in front of them may send."""

    code: str | int | None = None
    message: str | None = None
    details: str | None = None
    error: str | None = None
    status: str | int | None = msgspec.field(default=None, name="statusCode")


async def refuse(response: httpx.Response) -> None:
    """Response hook: returns if the answer is a success, else raises the error that says what to do next."""
    if response.is_success:
        return
    body = await response.aread()
    try:
        answer = msgspec.json.decode(body, type=_Answer, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer = _Answer()
    if response.url.path.startswith("/storage/"):
        raise storage_fault(response, answer)
    raise rest_fault(response, answer)


def rest_fault(response: httpx.Response, answer: _Answer) -> DealPulseError:
    """The error for a refusal by PostgREST or by Postgres behind it."""
    code = str(answer.code or "")
    if code == MISSING:
        return NotFound(answer.message or "There is no such thing.", code=answer.details or NotFound.code)
    if code == "23503":
        return NotFound("What this belongs to does not exist (any more).")
    if code in _AGAIN:
        return Transient(f"Supabase could not finish the transaction ({code}).", code="transaction_failed")
    if code in _KEY:
        return _refused_key(code)
    if code in _SCHEMA:
        return Permanent(
            f"The database lacks what this version needs ({code}). {SCHEMA_ADVICE}", code="schema_outdated"
        )
    if code == "23502":
        return Permanent(
            f"A column of the app's own table needs a value DealPulse does not have: {answer.message}.",
            code="column_required",
        )
    if code in _LOADING or (_SQLSTATE.fullmatch(code) and code.startswith(_AWAY_CLASSES)):
        return _away(response, code)
    if _SQLSTATE.fullmatch(code) or code.startswith("PGRST"):
        return Permanent(f"Supabase refused the request ({code}).", code=f"supabase_{code.lower()}")
    return _by_status(response, response.status_code)


def storage_fault(response: httpx.Response, answer: _Answer) -> DealPulseError:
    """The error for a refusal by the storage API, which answers 400 to most and gives the true status in the body."""
    status = str(answer.status or response.status_code)
    words = {str(answer.code), str(answer.error)}
    if status == "409" or words & _DUPLICATE:
        return Duplicate("The object is there already.")
    if answer.message is not None and (status == "404" or words & _ABSENT):
        return NotFound("There is no such file.", code="file_not_found")
    if status == "413" or words & _TOO_LARGE:
        return Permanent(
            "The file is larger than the storage bucket allows. Raise the limit in Supabase's storage settings.",
            code="too_large",
        )
    return _by_status(response, int(status) if status.isdecimal() else response.status_code)


def transport_fault(error: httpx.HTTPError) -> DealPulseError:
    """The error for a request that got no answer."""
    kind = type(error).__name__
    if isinstance(error, httpx.PoolTimeout):
        return Transient("All connections to Supabase are busy.", code="busy")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.TooManyRedirects | httpx.DecodingError):
        return Permanent(f"{URL_ADVICE} ({kind})", code="wrong_address")
    return Unavailable(f"Supabase cannot be reached ({kind}).", dependency=DEPENDENCY)


def _by_status(response: httpx.Response, status: int) -> DealPulseError:
    if status in (401, 403):
        return _refused_key(str(status))
    if status in (408, 429) or status >= 500:
        return _away(response, str(status))
    if status == 413:
        return Permanent("Supabase refused the request as too large.", code="request_too_large")
    return Permanent(f"{URL_ADVICE} (HTTP {status})", code="wrong_address")


def _refused_key(code: str) -> Permanent:
    return Permanent(f"Supabase refused the key ({code}). {KEY_ADVICE}", code="key_refused")


def _away(response: httpx.Response, code: str) -> Unavailable:
    wait = response.headers.get("Retry-After", "")
    return Unavailable(
        f"Supabase is not available ({code}).",
        dependency=DEPENDENCY,
        retry_after=float(wait) if wait.isdecimal() else None,
    )
