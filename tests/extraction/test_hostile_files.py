"""Damaged, disguised and malicious files end in a reason a person understands."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dealpulse.errors import Unreadable
from dealpulse.extraction import DocumentContent, Limits, extract_document, extract_email
from extraction import samples
from extraction.compound_file import compound_file


async def read(directory: Path, name: str, data: bytes) -> DocumentContent:
    path = directory / "file"
    path.write_bytes(data)
    return await extract_document(path, name=name, limits=Limits(seconds=60))


async def refusal(directory: Path, name: str, data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        await read(directory, name, data)
    return caught.value


def bomb(part: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(part, "w") as member:
            for _ in range(64):
                member.write(b" " * (1 << 20))
    return buffer.getvalue()


@pytest.mark.parametrize(("name", "part"), [("a.docx", "word/document.xml"), ("a.xlsx", "xl/worksheets/sheet1.xml")])
async def test_a_zip_bomb_is_not_opened(name: str, part: str, tmp_path: Path) -> None:
    assert (await refusal(tmp_path, name, bomb(part))).code == "bomb"


async def test_a_zip_that_lies_about_its_size_does_no_harm(tmp_path: Path) -> None:
    data = bomb("word/document.xml")
    lying = data.replace((64 << 20).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))

    assert (await refusal(tmp_path, "a.docx", lying)).code in {"corrupt", "bomb", "truncated"}


@pytest.mark.parametrize("extension", ["pdf", "docx", "eml", "png", "txt", "msg"])
async def test_an_empty_file_says_so(extension: str, tmp_path: Path) -> None:
    error = await refusal(tmp_path, f"a.{extension}", b"")

    assert (error.code, error.message) == ("empty_file", "The file is empty (0 bytes); ask for it again.")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", samples.pdf()),
        ("a.docx", samples.word()),
        ("a.xlsx", samples.excel()),
        ("a.pptx", samples.slides()),
        ("a.rtf", rb"{\rtf1 Closing\par}"),
        ("a.png", samples.picture_bytes("PNG")),
        ("a.msg", samples.outlook()),
        ("a.doc", samples.word97()),
    ],
)
async def test_a_file_cut_in_half_is_truncated_or_corrupt(name: str, data: bytes, tmp_path: Path) -> None:
    assert (await refusal(tmp_path, name, data[: len(data) // 2])).code in {"truncated", "corrupt"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", samples.pdf(password="secret")),
        ("a.docx", compound_file({"EncryptedPackage": b"x" * 5_000, "EncryptionInfo": b"y"})),
        ("a.doc", samples.word97(encrypted=True)),
    ],
)
async def test_a_protected_file_asks_for_an_unprotected_copy(name: str, data: bytes, tmp_path: Path) -> None:
    error = await refusal(tmp_path, name, data)

    assert (error.code, error.message) == (
        "encrypted",
        "The file is password-protected; ask for an unprotected copy.",
    )


NOISE = bytes(range(256)) * 8
AGAIN = "ask for it again, it may be a failed download."
AS_PDF = "if it holds text, save it as a PDF and add that."


@pytest.mark.parametrize(
    ("name", "data", "code", "reason"),
    [
        ("a.pdf", b"MZ\x90\x00" + NOISE, "wrong_extension", f"The file is named .pdf but is a program; {AGAIN}"),
        ("a.pdf", NOISE, "wrong_extension", f"The file is named .pdf but is of a kind we do not know; {AGAIN}"),
        (
            "a.pdf",
            b"<!doctype html><html><body>Please sign in</body></html>",
            "wrong_extension",
            f"The file is named .pdf but holds a web page; {AGAIN}",
        ),
        ("a.docx", b"Not found", "wrong_extension", f"The file is named .docx but holds a plain text; {AGAIN}"),
        (
            "a.png",
            b"GIF89a" + NOISE,
            "wrong_extension",
            "The file is named .png but is a GIF image; convert it to PNG or PDF.",
        ),
        (
            "a.gif",
            b"GIF89a" + NOISE,
            "unsupported_type",
            "The file is a GIF image and cannot be read; convert it to PNG or PDF.",
        ),
        (
            "a.heic",
            NOISE,
            "unsupported_type",
            f"The file is of a kind we do not know and cannot be read; {AS_PDF}",
        ),
        (
            "a.exe",
            b"MZ\x90\x00" + bytes(500),
            "unsupported_type",
            f"The file is a program and cannot be read; {AS_PDF}",
        ),
        (
            "a.7z",
            b"7z\xbc\xaf\x27\x1c" + bytes(50),
            "unsupported_type",
            "The file is a 7-Zip archive and cannot be read; unpack it and add the files in it.",
        ),
        (
            "app.jar",
            samples.archive({"META-INF/MANIFEST.MF": b"Main-Class: App"}),
            "unsupported_type",
            f"The file is of a program that packs its files into a ZIP archive and cannot be read; {AS_PDF}",
        ),
        ("a.docx", samples.archive(), "wrong_extension", f"The file is named .docx but is a ZIP archive; {AGAIN}"),
        (
            "winmail.dat",
            samples.winmail()[:-3],
            "truncated",
            "The winmail.dat is cut off or damaged; ask for it again.",
        ),
    ],
)
async def test_what_cannot_be_read_is_named_and_the_advice_comes_last(
    name: str, data: bytes, code: str, reason: str, tmp_path: Path
) -> None:
    error = await refusal(tmp_path, name, data)

    assert (error.code, error.message) == (code, reason)


@pytest.mark.parametrize(
    ("name", "data", "found"),
    [
        ("a.docx", samples.pdf(), "pdf"),
        ("a.pdf", samples.word(), "docx"),
        ("a.xls", samples.excel(), "xlsx"),
        ("a.doc", rb"{\rtf1 Closing\par}", "rtf"),
        ("a.xls", b"<html><table><tr><td>Closing</td></tr></table></html>", "html"),
    ],
)
async def test_a_readable_file_under_a_wrong_name_is_read_with_a_warning(
    name: str, data: bytes, found: str, tmp_path: Path
) -> None:
    content = await read(tmp_path, name, data)

    assert content.format == found
    assert "is named" in content.pages[0].warnings[0]


async def test_a_memo_is_no_mail(tmp_path: Path) -> None:
    content = await read(tmp_path, "memo.txt", b"TO: The Board\nFROM: Counsel\nSUBJECT: Closing\n\nAll is well.\n")

    assert content.format == "text"


async def test_a_document_is_no_message(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(samples.pdf())

    with pytest.raises(Unreadable) as caught:
        await extract_email(path, name="a.eml", attachments_dir=tmp_path / "attached", limits=Limits())

    assert caught.value.code == "wrong_extension"


@pytest.mark.parametrize("seed", range(6))
async def test_random_damage_never_escapes_as_anything_but_unreadable(seed: int, tmp_path: Path) -> None:
    makers: list[Callable[[], bytes]] = [
        samples.pdf,
        samples.word,
        samples.excel,
        samples.slides,
        samples.outlook,
        samples.excel97,
    ]
    data = bytearray(makers[seed]())
    for position in range(seed * 7 + 600, len(data), 97):
        data[position] ^= 0x5A

    content = None
    with suppress(Unreadable):
        content = await read(tmp_path, "a.bin", bytes(data))

    assert content is None or content.pages
