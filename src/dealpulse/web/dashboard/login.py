"""Logging in with a token, and out again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.responses import RedirectResponse, Response

from dealpulse.web.access.rates import Rates
from dealpulse.web.access.tokens import digest_of
from dealpulse.web.dashboard.forms import Form, check, form_of, own_address
from dealpulse.web.dashboard.rendering import render
from dealpulse.web.dashboard.sessions import COOKIE, LOCAL, SECONDS, Sessions
from dealpulse.web.errors import HttpFault
from dealpulse.web.routing import ApiRequest

_TRIES_PER_MINUTE: Final = 20


class Login:
    """The login page and its form; so many tries a minute an address."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._rates = Rates(_TRIES_PER_MINUTE)

    async def show(self, request: ApiRequest) -> Response:
        return self._page(request, request.query_params.get("next", "/"))

    async def enter(self, request: ApiRequest) -> Response:
        """Raises HttpFault (403) for a form of another site."""
        form = await form_of(request)
        request.scope["session"], request.scope["sessions"] = LOCAL, self._sessions
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HttpFault(403, code="foreign_form", message="Log in on the page of the dashboard itself.")
        if self._rates.take(request.client.host if request.client else ""):
            return self._page(request, form.one("next"), problem="These are many tries. Wait a minute.", status=429)
        digest = digest_of(form.one("token").encode())
        holder = await request.state["door"].holder(digest)
        if holder is None:
            return self._page(request, form.one("next"), problem="This token is not a valid one.", status=401)
        response = RedirectResponse(own_address(form.one("next")), status_code=HTTPStatus.SEE_OTHER)
        response.set_cookie(
            COOKIE,
            self._sessions.begin(digest),
            max_age=SECONDS,
            httponly=True,
            samesite="lax",
            secure=_is_secure(request),
        )
        return response

    async def leave(self, request: ApiRequest) -> Response:
        form: Form = await form_of(request)
        check(request, form)
        response = RedirectResponse("/login", status_code=HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE)
        return response

    def _page(self, request: ApiRequest, there: str, *, problem: str | None = None, status: int = 200) -> Response:
        return render(request, "login.html", status=status, there=own_address(there), problem=problem)


def _is_secure(request: ApiRequest) -> bool:
    public = request.state["settings"].public_url or ""
    return request.url.scheme == "https" or public.startswith("https:")
