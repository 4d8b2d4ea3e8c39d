"""Write the sample deal of `dealpulse demo`: its documents and its e-mails.

    python tools/build_sample_deal.py            into src/dealpulse/local/sample_deal
    python tools/build_sample_deal.py FOLDER     elsewhere

The files are the same at every run with the same libraries.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from sample_deal import books, mail, markup, office, pdf, plain, threads

TARGET = Path(__file__).parents[1] / "src" / "dealpulse" / "local" / "sample_deal"

CORPORATE = "01 Corporate"
CONTRACTS = "02 Contracts"
FINANCIAL = "03 Financial"
TECHNOLOGY = "04 IP and Technology"
DISPUTES = "05 Disputes"
SITE = "06 Real Estate and Environment"
TAX = "07 Tax"
INSURANCE = "08 Insurance"
PEOPLE = "09 People"


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    for folder, files in (("documents", documents()), ("emails", emails())):
        shutil.rmtree(target / folder, ignore_errors=True)
        for name, content in files:
            path = target / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"{len(content):>8,}  {folder}/{name}")


def documents() -> Iterator[tuple[str, bytes]]:
    """Every document as (path below `documents`, content)."""
    for path, name in (
        (f"{CORPORATE}/Certificate of Incorporation.pdf", "certificate_of_incorporation"),
        (f"{CONTRACTS}/Halbrook Chemical - Master Agreement.pdf", "halbrook_msa"),
        (f"{DISPUTES}/Counsel Letter - Pending Matters.pdf", "counsel_letter"),
        (f"{SITE}/Phase I ESA and Limited Phase II - Summary.pdf", "phase_one"),
        (f"{INSURANCE}/Certificate of Insurance.pdf", "insurance_certificate"),
    ):
        yield path, pdf.render(markup.read(name))
    signed = pdf.render(markup.read("halbrook_amendment"), ink=True)
    yield f"{CONTRACTS}/Halbrook Chemical - Amendment No 2 (executed).pdf", pdf.scan(signed, turned=2)
    for path, name in (
        (f"{CORPORATE}/Board Minutes 2026-09-17.docx", "board_minutes"),
        (f"{CONTRACTS}/Sorrel Bay Refining - Subscription Agreement.docx", "sorrel_bay"),
        (f"{TECHNOLOGY}/Consultant Agreement - A Petrescu.docx", "petrescu_consulting"),
        (f"{SITE}/Lease - 2200 Foundry Road.docx", "lease"),
    ):
        yield path, office.word(markup.read(name))
    yield from _figures()
    yield f"{CONTRACTS}/Veyra Microsystems - Supply Agreement.rtf", plain.rtf(markup.read("veyra_supply"))
    yield f"{TECHNOLOGY}/Software Composition Report.html", plain.html(markup.read("composition_report"))
    yield f"{TECHNOLOGY}/Incident Summary 2026-03.txt", plain.plain(markup.read("incident_summary"))
    yield f"{PEOPLE}/Benefits Summary 2026.txt", plain.plain(markup.read("benefits_summary"))
    yield f"{TAX}/Sales Tax Memo 2026-08.md", (markup.TEXTS / "sales_tax_memo.md").read_bytes()


def _figures() -> Iterator[tuple[str, bytes]]:
    yield (
        f"{CORPORATE}/Capitalization Table.xlsx",
        books.workbook(books.CAP_TABLE, title="Capitalization table", author="Lanternfield Controls, Inc."),
    )
    yield (
        f"{FINANCIAL}/Quality of Earnings Databook (draft).xlsx",
        books.workbook(books.QUALITY_OF_EARNINGS, title="Databook", author="Brackwater Advisory LLP"),
    )
    yield (
        f"{FINANCIAL}/Management Presentation.pptx",
        office.presentation(books.PRESENTATION, title="Management presentation", author="Lanternfield Controls, Inc."),
    )


def emails() -> Iterator[tuple[str, bytes]]:
    """Every e-mail as (file name, content)."""
    attachments = {"QoE open items 2026-11-06.docx": office.word(markup.read("open_items"))}
    for key, message in threads.MAILS.items():
        yield f"{key}.eml", mail.render(message, threads.MAILS, attachments, threads.INVITE)


if __name__ == "__main__":
    main()
