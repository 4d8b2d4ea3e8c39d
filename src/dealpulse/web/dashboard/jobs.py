"""Jobs: one search over all of them, the same done to many at once, and each of them with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from starlette.responses import Response

from dealpulse.errors import Invalid
from dealpulse.jobs import QUEUES, DocumentOperation, EmailOperation, Job, Priority, ProcessDocument, ProcessEmail
from dealpulse.queue import JobState
from dealpulse.store.usage import Cost
from dealpulse.web.access.identity import Scope
from dealpulse.web.api import job_lists
from dealpulse.web.api import jobs as api
from dealpulse.web.codec import JsonResponse
from dealpulse.web.dashboard.forms import Form, doing
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.dashboard.words import count
from dealpulse.web.routing import ApiRequest, Endpoint, identity_of
from dealpulse.web.wire import BulkAnswer, BulkRequest, JobsAnswer, JobsQuery, PriorityRequest, WorkTerms

_PAGE: Final = 50
_FIELDS: Final = {
    field.name: field.encode_name for field in msgspec.structs.fields(JobsQuery) if field.name not in ("limit", "after")
}
_BULK: Final = {
    "cancel": "cancel",
    "retry": "run again",
    "promote": "make due now",
    "discard": "throw away",
}


async def jobs(request: ApiRequest) -> Response:
    """The search, as its address says: a page can be sent to a colleague."""
    asked, problem = _asked(request)
    found = JobsAnswer(jobs=[], next=None)
    if problem is None:
        try:
            found = await job_lists.jobs(request, asked)
        except Invalid as error:
            problem = error.message
    told = _told(asked)
    return render(
        request,
        "jobs.html",
        found=found,
        asked=asked,
        problem=problem,
        search=told,
        narrowed=bool(told.keys() - {"text", "queue", "state"}),
        next=None if found.next is None else "/jobs?" + urlencode({**told, "after": found.next}),
        address=urlencode(told),
        queues=QUEUES,
        states=list(JobState),
        operations=sorted({*DocumentOperation, *EmailOperation}),
        bulk=_BULK,
    )


def _asked(request: ApiRequest) -> tuple[JobsQuery, str | None]:
    """The search of the address, and why it cannot be met; empty fields of a form ask for nothing."""
    given = {name: value for name, value in request.query_params.items() if value.strip()}
    for name in ("queue", "state"):
        several = [value for value in request.query_params.getlist(name) if value.strip()]
        if several:
            given[name] = ",".join(several)
    given["limit"] = str(_PAGE)
    for name in ("since", "until"):
        if name in given and "+" not in given[name] and not given[name].endswith("Z"):
            given[name] += "Z"  # a browser's field for times has no zone: the page says that they are UTC
    try:
        return msgspec.convert(given, JobsQuery, strict=False), None
    except msgspec.ValidationError as error:
        return JobsQuery(), f"This is no search: {error}."


def _told(asked: JobsQuery) -> dict[str, str]:
    """What of a search is not left open, as an address has it."""
    told = {}
    for name, wire in _FIELDS.items():
        value = getattr(asked, name)
        if value:
            told[wire] = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return told


async def do_to_many(request: ApiRequest, form: Form) -> str | Response:
    """First what it would be done to; then, from that page, done."""
    action = form.one("action")
    if action not in _BULK:
        raise Invalid("Choose what is to be done.", code="unknown_action")
    everything = form.one("all") == "1"
    search = dict(_pairs(form.one("search")))
    wanted = BulkRequest(
        action=action,
        ids=[] if everything else form.every("id"),
        filter=msgspec.convert(search, JobsQuery, strict=False) if everything else None,
        dry_run=form.one("sure") != "1",
    )
    if not everything and not wanted.ids:
        raise Invalid("Tick the jobs it is to be done to.", code="invalid_selection")
    answer = await job_lists.bulk(request, wanted)
    if wanted.dry_run:
        return render(
            request,
            "preview.html",
            action=action,
            what=_BULK[action],
            answer=answer,
            ids=wanted.ids,
            everything=everything,
            search=form.one("search"),
            back=form.one("back"),
        )
    return _outcome(action, answer)


def _pairs(address: str) -> list[tuple[str, str]]:
    return parse_qsl(address)


def _outcome(action: str, answer: BulkAnswer) -> str:
    refused = "".join(f"; {count(number)} not: {code}" for code, number in answer.refused.items())
    more = " There are more that match: do it again." if answer.more else ""
    return f"{_BULK[action].capitalize()}: {count(answer.done)} of {count(answer.matched)} jobs{refused}.{more}"


# --- one job ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Links:
    """Where what a job is about can be looked at."""

    document_id: str | None = None
    email_id: str | None = None


async def job(request: ApiRequest) -> Response:
    """One job's whole life."""
    found = (await api.job(request)).job
    asked = await request.state["desk"].history.job_asked(found.id)
    return render(
        request,
        "job.html",
        job=found,
        payload=_payload(request, asked),
        links=_links(asked),
        costs=await _costs(request, asked),
        priorities=list(Priority),
    )


def _payload(request: ApiRequest, asked: Job | None) -> str | None:
    """As it is called; None where whoever asks may not see it, or there is none of ours."""
    identity = identity_of(request)
    needed = Scope(request.state["settings"].api.payloads_scope)
    if asked is None or identity is None or not identity.scope.contains(needed):
        return None
    return msgspec.json.format(msgspec.json.encode({"function": asked.function, "args": asked.args}), indent=2).decode()


def _links(asked: Job | None) -> Links:
    if isinstance(asked, ProcessDocument):
        return Links(document_id=asked.document_id)
    return Links(email_id=asked.email_id) if isinstance(asked, ProcessEmail) else Links()


async def _costs(request: ApiRequest, asked: Job | None) -> list[Cost]:
    """What the models' answers about its document cost."""
    if not isinstance(asked, ProcessDocument):
        return []
    return await request.state["store"].usage.of_document(asked.document_id)


async def cancel(request: ApiRequest, _: Form) -> str:
    done = await api.cancel(request)
    return "It runs, and ends as soon as it has cleaned up." if done.state == "cancelling" else "Cancelled."


async def retry(request: ApiRequest, _: Form) -> str:
    done = await api.retry(request)
    return "The same job waits or runs already." if done.deduplicated else "It runs again."


async def promote(request: ApiRequest, _: Form) -> str:
    await api.promote(request)
    return "It is due now."


async def duplicate(request: ApiRequest, _: Form) -> str:
    done = await api.duplicate(request, WorkTerms())
    return "The same job waits or runs already." if done.deduplicated else "Asked for once more."


async def reprioritise(request: ApiRequest, form: Form) -> str:
    await api.reprioritise(request, PriorityRequest(priority=form.one("priority")))
    return f"Its priority is {form.one('priority')}."


async def suggest(request: ApiRequest) -> Response:
    """Ids, deals and errors that go on from what was typed, for the search field."""
    typed = request.query_params.get("text", "").strip()
    return JsonResponse(await _suggestions(request, typed) if typed else [])


async def _suggestions(request: ApiRequest, typed: str) -> list[dict[str, str]]:
    known = typed.casefold()
    deals = [deal for deal in await request.state["store"].deals.all() if known in deal.name.casefold()]
    told = [{"label": f"deal: {deal.name}", "address": f"/jobs?{urlencode({'dealId': deal.id})}"} for deal in deals[:5]]
    errors: dict[str, int] = {}
    for queue in QUEUES:
        for group in await request.state["desk"].history.dead_groups(queue.key):
            if known in group.error_class.casefold() or known in group.code.casefold():
                errors[group.error_class] = errors.get(group.error_class, 0) + group.count
    told += [
        {"label": f"error: {name} ({number})", "address": f"/jobs?{urlencode({'errorClass': name})}"}
        for name, number in sorted(errors.items(), key=lambda one: -one[1])[:5]
    ]
    view = await request.state["queue"].job(typed)
    if view is not None:
        told.insert(0, {"label": f"job: {view.job_id}", "address": f"/jobs/{quote(view.job_id)}"})
    return told


_ONE: Final = "/jobs/{job_id}"

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    showing("/jobs", jobs),
    showing("/suggest", suggest),
    doing("/jobs/bulk", do_to_many),
    showing(_ONE, job),
    doing(f"{_ONE}/cancel", cancel),
    doing(f"{_ONE}/retry", retry),
    doing(f"{_ONE}/promote", promote),
    doing(f"{_ONE}/duplicate", duplicate),
    doing(f"{_ONE}/priority", reprioritise),
)
