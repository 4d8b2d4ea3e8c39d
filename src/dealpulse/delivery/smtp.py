"""E-mails over the mail server of ``SMTP_URL``: one message a recipient, text and page in one, a register attached."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from dealpulse.delivery.contract import Addressee, Message
from dealpulse.errors import DealPulseError, Permanent, Transient, Unavailable
from dealpulse.models import BriefStatus, DeliveryKind
from dealpulse.settings import DeliverySettings, SmtpServer

DEPENDENCY: Final = "smtp"

_SECONDS: Final = 30.0
_GREYLISTED_SECONDS: Final = 300.0
"""What servers that put strangers off for a while mean by a while."""
_AWAY_SECONDS: Final = 60.0
_PERMANENT_REPLY: Final = 500

_TITLES: Final = {
    DeliveryKind.daily_brief: "daily brief",
    DeliveryKind.weekly_report: "weekly report",
    DeliveryKind.risk_register: "risk register",
    DeliveryKind.test: "test message",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Mail:
    """Connects anew for every message: there are few."""

    def __init__(self, settings: DeliverySettings, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._settings = settings
        self._clock = clock

    async def send(self, message: Message, to: Addressee) -> None:
        sender = self._settings.sender or ""
        await self.hand_over(written_as_mail(message, sender=sender, to=to.address, now=self._clock()), to=to.address)

    async def hand_over(self, written: EmailMessage, *, to: str) -> None:
        """Return once the mail server has taken it. Raises as :meth:`send`."""
        server, sender = self._settings.smtp, self._settings.sender
        if server is None or sender is None:
            raise Permanent("No mail server is set: set SMTP_URL and SMTP_FROM.", code="smtp_not_configured")
        try:
            await aiosmtplib.send(
                written,
                sender=sender,
                recipients=[to],
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=None if server.password is None else server.password.reveal(),
                use_tls=server.tls,
                # Never the password, nor a deal's risks, in the clear.
                start_tls=not server.tls and not _is_loopback(server),
                timeout=_SECONDS,
            )
        except (SMTPException, OSError) as error:
            raise _fault(error) from error


def written_as_mail(message: Message, *, sender: str, to: str, now: datetime) -> EmailMessage:
    """The whole message. Raises Permanent (``wrong_address``) for an address that no header can hold."""
    partial = " (partial)" if message.status is BriefStatus.partial else ""
    subject = f"{message.deal_name}: {_TITLES[message.kind]}, {message.date}{partial}"
    written = written_note(message.id, sender=sender, to=to, subject=subject, text=message.markdown, now=now)
    if message.html:
        written.add_alternative(message.html, subtype="html")
    if message.csv:
        name = f"{message.kind.value.replace('_', '-')}-{message.date}.csv"
        written.add_attachment(message.csv.encode(), maintype="text", subtype="csv", filename=name)
    return written


def written_note(message_id: str, *, sender: str, to: str, subject: str, text: str, now: datetime) -> EmailMessage:
    """A message of nothing but text. Raises as :func:`written_as_mail`."""
    written = EmailMessage(policy=SMTP)
    try:
        written["From"] = sender
        written["To"] = to
    except ValueError as error:
        raise Permanent("The recipient's address is no e-mail address.", code="wrong_address") from error
    written["Subject"] = _one_line(subject)
    written["Date"] = format_datetime(now)
    # The same for every attempt: a mailbox that got it twice shows it once.
    written["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written["X-Auto-Response-Suppress"] = "All"
    written.set_content(text)
    return written


def _one_line(text: str) -> str:
    """A deal's name is anybody's text: no line of it may become a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _is_loopback(server: SmtpServer) -> bool:
    try:
        address = ipaddress.ip_address(server.host)
    except ValueError:
        return server.host == "localhost"
    return address.is_loopback


def _fault(error: SMTPException | OSError) -> DealPulseError:
    if isinstance(error, SMTPAuthenticationError) and error.code >= _PERMANENT_REPLY:
        return Permanent("The mail server refused the user or password in SMTP_URL.", code="smtp_login_refused")
    if isinstance(error, SMTPRecipientsRefused):
        return _refused(max(int(refused.code) for refused in error.recipients))
    if isinstance(error, SMTPResponseException):
        return _refused(error.code)
    if isinstance(error, OSError):
        message = f"The mail server cannot be reached ({type(error).__name__})."
        return Unavailable(message, dependency=DEPENDENCY, retry_after=_AWAY_SECONDS)
    # No STARTTLS, or no way to log in that both sides know.
    message = "The mail server does not offer the encryption or login it needs; try smtps:// in SMTP_URL."
    return Permanent(message, code="smtp_not_supported")


def _refused(code: int) -> DealPulseError:
    told = f"The mail server answered {code}."
    if code >= _PERMANENT_REPLY:
        return Permanent(told, code="mail_refused")
    return Transient(told, code="mail_refused", retry_after=_GREYLISTED_SECONDS)
