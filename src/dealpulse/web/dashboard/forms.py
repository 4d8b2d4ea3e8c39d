"""What people do on a page: a form that shows it is ours comes in, the browser goes back to where it was.

Every button is such a form. What was done, or why it was not, is told on the page one comes back to: the word travels
in a short-lived cookie, which any page shows once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from starlette.responses import RedirectResponse, Response

from dealpulse.errors import DealPulseError
from dealpulse.web.access.identity import Scope
from dealpulse.web.dashboard.sessions import Session, Sessions
from dealpulse.web.errors import HttpFault
from dealpulse.web.routing import ApiRequest, Endpoint

TOLD: Final = "dealpulse_told"
_TOLD_SECONDS: Final = 60
_LONGEST_TOLD: Final = 300


@dataclass(frozen=True)
class Form:
    """The fields of a form, each with its values."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """Empty when it is not there."""
        return self.fields.get(name, [""])[-1].strip()

    def every(self, name: str) -> list[str]:
        return self.fields.get(name, [])


async def form_of(request: ApiRequest) -> Form:
    return Form(parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


Act = Callable[[ApiRequest, Form], Awaitable[str | Response]]
"""Does it, and says what was done; or answers with a page of its own, such as a preview."""


def doing(path: str, act: Act, *, scope: Scope = Scope.operate) -> Endpoint:
    """A form's address. Raises HttpFault (403) for a form that is none of this session's."""

    @wraps(act)
    async def checked(request: ApiRequest) -> Response:
        form = await form_of(request)
        check(request, form)
        try:
            told, good = await act(request, form), True
        except DealPulseError as error:
            told, good = error.message, False
        return told if isinstance(told, Response) else back(request, form, told, good=good)

    return Endpoint(method="POST", path=path, handler=checked, scope=scope)


def check(request: ApiRequest, form: Form) -> None:
    sessions: Sessions = request.scope["sessions"]
    session: Session = request.scope["session"]
    if not sessions.is_of(session, form.one("form")):
        message = "This form is not of your session (any more): go back, reload the page and try again."
        raise HttpFault(403, code="foreign_form", message=message)


def back(request: ApiRequest, form: Form, told: str, *, good: bool = True) -> RedirectResponse:
    """To the page the form says it is on, with word of what was done."""
    response = RedirectResponse(own_address(form.one("back")), status_code=HTTPStatus.SEE_OTHER)
    word = ("1" if good else "0") + told[:_LONGEST_TOLD]
    secure = request.url.scheme == "https"
    response.set_cookie(TOLD, quote(word), max_age=_TOLD_SECONDS, httponly=True, samesite="strict", secure=secure)
    return response


def told_to(request: ApiRequest) -> tuple[bool, str] | None:
    """What the last form had to say, and whether it is good news."""
    word = unquote(request.cookies.get(TOLD, ""))
    return (word[0] == "1", word[1:]) if len(word) > 1 else None


def own_address(told: str) -> str:
    """An address on this very site; the overview in place of any other."""
    parts = urlsplit(told)
    plain = told.startswith("/") and not told.startswith(("//", "/\\")) and "\\" not in told and told.isprintable()
    return told if plain and not parts.scheme and not parts.netloc else "/"
