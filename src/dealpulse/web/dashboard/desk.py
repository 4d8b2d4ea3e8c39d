"""Dead letters, schedules, limits and workers: what an operator looks at and mends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from dealpulse.errors import Invalid
from dealpulse.jobs import QUEUES
from dealpulse.queue.desk import DEPENDENCIES
from dealpulse.web.api import desk as api
from dealpulse.web.dashboard.forms import Form, doing
from dealpulse.web.dashboard.rendering import render, showing
from dealpulse.web.dashboard.words import ago, count
from dealpulse.web.routing import ApiRequest, Endpoint
from dealpulse.web.wire import LettersRequest


async def dead(request: ApiRequest) -> Response:
    """Dead letters by what they died of, queue by queue."""
    history = request.state["desk"].history
    groups = await asyncio.gather(*(history.dead_groups(queue.key) for queue in QUEUES))
    return render(
        request, "dead.html", queues=[(queue, each) for queue, each in zip(QUEUES, groups, strict=True) if each]
    )


async def replay(request: ApiRequest, form: Form) -> str:
    done = await api.replay(request, _letters(form, throttled=True))
    left = {
        "wait or run already": done.busy,
        "belong to what is gone": done.refused,
        "are no longer kept": done.lost,
    }
    rest = "".join(f"; {count(number)} {why}" for why, number in left.items() if number)
    return f"{count(done.replayed)} run again{rest}."


async def discard(request: ApiRequest, form: Form) -> str:
    done = await api.discard(request, _letters(form, throttled=False))
    return f"{count(done.discarded)} thrown away."


def _letters(form: Form, *, throttled: bool) -> LettersRequest:
    rate = form.one("perSecond") if throttled else ""
    try:
        per_second = float(rate) if rate else None
    except ValueError as error:
        raise Invalid("How many a second is a number.", code="invalid_rate") from error
    return LettersRequest(fingerprint=form.one("fingerprint") or None, per_second=per_second)


async def schedules(request: ApiRequest) -> Response:
    """What runs at set times."""
    return render(request, "schedules.html", schedules=(await api.schedules(request)).schedules)


async def run_now(request: ApiRequest, _: Form) -> str:
    done = await api.run_schedule(request)
    return f"It runs: {done.job_id}."


async def limits(request: ApiRequest) -> Response:
    """Who is not asked at the moment, and for how long."""
    return render(request, "limits.html", limits=await api.limits(request), accounts=DEPENDENCIES)


async def release(request: ApiRequest, _: Form) -> str:
    done = await api.release(request)
    return f"{done.account} is asked again."


async def workers(request: ApiRequest) -> Response:
    """Who works, on what, and since when."""
    now = datetime.now(UTC)

    def since(started: str | None) -> str:
        return "?" if started is None else ago(datetime.fromisoformat(started), now).removesuffix(" ago")

    return render(request, "workers.html", workers=(await api.workers(request)).workers, since=since)


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    showing("/dead", dead),
    doing("/queues/{slug}/replay", replay),
    doing("/queues/{slug}/discard", discard),
    showing("/schedules", schedules),
    doing("/schedules/{schedule}/run", run_now),
    showing("/limits", limits),
    doing("/limits/{account}/release", release),
    showing("/workers", workers),
)
