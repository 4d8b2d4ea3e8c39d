"""Which deal a request is about, by where it says so. See :class:`~dealpulse.web.routing.Endpoint`."""

from __future__ import annotations

from typing import Protocol, cast

from dealpulse.errors import NotFound
from dealpulse.web.codec import body_of
from dealpulse.web.routing import About, ApiRequest
from dealpulse.web.wire import Incoming


async def path(request: ApiRequest) -> str:
    """The address names the deal."""
    return str(request.path_params["deal_id"])


async def document(request: ApiRequest) -> str:
    """The address names a document."""
    return (await request.state["store"].documents.get(request.path_params["document_id"])).deal_id


async def email(request: ApiRequest) -> str:
    """The address names an e-mail."""
    return (await request.state["store"].emails.get(request.path_params["email_id"])).deal_id


async def finding(request: ApiRequest) -> str:
    """The address names a finding."""
    return await request.state["store"].findings.deal_of(request.path_params["finding_id"])


async def blocker(request: ApiRequest) -> str:
    """The address names a blocker."""
    return await request.state["store"].blockers.deal_of(request.path_params["blocker_id"])


async def job(request: ApiRequest) -> str:
    """The address names a job. One that belongs to no deal is nobody's."""
    found = await request.state["queue"].job(request.path_params["job_id"])
    if found is None or found.deal_id is None:
        raise NotFound("There is no such job, or none any more.", code="job_not_found")
    return found.deal_id


async def own(request: ApiRequest) -> None:
    """The answer holds the caller's own deals only: the handler sees to that."""


async def query(request: ApiRequest) -> str:
    """``?dealId=`` names the deal; without it the answer would be about everybody's."""
    deal_id = request.query_params.get("dealId", "")
    if not deal_id:
        raise NotFound("Say which deal: ?dealId=", code="deal_not_found")
    return deal_id


async def connect(request: ApiRequest) -> str:
    """``?deal=`` names the deal an account is connected for."""
    deal_id = request.query_params.get("deal", "")
    if not deal_id:
        raise NotFound("Say for which deal: ?deal=", code="deal_not_found")
    return deal_id


class _NamesDeal(Protocol):
    @property
    def deal_id(self) -> str: ...


def body(takes: type[Incoming]) -> About:
    """The body names the deal."""

    async def named(request: ApiRequest) -> str:
        return cast(_NamesDeal, await body_of(request, takes)).deal_id

    return named
