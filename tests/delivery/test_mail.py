"""E-mails over a real mail server: what arrives, what its replies mean, and whom nobody can trick."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealpulse.delivery.contract import Addressee
from dealpulse.delivery.smtp import Mail, written_as_mail
from dealpulse.errors import DealPulseError, Permanent, Transient, Unavailable
from dealpulse.models import DeliveryKind
from dealpulse.settings import DeliverySettings
from dealpulse.settings.parsers import smtp_url
from delivery.samples import ID, message
from fakes.mailbox import PASSWORD, USER, mail_server

TO = Addressee(address="partner@fund.example")
SENDER = "briefs@deals.example"
NOW = datetime(2026, 11, 25, 13, tzinfo=UTC)


def _mail(url: str) -> Mail:
    return Mail(DeliverySettings(smtp=smtp_url(url), sender=SENDER))


async def _fault(mail: Mail) -> DealPulseError:
    with pytest.raises(DealPulseError) as refused:
        await mail.send(message(), TO)
    return refused.value


async def test_a_brief_arrives_as_text_and_page_for_one_recipient() -> None:
    with mail_server() as mailbox:
        await _mail(mailbox.url).send(message(html="<p>Ä long day.</p>"), TO)
        (got,) = mailbox.mails
    assert (got.sender, got.recipients) == (SENDER, [TO.address])
    mail = got.message
    assert mail["Subject"] == "Project Alder: daily brief, 2026-11-25 (partial)"
    assert (mail["From"], mail["To"], mail["Message-ID"]) == (SENDER, TO.address, f"<{ID}@deals.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"]
    assert mail.get_content_type() == "multipart/alternative"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().replace("\r\n", "\n") == "# Brief\n\nÄ long day.\n"
    assert "<p>Ä long day.</p>" in page.get_content()


async def test_a_register_comes_as_an_attached_table() -> None:
    with mail_server() as mailbox:
        await _mail(mailbox.url).send(message(kind=DeliveryKind.risk_register, csv="\ufeffa,b\r\nÄ,2\r\n"), TO)
        (got,) = mailbox.mails
    (attached,) = got.message.iter_attachments()
    assert attached.get_filename() == "risk-register-2026-11-25.csv"
    assert attached.get_payload(decode=True) == "\ufeffa,b\r\nÄ,2\r\n".encode()


async def test_the_user_and_password_of_the_address_are_used() -> None:
    with mail_server(login=True) as mailbox:
        named = mailbox.url.replace("smtp://", f"smtp://{USER}:{quote(PASSWORD, safe='')}@")
        await _mail(named).send(message(), TO)
        assert len(mailbox.mails) == 1
        wrong = mailbox.url.replace("smtp://", f"smtp://{USER}:wrong@")
        fault = await _fault(_mail(wrong))
    assert (isinstance(fault, Permanent), fault.code) == (True, "smtp_login_refused")
    assert "wrong@" not in fault.message


async def test_a_recipient_put_off_is_tried_again_and_a_refused_one_is_not() -> None:
    with mail_server() as mailbox:
        mailbox.refusals.extend(["451 Greylisted", "550 No such user"])
        later, never = await _fault(_mail(mailbox.url)), await _fault(_mail(mailbox.url))
    assert type(later) is Transient
    assert later.retry_after
    assert isinstance(never, Permanent)


async def test_a_mail_server_that_is_away_is_waited_for(free_port: int) -> None:
    fault = await _fault(_mail(f"smtp://127.0.0.1:{free_port}"))
    assert isinstance(fault, Unavailable)
    assert fault.dependency == "smtp"


async def test_without_a_mail_server_the_fault_names_the_setting() -> None:
    fault = await _fault(Mail(DeliverySettings()))
    assert isinstance(fault, Permanent)
    assert "SMTP_URL" in fault.message


async def test_a_mail_server_that_offers_no_encryption_gets_nothing_unless_it_is_this_machine() -> None:
    with mail_server() as mailbox:
        # The same server under an address that is not known to be this machine's.
        fault = await _fault(_mail(mailbox.url.replace("127.0.0.1", "0.0.0.0")))  # noqa: S104
        assert (isinstance(fault, Permanent), fault.code) == (True, "smtp_not_supported")
        assert mailbox.mails == []


@given(st.text())
def test_no_deals_name_adds_a_header_or_a_line(name: str) -> None:
    written = written_as_mail(message(deal_name=name), sender=SENDER, to=TO.address, now=NOW)
    plain = written_as_mail(message(), sender=SENDER, to=TO.address, now=NOW)
    assert written.keys() == plain.keys()
    head = bytes(written).partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: c@d.example", "a@b.example\nX: y"])
def test_a_recipients_address_of_several_lines_is_refused(address: str) -> None:
    with pytest.raises(Permanent) as refused:
        written_as_mail(message(), sender=SENDER, to=address, now=NOW)
    assert refused.value.code == "wrong_address"
