"""Templates become pages: what every page has, and the files beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache, wraps
from http import HTTPStatus
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from dealpulse.errors import DealPulseError, NotFound, Rejected
from dealpulse.web.access.identity import Scope
from dealpulse.web.dashboard import words
from dealpulse.web.dashboard.forms import TOLD, told_to
from dealpulse.web.dashboard.sessions import LOCAL, Session, Sessions
from dealpulse.web.errors import HttpFault
from dealpulse.web.routing import ApiRequest, Endpoint, get, identity_of

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOREVER: Final = "public, max-age=31536000, immutable"

_templates = Environment(
    loader=PackageLoader("dealpulse.web.dashboard", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _word in (
    words.lasting,
    words.count,
    words.dollars,
    words.cron,
    words.stamp,
    words.ago,
    words.queue_title,
    words.queue_slug,
    words.schedule_title,
    words.words,
):
    _templates.filters[_word.__name__] = _word
_templates.globals["milliseconds"] = words.milliseconds


def render(request: ApiRequest, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page for whoever asks, with the buttons they may press."""
    identity = identity_of(request)
    session: Session = request.scope.get("session", LOCAL)
    sessions: Sessions | None = request.scope.get("sessions")
    told = told_to(request)
    content = _templates.get_template(template).render(
        identity=identity,
        may=lambda scope: identity is not None and identity.scope.contains(Scope(scope)),
        logged_in=bool(session.digest),
        form_token="" if sessions is None else sessions.form_token(session),
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        told=told,
        now=datetime.now(UTC),
        zone=str(request.state["intake"].time_zone),
        version=request.state["version"],
        asset=address_of,
        **values,
    )
    response = HTMLResponse(content, status_code=status, headers={"Content-Security-Policy": POLICY})
    if told is not None:
        response.delete_cookie(TOLD)
    return response


Show = Callable[[ApiRequest], Awaitable[Response]]


def showing(path: str, show: Show, *, scope: Scope = Scope.read) -> Endpoint:
    """A page's address. What goes wrong is a page too."""

    @wraps(show)
    async def shown(request: ApiRequest) -> Response:
        try:
            return await show(request)
        except (DealPulseError, HttpFault) as error:
            return render(request, "error.html", status=_status(error), error=error)

    return get(path, shown, scope=scope, also=("text/html",))


def _status(error: DealPulseError | HttpFault) -> int:
    if isinstance(error, HttpFault):
        return error.status
    if isinstance(error, Rejected):
        return HTTPStatus.NOT_FOUND if isinstance(error, NotFound) else HTTPStatus.BAD_REQUEST
    return HTTPStatus.SERVICE_UNAVAILABLE


# --- the files beside the pages ---------------------------------------------------------------------------------------


@cache
def _file(name: str) -> bytes | None:
    known = {file.name: file for file in (resources.files("dealpulse.web.dashboard") / "static").iterdir()}
    return known[name].read_bytes() if name in known else None


@cache
def address_of(name: str) -> str:
    """With a digest of the content in it, so that browsers may keep it for good."""
    content = _file(name)
    if content is None:
        raise LookupError(f"there is no file {name}")
    return f"/static/{hashlib.sha256(content).hexdigest()[:16]}/{name}"


async def static(request: ApiRequest) -> Response:
    name = request.path_params["name"]
    content = _file(name)
    if content is None:
        raise HttpFault(404, code="unknown_path", message="There is nothing at this address.")
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers={"Cache-Control": _FOREVER})
