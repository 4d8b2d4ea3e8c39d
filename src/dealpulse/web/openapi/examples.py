"""Examples of what travels, made from the types: plausible by the field's name, right by its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_DEAL: Final = "3f2b8c1e-6a4d-4f0e-9b1a-7c5d2e8f9a10"
_DOCUMENT: Final = "9d1c7e52-0b3f-4c8a-a6e4-1f2d3c4b5a69"
_EMAIL: Final = "5b8e2a90-7d41-4c6f-8e13-a2b4c6d8e0f1"
_JOB: Final = f"doc:{_DOCUMENT}:summarize"
_TIME: Final = "2026-11-25T09:00:00Z"

_BY_FIELD: Final[Mapping[str, object]] = {
    "id": "c0ffee00-1234-4abc-9def-0123456789ab",
    "deal_id": _DEAL,
    "document_id": _DOCUMENT,
    "email_id": _EMAIL,
    "job_id": _JOB,
    "job_ids": [_JOB],
    "ids": [_JOB],
    "account": "anthropic",
    "action": "investigate",
    "actor": "ops",
    "address": "https://example.com/hooks/dealpulse",
    "attempt": 1,
    "away": {"supabase": _TIME},
    "by": "day",
    "caller": "ops",
    "category": "change_of_control",
    "channel": "webhook",
    "checks": {"redis": "ok", "supabase": "ok"},
    "closed": {"anthropic": 0.0},
    "code": "file_gone",
    "confidence": "normal",
    "content": {"headline": "Two P1 risks are new."},
    "corrections": {},
    "cron": "0 8 * * MON",
    "daily_usd": 25.0,
    "date": "2026-11-25",
    "day": "2026-11-25",
    "engine": "claude",
    "error_class": "Permanent",
    "expression": "0 8 * * *",
    "fingerprint": "9f8e7d6c5b4a3921",
    "format": "json",
    "function": "process_document",
    "headline": "Two P1 risks are new.",
    "key": "2026-11-25",
    "kind": "weekly_report",
    "kinds": ["daily_brief"],
    "limit": 50,
    "links": {"health": "/healthz"},
    "location": "1AbCdEfGhIjKlMnOpQrStUvWxYz",
    "markdown": "# Project Alder\n",
    "message": "The file is gone from its source.",
    "mime_type": "application/pdf",
    "model": "claude-sonnet-5-5",
    "name": "Project Alder",
    "next": None,
    "operation": "summarize",
    "outcome": "done",
    "owner": "Dana Whitfield",
    "path": "02 Contracts/Halbrook Master Agreement.pdf",
    "peer": "10.0.0.7",
    "page": 4,
    "priority": "normal",
    "progress": 40,
    "queue": "documentProcessing",
    "quote": "may terminate upon a change of control",
    "reason": "",
    "request_id": "6f1d2c3b4a5968778695a4b3c2d1e0f9",
    "review": "accept",
    "run": f"17:{_JOB}",
    "run_at": _TIME,
    "schedule": "cron:daily_brief",
    "scope": "enqueue",
    "secret": "whsec_...",
    "severity": "P1",
    "source_type": "gdrive",
    "state": "waiting",
    "status": "active",
    "subject": "Re: disclosure schedules",
    "sync_type": "incremental",
    "target": {"job_id": _JOB},
    "time_zone": "America/New_York",
    "title": "Change of control lets Halbrook terminate",
    "token": "dp_...",
    "traceback": [],
    "type": "gdrive",
    "unit": "minute",
    "verdict": "accept",
    "verification": "verified",
    "worker": "workers-1:31:5f0c9a12",
    "zone": "America/New_York",
}
_BY_PLACE: Final[Mapping[str, object]] = {
    "AlertView.key": "waiting:documentProcessing",
    "AlertView.rule": "waiting",
    "AlertView.severity": "warning",
    "AlertView.subject": "documentProcessing",
    "AlertView.summary": "132 jobs wait on documentProcessing.",
    "AlertView.deal_ids": [],
    "BulkRequest.action": "cancel",
    "BulkRequest.filter": None,
    "CleanRequest.state": "completed",
    "CostShare.key": "2026-11-25",
    "DocumentView.name": "Halbrook Master Agreement.pdf",
    "DocumentView.state": "ready",
    "EmailRequest.operation": "analyze",
    "EmailItem.operation": "analyze",
    "ErrorBody.code": "deal_not_found",
    "ErrorBody.message": "There is no such deal.",
    "ErrorBody.details": {},
    "JobFault.type": "Permanent",
    "RunFault.type": "Permanent",
    "ReadinessAnswer.ready": True,
    "ReportView.status": "complete",
    "BriefView.status": "complete",
    "FindingView.status": "open",
    "BlockerView.status": "open",
    "HealthAnswer.status": "ok",
    "SourceView.state": "active",
    "TokenRequest.name": "next-app",
    "TokenView.name": "next-app",
    "UploadQuery.name": "lease.pdf",
}


def example_of(kind: Any) -> Any:
    """A value of the type as it stands in JSON."""
    return _value(msgspec.inspect.type_info(kind))


def _value(of: msgspec.inspect.Type) -> Any:
    inspect = msgspec.inspect
    match of:
        case inspect.StructType():
            tag = {of.tag_field: of.tag} if of.tag_field else {}
            return tag | {field.encode_name: _field(of.cls.__name__, field) for field in of.fields}
        case inspect.ListType():
            return [_value(of.item_type)]
        case inspect.DictType():
            return {"dailyBrief": _value(of.value_type)}
        case inspect.UnionType():
            return _value(next(each for each in of.types if not isinstance(each, inspect.NoneType)))
        case inspect.DateTimeType():
            return _TIME
        case inspect.DateType():
            return "2026-11-25"
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.5
        case inspect.StrType():
            return "text"
    return {}


def _field(owner: str, field: msgspec.inspect.Field) -> Any:
    for known, name in ((_BY_PLACE, f"{owner}.{field.name}"), (_BY_FIELD, field.name)):
        if name in known and _fits(known[name], field.type):
            return known[name]
    return _value(field.type)


def _fits(value: object, wanted: msgspec.inspect.Type) -> bool:
    """Whether a value of this field's name is also of this field's type, as far as its kind of JSON goes."""
    inspect = msgspec.inspect
    if isinstance(wanted, inspect.UnionType):
        return any(_fits(value, each) for each in wanted.types)
    kinds: tuple[tuple[type, tuple[type, ...]], ...] = (
        (inspect.StrType, (str,)),
        (inspect.DateTimeType, (str,)),
        (inspect.DateType, (str,)),
        (inspect.BoolType, (bool,)),
        (inspect.IntType, (int,)),
        (inspect.FloatType, (float, int)),
        (inspect.NoneType, (type(None),)),
        (inspect.DictType, (dict,)),
        (inspect.ListType, (list,)),
    )
    return any(isinstance(wanted, kind) and isinstance(value, fitting) for kind, fitting in kinds)
