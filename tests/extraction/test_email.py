"""E-mails as senders really write them."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from dealpulse.errors import Unreadable
from dealpulse.extraction import EmailContent, Limits, extract_email
from dealpulse.extraction.inner_files import safe_name
from dealpulse.extraction.rfc822 import read_rfc822
from dealpulse.models import Address
from extraction import samples

INVITE = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:1
SUMMARY:Signing call
DTSTART;TZID=America/New_York:20240305T090000
DTEND:20240305T150000Z
LOCATION:Room 4
ATTENDEE;CN=Tom Poe:mailto:Tom@Example.com
END:VEVENT
END:VCALENDAR
"""


async def read(directory: Path, data: bytes, name: str = "mail.eml") -> EmailContent:
    path = directory / "file"
    path.write_bytes(data)
    return await extract_email(path, name=name, attachments_dir=directory / "attached", limits=Limits())


def message(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    for name, value in {"From": "Jane <JANE@Example.com>", "Subject": "Closing", **headers}.items():
        mail[name.replace("_", "-")] = value
    return mail


async def test_a_plain_message_is_decoded(tmp_path: Path) -> None:
    content = await read(tmp_path, samples.MAIL.encode())

    assert content.message_id == content.thread_key == "<signing@example.com>"
    assert (content.subject, content.sender) == ("Signing", Address(address="jane@example.com", name="Jane Roe"))
    assert content.to == (Address(address="tom@example.com"),)
    assert content.sent_at == datetime(2024, 3, 4, 14, 12, tzinfo=UTC)
    assert content.body_text == content.full_text == f"{samples.SENTENCE}."


async def test_encoded_words_become_text(tmp_path: Path) -> None:
    data = (
        b"From: =?iso-8859-1?Q?J=FCrgen_M=FCller?= <j@x.de>\nTo: a@x.de\n"
        b"Subject: =?utf-8?B?R2Vib3Qg4oKs?= =?utf-8?Q?_5_m?=\n\nHallo"
    )

    content = await read(tmp_path, data)

    assert content.subject == "Gebot € 5 m"
    assert content.sender == Address(address="j@x.de", name="Jürgen Müller")


@pytest.mark.parametrize(
    ("charset", "data"),
    [
        ("iso-8859-1", "Zürich".encode("latin-1")),
        ("windows-1252", "Zürich".encode("cp1252")),
        ("utf-8", "Zürich".encode()),
        ("x-unknown-9000", "Zürich".encode()),
        ("us-ascii", "Zürich".encode("cp1252")),
    ],
)
async def test_bodies_in_any_charset_are_read(charset: str, data: bytes, tmp_path: Path) -> None:
    header = f"From: a@x.com\nSubject: x\nContent-Type: text/plain; charset={charset}\n\n".encode()

    assert (await read(tmp_path, header + data)).body_text == "Zürich"


async def test_an_html_message_becomes_text_and_loses_its_quoted_part(tmp_path: Path) -> None:
    mail = message()
    mail.set_content(
        "<p>Agreed.</p><div class=gmail_quote><div class=gmail_attr>On Monday Jane wrote:</div>"
        "<blockquote class=gmail_quote><p>Can we close?</p></blockquote></div>",
        subtype="html",
    )

    content = await read(tmp_path, mail.as_bytes())

    assert content.body_text == "Agreed."
    assert "Can we close?" in content.full_text


async def test_the_plain_version_is_taken_once(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("Agreed.")
    mail.add_alternative("<p>Agreed.</p>", subtype="html")

    assert (await read(tmp_path, mail.as_bytes())).full_text == "Agreed."


async def test_an_empty_plain_version_gives_way_to_the_html(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("\n")
    mail.add_alternative("<p>Agreed.</p>", subtype="html")

    assert (await read(tmp_path, mail.as_bytes())).full_text == "Agreed."


async def test_attachments_are_files_named_by_number(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("See attached.")
    mail.add_attachment(b"%PDF-1", maintype="application", subtype="pdf", filename="../../etc/Größe.pdf")
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="scan.png")

    content = await read(tmp_path, mail.as_bytes())

    assert [(each.name, each.mime_type, each.size_bytes) for each in content.attachments] == [
        ("Größe.pdf", "application/pdf", 6),
        ("scan.png", "image/png", 4),
    ]
    assert [each.path for each in content.attachments] == [tmp_path / "attached/0001", tmp_path / "attached/0002"]
    assert content.attachments[0].path.read_bytes() == b"%PDF-1"


async def test_a_logo_shown_in_the_html_is_no_attachment(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("<p>Hello <img src='cid:logo'></p>", subtype="html")
    mail.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<logo>")

    assert (await read(tmp_path, mail.as_bytes())).attachments == ()


async def test_an_attached_message_is_a_file_of_its_own(tmp_path: Path) -> None:
    inner = message(Subject="Inner / matter")
    inner.set_content("The inner text")
    mail = message()
    mail.set_content("See below.")
    mail.add_attachment(inner)

    content = await read(tmp_path, mail.as_bytes())
    (attachment,) = content.attachments

    assert (attachment.name, attachment.mime_type) == ("Inner - matter.eml", "message/rfc822")
    assert content.full_text == "See below."
    assert read_rfc822(attachment.path.read_bytes()).text.strip() == "The inner text"


async def test_an_invite_is_an_event_with_times_in_utc(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("Please join.")
    mail.add_alternative(INVITE, subtype="calendar", params={"method": "REQUEST"})

    content = await read(tmp_path, mail.as_bytes())
    (event,) = content.events

    assert (event.summary, event.location, event.method) == ("Signing call", "Room 4", "REQUEST")
    assert event.start == datetime(2024, 3, 5, 14, tzinfo=UTC)
    assert event.end == datetime(2024, 3, 5, 15, tzinfo=UTC)
    assert event.attendees == (Address(address="tom@example.com", name="Tom Poe"),)
    assert (content.full_text, content.attachments) == ("Please join.", ())


async def test_a_broken_invite_costs_the_event_not_the_message(tmp_path: Path) -> None:
    mail = message()
    mail.set_content("Please join.")
    mail.add_alternative("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:tomorrow\n", subtype="calendar")

    content = await read(tmp_path, mail.as_bytes())

    assert (content.full_text, content.events) == ("Please join.", ())
    assert "invite" in content.warnings[0]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
        b"Content-Transfer-Encoding: base64\n\nMIIBngYJKoZIhvcNAQcD\n",
        b"Content-Type: multipart/encrypted; protocol=application/pgp-encrypted; boundary=b\n\n"
        b"--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        b"--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n--b--\n",
    ],
    ids=["S/MIME", "PGP"],
)
async def test_a_message_that_only_a_key_opens_is_refused_with_advice(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, b"From: jane@example.com\nSubject: Closing\nMIME-Version: 1.0\n" + body)

    assert (caught.value.code, caught.value.message) == (
        "encrypted",
        "The message is encrypted or sealed in a signature; ask for it as plain e-mail.",
    )


@pytest.mark.parametrize(
    "declared",
    ["application/p df", "application/\u00f6pdf", "text/plain; charset", "nonsense", "a/b/c", 'image/png"; x', ""],
)
async def test_an_attachment_whose_type_makes_no_sense_has_one_that_can_be_stored(
    declared: str, tmp_path: Path
) -> None:
    raw = (
        "From: jane@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nSee attached.\n"
        f"--b\nContent-Type: {declared}\nContent-Disposition: attachment; filename=a.bin\n\nbytes\n--b--\n"
    )

    content = await read(tmp_path, raw.encode())

    [attachment] = content.attachments
    assert re.fullmatch(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", attachment.mime_type)


@pytest.mark.parametrize("date", ["", "Date: yesterday\n", "Date: Mon, 99 Foo 2024 99:99:99 +9999\n"])
async def test_a_missing_or_broken_date_is_none(date: str, tmp_path: Path) -> None:
    assert (await read(tmp_path, f"From: a@x.com\n{date}Subject: x\n\nHello".encode())).sent_at is None


async def test_without_a_date_the_time_of_receipt_counts(tmp_path: Path) -> None:
    data = b"Received: from x by y; Mon, 4 Mar 2024 09:12:00 +0000\nFrom: a@x.com\nSubject: x\n\nHello"

    assert (await read(tmp_path, data)).sent_at == datetime(2024, 3, 4, 9, 12, tzinfo=UTC)


async def test_broken_base64_yields_what_can_be_decoded(tmp_path: Path) -> None:
    body = base64.b64encode(b"The lender objects to the closing").decode()
    data = f"From: a@x.com\nSubject: x\nContent-Transfer-Encoding: base64\n\n{body[:-3]}!*".encode()

    assert "lender objects" in (await read(tmp_path, data)).full_text


async def test_parts_without_a_closing_boundary_are_read(tmp_path: Path) -> None:
    data = (
        b'From: a@x.com\nSubject: x\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        b"The lender objects"
    )

    assert (await read(tmp_path, data)).full_text == "The lender objects"


@pytest.mark.parametrize("kind", ["message", "multipart"])
async def test_a_message_nested_two_thousand_levels_deep_is_survived(kind: str, tmp_path: Path) -> None:
    parts = [b"From: a@x.com\nSubject: Deep\n"]
    for level in range(2_000):
        if kind == "message":
            parts.append(b"Content-Type: message/rfc822\n\nFrom: a@x.com\n")
        else:
            parts.append(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level))
    parts.append(b"\nThe end")

    content = await read(tmp_path, b"".join(parts))

    assert content.subject == "Deep"


async def test_malformed_headers_lose_only_themselves(tmp_path: Path) -> None:
    data = (
        b'From: "Jane Roe <jane@x.com>\nTo: undisclosed-recipients:;\nCc: ,,<>, tom@x.com\nMessage-ID: not-an-id\n'
        b"References: <1@x> junk <2@x>\nSubject: =?utf-8?B?broken\n\nHello"
    )

    content = await read(tmp_path, data)

    assert content.body_text == "Hello"
    assert "tom@x.com" in [each.address for each in content.cc]
    assert content.references == ("<1@x>", "<2@x>")


async def test_an_outlook_message_is_read_like_any_other(tmp_path: Path) -> None:
    content = await read(tmp_path, samples.outlook(), "signing.msg")

    assert content.message_id == "<signing@example.com>"
    assert (content.subject, content.sender) == ("Signing", Address(address="jane@example.com", name="Jane Roe"))
    assert content.to == (Address(address="tom@example.com", name="Tom Poe"),)
    assert content.sent_at is not None
    assert content.sent_at.tzinfo is UTC
    assert content.body_text == samples.SENTENCE


async def test_files_and_messages_attached_in_outlook_can_stand_alone(tmp_path: Path) -> None:
    content = await read(tmp_path, samples.outlook(with_attachments=True), "signing.msg")

    annex, inner = content.attachments
    assert (annex.name, annex.path.read_bytes()) == ("Annex A.txt", b"annex")
    assert (inner.name, inner.mime_type) == ("Inner.eml", "message/rfc822")
    letter = read_rfc822(inner.path.read_bytes())
    assert (letter.subject, letter.text.strip()) == ("Inner", "The inner message")
    assert letter.sender == Address(address="jane@example.com", name="Jane Roe")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a/b\\c.pdf", "c.pdf"),
        ("..", ""),
        ("  x\x00\n.pdf ", "x .pdf"),
        ("n" * 300 + ".pdf", "n" * 196 + ".pdf"),
    ],
)
def test_attachment_names_cannot_leave_their_place(given: str, expected: str) -> None:
    assert safe_name(given) == expected
