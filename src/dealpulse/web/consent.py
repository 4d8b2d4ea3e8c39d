"""The pages a person sees who connects their account: what is asked, and what came of it.

Whoever opens them has no token of ours: a ticket or a state, each good once, says what it is about.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from dealpulse.connecting.consent import (
    CALLBACK_PATH,
    CONSENT_SECONDS,
    START_PATH,
    Beginning,
    Connected,
    ConsentFailed,
)
from dealpulse.errors import DealPulseError, NotFound, Transient
from dealpulse.web.routing import ApiRequest, Endpoint, get
from dealpulse.web.viewer import page

COOKIE: Final = "dealpulse_consent"


async def start(request: ApiRequest) -> Response:
    """What is asked, for which deal and by whom; ``&go=1``, which the person chooses, leads to the vendor."""
    consents, ticket = request.state["consents"], request.query_params.get("ticket", "")
    try:
        if "go" in request.query_params:
            return sent_to(await consents.begin(ticket), request)
        wish, deal = await consents.look(ticket)
    except DealPulseError as error:
        return _failed(error)
    return page("consent.html", wish=wish, deal=deal, vendor=VENDORS[wish.kind.value], ticket=ticket)


async def callback(request: ApiRequest) -> Response:
    """The vendor sends the browser back here."""
    return _forgetting(await _came_back(request), request)


async def _came_back(request: ApiRequest) -> Response:
    told = request.query_params
    try:
        done = await request.state["consents"].complete(
            state=told.get("state", ""),
            browser=request.cookies.get(COOKIE, ""),
            code=told.get("code", ""),
            error=told.get("error", ""),
        )
    except ConsentFailed as error:
        return _failed(error) if error.return_to is None else RedirectResponse(error.return_to, 303)
    except DealPulseError as error:
        return _failed(error)
    await _write_down(request, done)
    if done.return_to is not None:
        return RedirectResponse(done.return_to, 303)
    return page("connected.html", done=done, vendor=VENDORS[done.wish.kind.value])


def sent_to(beginning: Beginning, request: ApiRequest) -> RedirectResponse:
    """On to the vendor, with what tells this browser from all others when it comes back."""
    response = RedirectResponse(beginning.address, 303)
    response.set_cookie(
        COOKIE,
        beginning.browser,
        max_age=int(CONSENT_SECONDS),
        path=_cookie_path(request),
        secure=(request.state["settings"].public_url or "").startswith("https://"),
        httponly=True,
        # Sent when the vendor's page leads back here, and with nothing that a foreign page asks for by itself.
        samesite="lax",
    )
    return response


def _cookie_path(request: ApiRequest) -> str:
    """As the browser sees it: a proxy may have us below a path of its own."""
    return urlsplit(request.state["settings"].public_url or "").path + CALLBACK_PATH


def _failed(error: DealPulseError) -> HTMLResponse:
    status = 503 if isinstance(error, Transient) else 404 if isinstance(error, NotFound) else 400
    message = error.message if isinstance(error, ConsentFailed | Transient) else "It cannot be connected here and now."
    return page("consent_failed.html", status=status, message=message)


def _forgetting(response: Response, request: ApiRequest) -> Response:
    response.delete_cookie(COOKIE, path=_cookie_path(request))
    return response


async def _write_down(request: ApiRequest, done: Connected) -> None:
    entry = request.state["audit"].begin(
        actor=done.wish.asker,
        action="connections.connected",
        target={"deal_id": done.wish.deal_id, "connection_id": done.connection.id},
        peer=request.client.host if request.client else None,
    )
    async with entry:
        pass


VENDORS: Final = {
    "gdrive": "Google Drive",
    "gmail": "Gmail",
    "sharepoint": "SharePoint",
    "outlook": "Outlook",
}

ENDPOINTS: Final[tuple[Endpoint, ...]] = (get(START_PATH, start), get(CALLBACK_PATH, callback))
"""Before the door."""
