"""Every failure as one JSON shape: ``{"success": false, "error": {"code", "message", "details"}}``.

| what happened | status |
|---|---|
| ``Invalid`` | 400 |
| no or wrong credentials, a request the loopback waiver does not cover | 401, 403 |
| ``NotFound``, unknown path | 404 |
| wrong method | 405 |
| body over the limit | 413 |
| ``Transient`` and below (Redis or Supabase away) | 503 with ``Retry-After`` |
| anything else | 500; the log has the traceback, the caller the request id |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dealpulse.errors import DealPulseError, Invalid, NotFound, Rejected, Transient
from dealpulse.web.codec import JsonResponse
from dealpulse.web.wire import ErrorBody, Fault

log = structlog.get_logger(__name__)

REQUEST_UNANSWERED: Final = "request_unanswered"

RETRY_AFTER: Final = 5.0
"""Seconds a caller is asked to wait when the fault itself names no time."""


_PERMANENT_STATUSES: Final = {
    "too_large": 413,  # the caller's fault all the same: the storage bucket has a limit of its own
    "client_missing": 501,
    "no_encryption_key": 501,
    "public_url_missing": 501,
}
"""Permanent faults that are not ours: the caller's, or settings it takes that nobody made."""


class HttpFault(Exception):
    """A fault that only HTTP knows: credentials, methods, sizes."""

    def __init__(
        self,
        status: int,
        *,
        code: str,
        message: str,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details: Mapping[str, object] = details or {}
        self.headers = headers


def fault(
    status: int,
    *,
    code: str,
    message: str,
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """A response in the error shape."""
    body = Fault(error=ErrorBody(code=code, message=message, details=dict(details or {})))
    return JsonResponse(body, status_code=status, headers=headers)


def unexpected(request_id: str) -> JsonResponse:
    """The answer to what nobody foresaw; it tells nothing but where to look."""
    message = f"Something went wrong on our side; the log has it under request id {request_id}."
    return fault(500, code="internal_error", message=message, details={"requestId": request_id})


async def _http_fault(_: Request, error: HttpFault) -> JsonResponse:
    return fault(error.status, code=error.code, message=error.message, details=error.details, headers=error.headers)


async def _routing_fault(request: Request, error: HTTPException) -> JsonResponse:
    """What Starlette's router says itself."""
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return fault(404, code="unknown_path", message="There is nothing at this address.", headers=headers)
    if error.status_code == 405:
        allowed = sorted(headers.get("Allow", "").replace(",", " ").split())
        message = f"{request.method} is not possible here; possible: {', '.join(allowed)}."
        return fault(405, code="method_not_allowed", message=message, details={"allowed": allowed}, headers=headers)
    return fault(error.status_code, code="http_error", message=error.detail, headers=headers)


async def _our_fault(_: Request, error: DealPulseError) -> JsonResponse:
    """What the rooms below say."""
    if isinstance(error, Rejected):
        status = 404 if isinstance(error, NotFound) else 400
        return fault(status, code=error.code, message=error.message, details=error.details)
    log.warning(REQUEST_UNANSWERED, error=type(error).__name__, code=error.code, reason=error.message)
    if isinstance(error, Transient):
        seconds = math.ceil(RETRY_AFTER if error.retry_after is None else max(1.0, error.retry_after))
        return fault(
            503,
            code=error.code,
            message=error.message,
            details={"retryAfter": seconds},
            headers={"Retry-After": str(seconds)},
        )
    return fault(_PERMANENT_STATUSES.get(error.code, 500), code=error.code, message=error.message)


HANDLERS: Final[Mapping[Any, Any]] = {
    HttpFault: _http_fault,
    HTTPException: _routing_fault,
    DealPulseError: _our_fault,
}
"""By the class each takes. (Starlette types them all as taking ``Exception``, hence ``Any``.)"""


def invalid(message: str, *, code: str, **details: object) -> Invalid:
    """An ``Invalid`` whose details are given by name."""
    return Invalid(message, code=code, details=details)
