"""E-mails: what they say, and what was found out about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from dealpulse.errors import NotFound
from dealpulse.models import Address, CalendarEvent, Email, EmailAnalysis, Origin
from dealpulse.store.database import Database, is_uuid

_COLUMNS: Final = (
    "id,deal_id,name,path,content_hash,storage_key,state,failure_code,failure_reason,source_id,external_id,web_link,message_id,"
    "in_reply_to,thread_key,subject,sender:sender_address,to:to_addresses,cc:cc_addresses,sent_at,body_text,full_text,"
    "events:calendar_events,warnings,sentiment:ai_sentiment,origin:ai_origin,created_at,updated_at"
)
_EMAILS_AT_ONCE: Final = 250
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class StoredEmailContent(Struct, frozen=True, kw_only=True):
    """What is stored of a decoded message. Attachments are documents of their own."""

    message_id: str | None
    in_reply_to: str | None
    thread_key: str
    subject: str
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent_at: datetime | None
    body_text: str
    full_text: str
    events: tuple[CalendarEvent, ...] = ()
    warnings: tuple[str, ...] = ()


class Emails:
    """The e-mails this service has the file of; rows of the app without one do not exist here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, deal_id: str, *, name: str, path: str, content_hash: str, storage_key: str) -> Email:
        """An e-mail that was uploaded. The same name and content again, in the same deal, is the same e-mail.

        Raises NotFound (``deal_not_found``).
        """
        if not is_uuid(deal_id):
            raise NotFound("There is no such deal.", code="deal_not_found")
        email_id = await self._database.call(
            "create_email",
            str,
            deal_id=deal_id,
            name=name,
            path=path,
            content_hash=content_hash,
            storage_key=storage_key,
        )
        return await self.get(email_id)

    async def get(self, email_id: str) -> Email:
        """Raises NotFound (``email_not_found``)."""
        _check(email_id)
        table = self._database.client.table("emails")
        query = table.select(_COLUMNS).eq("id", email_id).not_.is_("storage_key", "null").limit(1)
        email = await self._database.first(query, Email)
        if email is None:
            raise _missing()
        return email

    async def of_deal(self, deal_id: str) -> list[Email]:
        """The deal's e-mails, oldest first, those without a date last; those gone from their source are left out."""
        return await self._every(deal_id, lambda query: query)

    async def thread(self, deal_id: str, thread_key: str) -> list[Email]:
        """The e-mails of one thread of the deal, oldest first, those without a date last."""
        return await self._every(deal_id, lambda query: query.eq("thread_key", thread_key))

    async def save_content(self, email_id: str, content: StoredEmailContent) -> None:
        """Store what the e-mail says and call it ready. One deleted meanwhile stays so."""
        _check(email_id)
        await self._database.perform("save_email_content", email_id=email_id, content=content)

    async def mark_failed(self, email_id: str, *, code: str, reason: str) -> None:
        """It cannot be read; what an earlier version of it said is withdrawn."""
        _check(email_id)
        await self._database.perform("fail_email", email_id=email_id, code=code, reason=reason)

    async def save_analysis(self, email_id: str, analysis: EmailAnalysis, origin: Origin) -> None:
        """Save what one run found out, in one transaction; parts that are None leave stored results alone.

        Blockers replace this e-mail's mentions. Each blocker of the deal is as the latest e-mail mentioning it tells
        it, opened when the first one says; one no e-mail mentions any more is gone, a dismissed one stays dismissed.
        """
        _check(email_id)
        await self._database.perform(
            "save_email_analysis",
            email_id=email_id,
            sentiment=analysis.sentiment,
            blockers=analysis.blockers,
            findings=analysis.findings,
            origin=origin,
        )

    async def _every(self, deal_id: str, narrow: Any) -> list[Email]:
        if not is_uuid(deal_id):
            return []
        found = await self._database.every(
            "emails",
            _COLUMNS,
            Email,
            narrow=lambda query: narrow(
                query.eq("deal_id", deal_id).neq("state", "deleted").not_.is_("storage_key", "null")
            ),
            page_rows=_EMAILS_AT_ONCE,
        )
        return sorted(found, key=lambda email: (email.sent_at or _LAST, email.id))


def _check(email_id: str) -> None:
    if not is_uuid(email_id):
        raise _missing()


def _missing() -> NotFound:
    return NotFound("There is no such e-mail.", code="email_not_found")
