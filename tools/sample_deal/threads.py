"""The correspondence of Project Kestrel, 2 to 20 November 2026; what each message says is in `text/emails`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from .mail import Form, Mail, Person, Quote

EASTERN = timezone(timedelta(hours=-5))
LONDON = timezone(timedelta(0))
BERLIN = timezone(timedelta(hours=1))

_PRIVILEGED = (
    "This e-mail may contain information that is confidential and subject to legal privilege. "
    "If you are not\nthe intended recipient, please delete it and tell the sender."
)

THEA = Person(
    "Thea Lindqvist",
    "thea.lindqvist@orrinvale.example",
    "Thea Lindqvist\nVice President, Corporate Development\nOrrin Vale Automation Group, Inc.",
)
ROHAN = Person(
    "Rohan Abbasi", "rohan.abbasi@orrinvale.example", "Rohan\n--\nRohan Abbasi | Orrin Vale Automation Group"
)
GRETA = Person(
    "Greta Olufsen",
    "greta.olufsen@orrinvale.example",
    "Greta Olufsen\nChief Financial Officer\nOrrin Vale Automation Group, Inc.",
)
BENNETT = Person(
    "Bennett Ashgrove",
    "bennett@quillonridge.example",
    "Bennett\n\n--\nBennett Ashgrove, Partner\nQuillon Ridge Capital Partners",
)
WARREN = Person("Warren Stroud", "warren.stroud@lanternfield.example", "Warren")
MARIA = Person(
    "Maria Dellacroce",
    "maria.dellacroce@lanternfield.example",
    "Maria Dellacroce\nCFO, Lanternfield Controls, Inc.",
)
JUERGEN = Person(
    "Jürgen Häußler",
    "juergen.haeussler@lanternfield.example",
    "Mit freundlichen Grüßen\n\nJürgen Häußler\nGeschäftsführer\nLanternfield Steuerungstechnik GmbH\n"
    "Mühlstraße 14, Bad Königsau",
)
SIMON = Person(
    "Simon Fairlie",
    "sfairlie@drayhollis.example",
    f"Simon Fairlie\nPartner\nDray Hollis & Acton LLP\n\n{_PRIVILEGED}",
)
JONAS = Person(
    "Jonas Whitcombe",
    "jonas.whitcombe@pemberwicksloane.example",
    f"Jonas Whitcombe\nPartner | Pemberwick Sloane LLP\n\n{_PRIVILEGED}",
)
AMARA = Person(
    "Amara Teague",
    "amara.teague@pemberwicksloane.example",
    f"Amara Teague\nAssociate | Pemberwick Sloane LLP\n\n{_PRIVILEGED}",
)
CALLUM = Person(
    "Callum Pryce-Hart",
    "callum.pryce-hart@brackwater.example",
    "Callum Pryce-Hart\nDirector, Transaction Services\nBrackwater Advisory LLP",
)
ROOM = Person("Vaultlark Data Rooms", "notices@vaultlark.example")


def _at(day: int, hour: int, minute: int, zone: timezone = EASTERN) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


KICK_OFF = "Project Kestrel: kick-off and timetable"
PEG = "Kestrel: working capital and net debt"
HALBROOK = "Kestrel / Halbrook Chemical notice"
OPEN_ITEMS = "Kestrel: QoE open items"
PETRESCU = "Kestrel: Petrescu work product"
PENSION = "Pensionsgutachten – Unterlagen für die Prüfung"

_TIMETABLE = (
    Mail(
        "01-kick-off",
        _at(2, 9, 12),
        BENNETT,
        (THEA,),
        KICK_OFF,
        cc=(WARREN, SIMON),
    ),
    Mail(
        "02-kick-off",
        _at(2, 11, 40),
        THEA,
        (BENNETT,),
        "Re: " + KICK_OFF,
        cc=(WARREN, SIMON),
        parent="01-kick-off",
        quote=Quote.GMAIL,
    ),
    Mail(
        "03-kick-off",
        _at(2, 16, 5),
        BENNETT,
        (THEA,),
        "RE: " + KICK_OFF,
        parent="02-kick-off",
        quote=Quote.OUTLOOK,
    ),
    Mail(
        "04-invitation",
        _at(3, 10, 20),
        ROHAN,
        (THEA, BENNETT, WARREN, MARIA),
        "Invitation: Kestrel management presentation, 10 November",
        cc=(CALLUM, JONAS),
        invite=True,
    ),
    Mail(
        "05-kick-off",
        _at(11, 8, 55),
        THEA,
        (BENNETT, WARREN),
        "Re: " + KICK_OFF,
        parent="03-kick-off",
        quote=Quote.GMAIL,
    ),
)

_PRICE = (
    Mail(
        "06-peg",
        _at(5, 14, 31),
        BENNETT,
        (THEA,),
        PEG,
    ),
    Mail(
        "07-peg",
        _at(9, 17, 48),
        THEA,
        (BENNETT,),
        "Re: " + PEG,
        cc=(GRETA,),
        parent="06-peg",
        quote=Quote.GMAIL,
    ),
    Mail(
        "08-peg",
        _at(12, 19, 2),
        BENNETT,
        (THEA,),
        "Re: " + PEG,
        cc=(GRETA,),
        parent="07-peg",
        quote=Quote.GMAIL,
    ),
    Mail(
        "09-peg",
        _at(13, 11, 15),
        THEA,
        (BENNETT,),
        "Re: " + PEG,
        cc=(GRETA,),
        parent="08-peg",
        quote=Quote.GMAIL,
    ),
    Mail(
        "10-peg",
        _at(17, 18, 37),
        BENNETT,
        (THEA,),
        "RE: " + PEG,
        cc=(GRETA, SIMON),
        parent="09-peg",
        quote=Quote.ORIGINAL,
    ),
    Mail(
        "11-peg",
        _at(18, 9, 3),
        GRETA,
        (BENNETT,),
        "RE: " + PEG,
        cc=(THEA,),
        parent="10-peg",
        quote=Quote.OUTLOOK,
    ),
    Mail(
        "12-peg",
        _at(20, 17, 26),
        BENNETT,
        (GRETA,),
        "RE: " + PEG,
        cc=(THEA,),
        parent="11-peg",
        quote=Quote.OUTLOOK,
    ),
)

_HALBROOK = (
    Mail(
        "13-halbrook",
        _at(4, 10, 7),
        AMARA,
        (SIMON,),
        HALBROOK,
        cc=(JONAS,),
    ),
    Mail(
        "14-halbrook",
        _at(5, 15, 44),
        SIMON,
        (AMARA,),
        "RE: " + HALBROOK,
        cc=(JONAS,),
        parent="13-halbrook",
        quote=Quote.OUTLOOK,
    ),
    Mail(
        "15-halbrook",
        _at(16, 9, 31),
        JONAS,
        (SIMON, WARREN),
        "RE: " + HALBROOK,
        cc=(BENNETT, THEA, AMARA),
        parent="14-halbrook",
        quote=Quote.OUTLOOK,
    ),
    Mail(
        "16-halbrook",
        _at(16, 12, 18),
        SIMON,
        (JONAS,),
        "RE: " + HALBROOK,
        cc=(WARREN, BENNETT, THEA, AMARA),
        parent="15-halbrook",
        quote=Quote.OUTLOOK,
    ),
)

_QUALITY = (
    Mail(
        "17-open-items",
        _at(6, 9, 25, LONDON),
        CALLUM,
        (MARIA,),
        OPEN_ITEMS,
        cc=(ROHAN,),
        attachment="QoE open items 2026-11-06.docx",
    ),
    Mail(
        "18-open-items",
        _at(6, 16, 52),
        MARIA,
        (CALLUM,),
        "Re: " + OPEN_ITEMS,
        cc=(ROHAN,),
        parent="17-open-items",
        quote=Quote.GMAIL,
    ),
    Mail(
        "19-open-items",
        _at(16, 13, 40, LONDON),
        CALLUM,
        (THEA, ROHAN),
        "Re: " + OPEN_ITEMS,
        cc=(MARIA,),
        parent="18-open-items",
        quote=Quote.THUNDERBIRD,
    ),
    Mail(
        "20-open-items",
        _at(16, 14, 22),
        ROHAN,
        (CALLUM,),
        "Re: " + OPEN_ITEMS,
        cc=(THEA,),
        parent="19-open-items",
        quote=Quote.GMAIL,
        form=Form.BOTH,
    ),
)

_PETRESCU = (
    Mail(
        "21-petrescu",
        _at(10, 18, 14),
        AMARA,
        (SIMON,),
        PETRESCU,
        cc=(JONAS,),
    ),
    Mail(
        "22-petrescu",
        _at(18, 11, 50),
        JONAS,
        (THEA, SIMON),
        "RE: " + PETRESCU,
        cc=(AMARA,),
        parent="21-petrescu",
        quote=Quote.OUTLOOK,
    ),
)

_OTHERS = (
    Mail(
        "23-pension",
        _at(9, 10, 5, BERLIN),
        JUERGEN,
        (CALLUM,),
        PENSION,
        cc=(MARIA,),
        charset="windows-1252",
    ),
    Mail(
        "24-pension",
        _at(10, 9, 47, LONDON),
        CALLUM,
        (JUERGEN,),
        "Re: " + PENSION,
        cc=(MARIA,),
        parent="23-pension",
        quote=Quote.THUNDERBIRD,
        charset="iso-8859-15",
    ),
    Mail(
        "25-data-room",
        _at(12, 6, 0),
        ROOM,
        (THEA,),
        "[Project Kestrel] Daily summary of new documents",
        form=Form.HTML,
    ),
)

MAILS: dict[str, Mail] = {
    mail.key: mail for thread in (_TIMETABLE, _PRICE, _HALBROOK, _QUALITY, _PETRESCU, _OTHERS) for mail in thread
}

INVITE = """\
BEGIN:VCALENDAR
PRODID:-//Orrin Vale Automation Group//Calendar//EN
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:STANDARD
DTSTART:20261101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:kestrel-management-presentation@orrinvale.example
DTSTAMP:20261103T152000Z
DTSTART;TZID=America/New_York:20261110T100000
DTEND;TZID=America/New_York:20261110T150000
SUMMARY:Kestrel management presentation
LOCATION:2200 Foundry Road\\, Marlow Falls\\, Ohio
DESCRIPTION:Presentation by management\\, demonstration of Beacon 8\\, tour of
  the assembly area.
ORGANIZER;CN=Rohan Abbasi:mailto:rohan.abbasi@orrinvale.example
ATTENDEE;CN=Thea Lindqvist;RSVP=TRUE:mailto:thea.lindqvist@orrinvale.example
ATTENDEE;CN=Bennett Ashgrove;RSVP=TRUE:mailto:bennett@quillonridge.example
ATTENDEE;CN=Warren Stroud;RSVP=TRUE:mailto:warren.stroud@lanternfield.example
ATTENDEE;CN=Maria Dellacroce;RSVP=TRUE:
 mailto:maria.dellacroce@lanternfield.example
SEQUENCE:0
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR
"""
