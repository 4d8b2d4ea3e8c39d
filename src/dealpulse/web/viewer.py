"""Pages to look a quote up: a page of a document, or an e-mail, as its text, with the quote highlighted.

``/documents/{id}?page=4&start=120&end=310`` and ``/emails/{id}?start=0&end=80``: offsets are within the page's, or the
message's, text. A brief's citations lead here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from dealpulse.models import Document, Page
from dealpulse.web import about
from dealpulse.web.errors import invalid
from dealpulse.web.routing import ApiRequest, Endpoint, get

_LARGEST: Final = 2**31 - 1
_LINK_SCHEMES: Final = ("https", "http")
_STYLE: Final = (resources.files("dealpulse.web") / "templates" / "viewer.css").read_text(encoding="utf-8").strip()
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

_templates = Environment(
    loader=PackageLoader("dealpulse.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class _Marked:
    """A text in three parts, of which the middle one is highlighted."""

    before: str
    quote: str
    after: str


async def document(request: ApiRequest) -> HTMLResponse:
    """One page of a document; the first where none is named."""
    store = request.state["store"]
    found = await store.documents.get(request.path_params["document_id"])
    number = _whole(request, "page") or 1
    pages = await store.documents.some_pages(found.id, [number])
    shown = pages[0] if pages else None
    return page(
        "document.html",
        document=found,
        number=number,
        page=shown,
        text=_marked(shown.text if shown else "", request),
        link=_link(found, shown),
    )


async def email(request: ApiRequest) -> HTMLResponse:
    """One e-mail: what it newly says, and below it the whole message with what it quotes."""
    found = await request.state["store"].emails.get(request.path_params["email_id"])
    return page("email.html", email=found, text=_marked(found.body_text, request), link=_safe(found.web_link))


def page(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page with its own style and nothing else: no script, no form, no frame."""
    content = _templates.get_template(template).render(style=_STYLE, **values)
    return HTMLResponse(content, status, headers=_HEADERS)


def _marked(text: str, request: ApiRequest) -> _Marked:
    """Cut at ``start`` and ``end``; a span that is not in the text (any more) highlights nothing."""
    start, end = _whole(request, "start"), _whole(request, "end")
    if start is None or end is None or not start < end <= len(text):
        return _Marked(text, "", "")
    return _Marked(text[:start], text[start:end], text[end:])


def _whole(request: ApiRequest, name: str) -> int | None:
    told = request.query_params.get(name)
    if told is None:
        return None
    if not told.isascii() or not told.isdecimal() or int(told[:12]) > _LARGEST:
        raise invalid(f"{name} is a whole number from 0.", code="invalid_number", field=name)
    return int(told)


def _link(document: Document, page: Page | None) -> str | None:
    link = _safe(document.web_link)
    if link and page and document.mime_type == "application/pdf" and "#" not in link:
        return f"{link}#page={page.number}"
    return link


def _safe(link: str | None) -> str | None:
    """Only links a browser may follow from here; a local file is none."""
    try:
        return link if link and urlsplit(link).scheme.lower() in _LINK_SCHEMES else None
    except ValueError:
        return None


PAGES: Final[Mapping[str, tuple[Endpoint, ...]]] = {
    "/documents": (get("/{document_id}", document, about=about.document),),
    "/emails": (get("/{email_id}", email, about=about.email),),
}
"""By the address they are mounted at."""
