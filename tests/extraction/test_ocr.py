"""Scans are read, upright or turned."""

from __future__ import annotations

from pathlib import Path

import pytest

from dealpulse.errors import Permanent, Unreadable
from dealpulse.extraction import Limits, extract_document
from dealpulse.models import TextMethod
from extraction import samples

CLAUSES = """This Share Purchase Agreement is made between the parties.
The Seller shall indemnify the Buyer against all losses.
Any change of control requires the consent of the lender.
The Closing shall take place within thirty business days.
Each party bears its own costs and expenses hereunder."""


def words_found(text: str) -> float:
    expected = CLAUSES.split()
    return sum(word in text.split() for word in expected) / len(expected)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
async def test_a_turned_scan_is_read_upright_and_its_rotation_noted(turned: int, tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(samples.picture_bytes("PNG", samples.picture(CLAUSES, turned=turned)))

    content = await extract_document(path, name="scan.png", limits=Limits())

    (page,) = content.pages
    assert words_found(page.text) >= 0.95
    assert page.method is TextMethod.ocr
    assert page.confidence is not None
    assert 0.8 < page.confidence <= 1
    assert page.rotation == (360 - turned) % 360


async def test_every_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(samples.picture_bytes("TIFF", samples.picture("First page"), samples.picture("Second page")))

    content = await extract_document(path, name="scan.tif", limits=Limits())

    assert [page.text for page in content.pages] == ["First page", "Second page"]


async def test_a_scanned_pdf_is_recognised_page_by_page_and_its_stamp_kept(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    scan = samples.picture(CLAUSES)
    path.write_bytes(samples.scanned_pdf(scan, samples.picture(CLAUSES, turned=90), stamp="DISC-000123"))

    content = await extract_document(path, name="scan.pdf", limits=Limits())

    assert [page.rotation for page in content.pages] == [0, 270]
    assert all(words_found(page.text) >= 0.95 for page in content.pages)
    assert all("DISC-000123" in page.text for page in content.pages)


async def test_a_low_resolution_picture_is_enlarged_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    small = samples.picture(CLAUSES).resize((700, 450))
    path.write_bytes(samples.picture_bytes("PNG", small))

    content = await extract_document(path, name="small.png", limits=Limits())

    assert words_found(content.pages[0].text) >= 0.9


async def test_a_white_page_has_no_text(tmp_path: Path) -> None:
    path = tmp_path / "white.png"
    path.write_bytes(samples.picture_bytes("PNG", samples.picture("")))

    with pytest.raises(Unreadable) as caught:
        await extract_document(path, name="white.png", limits=Limits())

    assert caught.value.code == "no_text"


async def test_a_missing_language_is_our_fault_and_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(samples.picture_bytes("PNG"))

    with pytest.raises(Permanent) as caught:
        await extract_document(path, name="scan.png", limits=Limits(ocr_language="eng+xyz"))

    assert not isinstance(caught.value, Unreadable)
    assert caught.value.code == "ocr_language_missing"
    assert "tessdata-xyz" in caught.value.message
