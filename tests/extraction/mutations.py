"""What happens to files on their way: bits flip, ends are missing, blocks are swapped, wrappers are nested.

Every mutation is drawn from a seed alone, so that a file that does harm can be made again.
"""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Final

from extraction import samples

Mutation = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """One to 64 bits are the other way round."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def beheaded(data: bytes, chance: random.Random) -> bytes:
    return data[chance.randrange(1, len(data)) :]


def holed(data: bytes, chance: random.Random) -> bytes:
    """A run of bytes is lost, or nothing but zeros or ones."""
    start = chance.randrange(len(data))
    length = chance.randrange(1, 512)
    filling = chance.choice((b"", b"\x00" * length, b"\xff" * length))
    return data[:start] + filling + data[start + length :]


def repeated(data: bytes, chance: random.Random) -> bytes:
    """A block comes many times over."""
    start = chance.randrange(len(data))
    block = data[start : start + chance.randrange(1, 256)]
    return data[:start] + block * chance.choice((2, 50, 2_000)) + data[start:]


def swapped(data: bytes, chance: random.Random) -> bytes:
    first, second = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[second:] + data[first:second] + data[:first]


def lying(data: bytes, chance: random.Random) -> bytes:
    """A length, an offset or a count somewhere is as large, or as negative, as it can be."""
    width = chance.choice((2, 4, 8))
    start = chance.randrange(max(1, len(data) - width))
    value = chance.choice((b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), b"\x00" * width))
    return data[:start] + value + data[start + width :]


def zipped(data: bytes, chance: random.Random) -> bytes:
    """In an archive in an archive ..., up to 40 deep, sometimes with the innermost one broken."""
    inner = flipped(data, chance) if chance.random() < 0.5 else data
    for depth in range(chance.choice((1, 3, 40))):
        inner = samples.archive({f"level-{depth}.zip" if depth else "price.pdf": inner})
    return inner


def dense(data: bytes, chance: random.Random) -> bytes:
    """An archive that is thousands of times as large once it is opened, or that holds very many files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if chance.random() < 0.5:
            archive.writestr("price.txt", b" " * chance.choice((10 << 20, 80 << 20)))
        else:
            for number in range(5_000):
                archive.writestr(f"{number}.txt", data[:16])
    return buffer.getvalue()


ANY: Final[Sequence[Mutation]] = (flipped, truncated, beheaded, holed, repeated, swapped, lying)
_DOCUMENTS: Final[Sequence[Mutation]] = (*ANY, *ANY, *ANY, zipped, dense)


# --- e-mails ----------------------------------------------------------------------------------------------------------


def letter(*attachments: tuple[str, bytes]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Jane Roe <jane@example.com>", "tom@example.com"
    message["Subject"], message["Message-ID"] = "Signing", "<signing@example.com>"
    message["Date"] = "Mon, 04 Mar 2024 09:12:00 -0500"
    message.set_content(f"{samples.SENTENCE}.\n")
    message.add_alternative(f"<p>{samples.SENTENCE}.</p>", subtype="html")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return bytes(message)


def forwarded(data: bytes, chance: random.Random) -> bytes:
    """A message in a message in a message, up to 120 deep."""
    for depth in range(chance.choice((1, 5, 120))):
        border = f"border-{depth}"
        head = f"Subject: Fwd {depth}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary={border}\n\n"
        data = b"".join(
            (
                head.encode(),
                f"--{border}\nContent-Type: message/rfc822\n\n".encode(),
                data,
                f"\n--{border}--\n".encode(),
            )
        )
    return data


def looping(data: bytes, chance: random.Random) -> bytes:
    """Parts whose border is that of their parent, or that begin again and again."""
    border = "b"
    opening = f"Content-Type: multipart/mixed; boundary={border}\n\n--{border}\n".encode()
    return b"MIME-Version: 1.0\n" + opening * chance.choice((2, 20, 500)) + data


def headed(data: bytes, chance: random.Random) -> bytes:
    """Headers without end: very long, very many, or pointing at each other."""
    kind = chance.randrange(3)
    if kind == 0:
        return b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n" + data
    if kind == 1:
        return b"".join(f"Received: from {number}.example\n".encode() for number in range(20_000)) + data
    return b"References: " + b"<signing@example.com> " * 20_000 + b"\n" + data


_MAIL: Final[Sequence[Mutation]] = (*ANY, *ANY, forwarded, looping, headed)


def _letters() -> Mapping[str, bytes]:
    return {
        "plain.eml": samples.MAIL.encode(),
        "attached.eml": letter(("price.pdf", samples.pdf()), ("price.docx", samples.word())),
        "packed.eml": letter(("room.zip", samples.archive()), ("winmail.dat", samples.winmail())),
        "signing.msg": samples.outlook(with_attachments=True),
    }


def documents(count: int) -> list[tuple[str, bytes]]:
    """Names and contents: every format that is no e-mail, in turn."""
    sound = [(name, make()) for mime_type, (name, make) in samples.SAMPLES.items() if mime_type not in _AS_MAIL]
    return _mutated(sound, _DOCUMENTS, count)


def emails(count: int) -> list[tuple[str, bytes]]:
    """Names and contents of messages, plain and Outlook's."""
    return _mutated(list(_letters().items()), _MAIL, count)


_AS_MAIL: Final = ("message/rfc822", "application/vnd.ms-outlook")


def _mutated(sound: Sequence[tuple[str, bytes]], mutations: Sequence[Mutation], count: int) -> list[tuple[str, bytes]]:
    made = []
    for seed in range(count):
        chance = random.Random(seed)  # noqa: S311
        name, data = sound[seed % len(sound)]
        made.append((name, chance.choice(mutations)(data, chance)))
    return made
