"""A message's bytes out of the JSON they come in, as they come: no message is ever whole in memory."""

from __future__ import annotations

import binascii
import re
from collections.abc import AsyncIterator
from typing import Final

from dealpulse.errors import Permanent, Transient

_OPENING: Final = re.compile(rb'"raw"\s*:\s*"')
_LONGEST_OPENING: Final = 64 << 10
"""What may stand before the message: an answer with nothing else was asked for."""
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


async def raw_message(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The RFC 822 message in an answer to ``messages.get?format=raw``.

    Raises ``Transient`` where the answer holds none or ends within it, ``Permanent`` where it is no base64url.
    """
    pending, opened = b"", False
    async for chunk in chunks:
        pending += chunk
        if not opened:
            opening = _OPENING.search(pending)
            if opening is None:
                if len(pending) > _LONGEST_OPENING:
                    break
                continue
            opened, pending = True, pending[opening.end() :]
        encoded, quote, _ = pending.partition(b'"')
        if quote:
            yield _decoded(encoded)
            return
        whole = len(encoded) & ~3
        if b"\\" in encoded[:whole]:
            whole = encoded.index(b"\\") & ~3
        pending = encoded[whole:]
        if whole:
            yield _decoded(encoded[:whole])
    raise Transient("Gmail's answer holds no message, or ends within it.", code="answer_cut_off")


def _decoded(encoded: bytes) -> bytes:
    """Padding may be missing, or be written as JSON writes it for use in web pages."""
    text = encoded.replace(b"\\u003d", b"=").rstrip(b"=").translate(_TO_STANDARD)
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error as error:
        raise Permanent("Gmail hands out something that is no message.", code="item_unreadable") from error
