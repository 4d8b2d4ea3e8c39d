"""A mail server over real SMTP: it keeps what it takes and refuses as the test says.

with mail_server() as mailbox:
    mailbox.refusals.append("550 No such user")   # of one recipient, once
    ...                                            # have something sent over mailbox.url
    mailbox.mails[0].message["Subject"]
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "briefs", "p@ss/word"


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class Mailbox:
    url: str = ""
    mails: list[Mail] = field(default_factory=list)
    refusals: deque[str] = field(default_factory=deque)
    """Replies to RCPT, used up in order."""

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(Mail(envelope.mail_from or "", list(envelope.rcpt_tos), message))
        return "250 OK"


def _login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class _OnAnyPort(Controller):
    """aiosmtpd tries out the port it was told of, which is 0 here."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd


@contextmanager
def mail_server(*, login: bool = False) -> Iterator[Mailbox]:
    """On loopback and without TLS; with ``login`` it takes mails of :data:`USER` only."""
    mailbox = Mailbox()
    controller = _OnAnyPort(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        auth_required=login,
        auth_require_tls=False,
        authenticator=_login if login else None,
    )
    controller.start()
    try:
        mailbox.url = f"smtp://127.0.0.1:{controller.port}"
        yield mailbox
    finally:
        controller.stop()
