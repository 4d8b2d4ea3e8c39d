"""What the parent and the sandboxed child say to each other: one request, one answer, both msgpack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dealpulse.errors import DealPulseError, Permanent, Transient, Unreadable
from dealpulse.extraction.contract import DocumentContent, EmailContent, Limits


class Request(Struct, frozen=True, kw_only=True):
    """Read one file, as an e-mail or as a document; ``files_dir`` is where files found inside go, if anywhere."""

    path: Path
    name: str
    as_email: bool
    files_dir: Path | None
    limits: Limits


class Read(Struct, frozen=True, kw_only=True, tag=True):
    """The file was read; exactly one of the two is there."""

    document: DocumentContent | None = None
    email: EmailContent | None = None


class Failed(Struct, frozen=True, kw_only=True, tag=True):
    """The file was not read, and why."""

    code: str
    message: str
    permanent: bool = True
    """False: another attempt may work, and the file is not to blame."""
    about_file: bool = True
    """False: our own set-up is to blame (a missing OCR language), not the file."""
    cause: str = ""
    """For developers: what was raised and where; no content."""

    def error(self) -> DealPulseError:
        kind = Transient if not self.permanent else Unreadable if self.about_file else Permanent
        error = kind(self.message, code=self.code)
        if self.cause:
            error.add_note(self.cause)
        return error


Answer = Read | Failed


def encode(value: Request | Answer) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=_path_to_text)


def decode_request(data: bytes) -> Request:
    return msgspec.msgpack.decode(data, type=Request, dec_hook=_text_to_path)


def decode_answer(data: bytes) -> Answer:
    """Raises ``msgspec.DecodeError`` on anything that is not a whole, well-typed answer."""
    decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer, dec_hook=_text_to_path)
    return decoder.decode(data)


def _path_to_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is not part of the protocol")


def _text_to_path(kind: type, value: Any) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} is not part of the protocol")
