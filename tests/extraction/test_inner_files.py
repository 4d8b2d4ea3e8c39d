"""Files inside files: taken out by number, within limits, and nothing left out in silence."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dealpulse.errors import Unreadable
from dealpulse.extraction import DocumentContent, Limits, extract_document, extract_email
from dealpulse.extraction.inner_files import InnerFiles
from extraction import samples

SHARED = Path(os.environ.get("DEALPULSE_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


async def read(
    directory: Path, data: bytes, name: str = "room.zip", limits: Limits | None = None, *, take: bool = True
) -> DocumentContent:
    path = directory / "file"
    path.write_bytes(data)
    files_dir = directory / "inner" if take else None
    return await extract_document(path, name=name, limits=limits or Limits(seconds=60), files_dir=files_dir)


def contents(content: DocumentContent) -> dict[str, bytes]:
    return {file.place: file.path.read_bytes() for file in content.files}


async def test_the_members_of_an_archive_are_written_by_number_and_listed(tmp_path: Path) -> None:
    data = samples.archive({"Legal/Lease.txt": b"rent", "Finanzen/Größe.txt": b"size", "Legal/": b""})

    content = await read(tmp_path, data)

    assert contents(content) == {"Legal/Lease.txt": b"rent", "Finanzen/Größe.txt": b"size"}
    assert [file.path.name for file in content.files] == ["0001", "0002"]
    assert [file.name for file in content.files] == ["Lease.txt", "Größe.txt"]
    assert content.only_lists
    assert content.pages[0].text == ("An archive of 2 files:\nLegal/Lease.txt\t4 bytes\nFinanzen/Größe.txt\t4 bytes")
    assert content.pages[0].warnings == ()


async def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path) -> None:
    names = ("../../etc/passwd", "/etc/passwd", "C:\\Windows\\a.txt", "a/../b/./c.txt", "..")

    content = await read(tmp_path, samples.archive({name: name.encode() for name in names}))

    assert [file.place for file in content.files] == [
        "etc/passwd",
        "etc/passwd (2)",
        "Windows/a.txt",
        "a/b/c.txt",
        "file-5",
    ]
    assert sorted(path.name for path in (tmp_path / "inner").iterdir()) == [f"{n:04d}" for n in range(1, 6)]


async def test_names_in_utf8_that_do_not_say_so_are_read_all_the_same(tmp_path: Path) -> None:
    data = samples.archive({"xx.txt": b"1"}).replace(b"xx.txt", "ü.txt".encode())

    assert list(contents(await read(tmp_path, data))) == ["ü.txt"]


async def test_what_file_managers_leave_behind_is_passed_over(tmp_path: Path) -> None:
    litter = {"__MACOSX/._a.txt": b"1", ".DS_Store": b"2", "Legal/Thumbs.db": b"3", "a.txt": b"4"}

    content = await read(tmp_path, samples.archive(litter))

    assert contents(content) == {"a.txt": b"4"}
    assert content.pages[0].warnings == ()


async def test_links_protected_and_damaged_members_and_bombs_are_left_out_by_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.txt", b" " * (64 << 20))
        archive.writestr("secret.txt", b"secret words")
        archive.writestr("broken.txt", b"broken words", zipfile.ZIP_STORED)
        archive.writestr("good.txt", b"good")
    data = bytearray(buffer.getvalue())
    entry = data.rindex(b"secret.txt") - 46
    (flags,) = struct.unpack_from("<H", data, entry + 8)
    struct.pack_into("<H", data, entry + 8, flags | 1)
    data[data.index(b"broken words")] ^= 0xFF

    content = await read(tmp_path, bytes(data))

    assert contents(content) == {"good.txt": b"good"}
    assert content.pages[0].warnings == (
        "Files inside were left out because they are links to other files: link.",
        "Files inside were left out because they would unpack to far more than they hold, as an attack would:"
        " bomb.txt.",
        "Files inside were left out because they are password-protected: secret.txt.",
        "Files inside were left out because they are damaged: broken.txt.",
    )


async def test_an_archive_of_protected_files_asks_for_an_unprotected_copy(tmp_path: Path) -> None:
    data = bytearray(samples.archive({"a.txt": b"1"}))
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 8, 1)

    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, bytes(data))

    assert caught.value.code == "encrypted"


async def test_an_archive_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, samples.archive({"empty/": b""}))

    assert caught.value.message == "The archive holds no files; ask for it again."


@pytest.mark.parametrize(
    ("limits", "taken", "warning"),
    [
        (Limits(max_inner_files=2), 2, "there are more than 2 files: c.txt, d.txt."),
        (Limits(max_inner_bytes=3 << 20), 3, "all together they are larger than 3 MB: d.txt."),
        (Limits(max_file_bytes=0), 0, "they are larger than 0 MB: a.txt, b.txt, c.txt, d.txt."),
    ],
)
async def test_what_is_over_a_limit_is_left_out_by_name(
    limits: Limits, taken: int, warning: str, tmp_path: Path
) -> None:
    members = {f"{letter}.txt": os.urandom(1 << 20) for letter in "abcd"}

    content = await read(tmp_path, samples.archive(members), limits=limits)

    assert list(contents(content).items()) == list(members.items())[:taken]
    assert content.pages[0].warnings == (f"Files inside were left out because {warning}",)


async def test_what_lies_too_deep_is_listed_and_left_out_by_name(tmp_path: Path) -> None:
    content = await read(tmp_path, samples.archive({"a.txt": b"1"}), take=False)

    assert content.files == ()
    assert content.holds_files
    assert "a.txt" in content.pages[0].text
    assert content.pages[0].warnings == (
        "Files inside were left out because they lie too deep, in files inside files: a.txt.",
    )


async def test_each_message_of_a_mailbox_is_a_file_of_its_own(tmp_path: Path) -> None:
    first = samples.MAIL + "\n>From here on it is agreed.\nFrom Monday on, too, in 2024.\n"
    data = samples.mailbox(first, samples.MAIL.replace("Signing", "Re: Signing"))

    content = await read(tmp_path, data, "inbox.mbox")

    assert [file.name for file in content.files] == ["0001 Signing.eml", "0002 Re: Signing.eml"]
    assert content.files[0].path.read_text().endswith("From here on it is agreed.\nFrom Monday on, too, in 2024.\n\n")
    assert content.only_lists
    assert content.pages[0].text.startswith("A mailbox of 2 messages:\nMon, 04 Mar 2024 09:12:00 -0500\tJane Roe")


async def test_outlooks_wrapper_gives_its_text_and_its_attachments(tmp_path: Path) -> None:
    data = samples.winmail({"Disclosure Letter.txt": b"one", "Annex.txt": b"two"})

    content = await read(tmp_path, data, "winmail.dat")

    assert contents(content) == {"Disclosure Letter.txt": b"one", "Annex.txt": b"two"}
    assert samples.SENTENCE in content.pages[0].text


async def test_a_wrapper_that_announces_endless_values_is_damaged(tmp_path: Path) -> None:
    endless = struct.pack("<IHHI", 1, 0x1003, 0x1000, 0xFFFFFFFF)
    data = samples.winmail() + struct.pack("<BHHI", 1, 0x9003, 0, len(endless)) + endless + b"\x00\x00"

    with pytest.raises(Unreadable) as caught:
        await read(tmp_path, data, "winmail.dat")

    assert caught.value.code == "truncated"


async def test_outlooks_wrapper_in_a_message_is_opened(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"] = "jane@example.com"
    mail.set_content("")
    wrapper = samples.winmail({"Annex.txt": b"two"})
    mail.add_attachment(wrapper, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    path = tmp_path / "a.eml"
    path.write_bytes(mail.as_bytes())

    content = await extract_email(path, name="a.eml", attachments_dir=tmp_path / "inner", limits=Limits())

    assert content.body_text == samples.SENTENCE
    assert [(file.name, file.path.read_bytes()) for file in content.attachments] == [("Annex.txt", b"two")]


async def test_files_that_a_pdf_carries_with_it_are_taken_out(tmp_path: Path) -> None:
    document = pypdfium2.PdfDocument(samples.pdf())
    document.new_attachment("Annex A.txt").set_data(b"annex")
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()

    content = await read(tmp_path, buffer.getvalue(), "a.pdf")

    assert contents(content) == {"Annex A.txt": b"annex"}
    assert content.holds_files
    assert not content.only_lists


@given(places=st.lists(st.text(alphabet="ab/.\\ :\x00é", max_size=12), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_places_are_unlike_each_other_and_stay_inside(places: list[str], tmp_path: Path) -> None:
    inner = InnerFiles(tmp_path / "inner", Limits())
    for place in places:
        inner.add(place, [b"x"])

    taken = [file.place for file in inner.taken]
    assert len(set(taken)) == len(places)
    assert all(part not in ("", ".", "..") and "\x00" not in part for place in taken for part in place.split("/"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of real documents")
async def test_a_real_winmail_dat_gives_its_attachments(tmp_path: Path) -> None:
    content = await read(tmp_path, (SHARED / "tnef" / "tika_testWINMAIL.dat").read_bytes(), "winmail.dat")

    assert content.files
    assert all(file.size_bytes for file in content.files)
