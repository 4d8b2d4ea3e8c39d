"""The pages a citation leads to."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from dealpulse.models import Address, Document, Email, Page, PageKind
from dealpulse.settings import Settings
from dealpulse.store import Store
from dealpulse.store.emails import StoredEmailContent
from dealpulse.web.app import build_app
from web.conftest import Serve

TEXT = "\nThe <b>Landlord</b> may end the lease\nat any time. 10 < 20 & so on."


async def read(store: Store, document: Document) -> None:
    pages = [
        Page(number=number, kind=PageKind.page, text=TEXT, char_start=at, char_end=at + len(TEXT))
        for number, at in ((1, 0), (2, len(TEXT) + 1), (3, 2 * len(TEXT) + 2))
    ]
    await store.documents.save_content(document.id, mime_type="application/pdf", pages=pages)


def shown(html: str) -> str:
    """The text on the sheet, as a browser reads it: a line break right after the tag is not part of it."""
    (sheet,) = re.findall(r'<pre class="sheet">\n(.*?)</pre>', html, flags=re.DOTALL)
    return unescape(re.sub(r"</?mark[^>]*>", "", sheet))


async def test_a_page_shows_its_text_with_the_quote_highlighted(
    api: httpx.AsyncClient, store: Store, document: Document
) -> None:
    await read(store, document)
    start = TEXT.index("The <b>")
    answer = await api.get(f"/documents/{document.id}", params={"page": 2, "start": start, "end": start + 15})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<mark id="quote">The &lt;b&gt;Landlord</mark>' in answer.text
    assert shown(answer.text) == TEXT
    assert 'href="?page=1"' in answer.text
    assert 'href="?page=3"' in answer.text
    assert "script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("span", [{}, {"start": 5}, {"start": 9, "end": 3}, {"start": 0, "end": 100_000}])
async def test_a_span_that_is_not_in_the_text_highlights_nothing(
    api: httpx.AsyncClient, store: Store, document: Document, span: dict[str, int]
) -> None:
    await read(store, document)
    answer = await api.get(f"/documents/{document.id}", params={"page": 1, **span})
    assert "<mark" not in answer.text
    assert shown(answer.text) == TEXT
    assert "page=0" not in answer.text


@pytest.mark.parametrize("page", ["-1", "x", "1.5", "٣", "9" * 30])
async def test_a_page_that_is_no_number_is_refused(api: httpx.AsyncClient, document: Document, page: str) -> None:
    answer = await api.get(f"/documents/{document.id}", params={"page": page})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_number")


async def test_a_page_that_is_not_there_says_how_many_there_are(
    api: httpx.AsyncClient, store: Store, document: Document
) -> None:
    assert "has not been read yet" in (await api.get(f"/documents/{document.id}")).text
    await read(store, document)
    assert "no page 9: it has 3" in (await api.get(f"/documents/{document.id}", params={"page": 9})).text
    await store.documents.mark_failed(document.id, code="encrypted", reason="It is <locked>.")
    assert "It is &lt;locked&gt;." in (await api.get(f"/documents/{document.id}")).text


async def test_an_email_shows_who_says_what_to_whom(api: httpx.AsyncClient, store: Store, email: Email) -> None:
    await store.emails.save_content(
        email.id,
        StoredEmailContent(
            message_id="<1@x>",
            in_reply_to=None,
            thread_key="1",
            subject="Consent <now>",
            sender=Address(address="ana@alder.example", name="Ana Ruiz"),
            to=(Address(address="ben@birch.example"),),
            cc=(),
            sent_at=None,
            body_text="We still wait for it.",
            full_text="We still wait for it.\n\n> Where is it?",
        ),
    )
    answer = await api.get(f"/emails/{email.id}", params={"start": 3, "end": 13})
    assert 'We <mark id="quote">still wait</mark> for it.' in answer.text
    assert "Consent &lt;now&gt;" in answer.text
    assert "Ana Ruiz &lt;ana@alder.example&gt;" in answer.text
    assert "&gt; Where is it?" in answer.text


@pytest.mark.parametrize("place", ["documents", "emails"])
async def test_nobody_looks_without_being_let_in(
    serve: Serve, clean_environment: dict[str, str], place: str, document: Document, email: Email
) -> None:
    which = document.id if place == "documents" else email.id
    settings = Settings.load(environ={**clean_environment, "API_TOKENS": "right-token-1234567890"})
    async with serve(build_app(settings)) as client:
        assert (await client.get(f"/{place}/{which}")).status_code == 401
        allowed = {"Authorization": "Bearer right-token-1234567890"}
        assert (await client.get(f"/{place}/{which}", headers=allowed)).status_code == 200


@pytest.mark.parametrize("place", ["documents", "emails"])
async def test_what_is_not_there_is_404(api: httpx.AsyncClient, place: str) -> None:
    for which in ("00000000-0000-4000-8000-000000000000", "x"):
        assert (await api.get(f"/{place}/{which}")).status_code == 404
