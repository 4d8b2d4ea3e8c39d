"""Tokens at rest: sealed with AES-256-GCM for the one connection they belong to.

    v1.<key's name>.<base64 of a 12-byte nonce and the sealed text>

The key's name says which key opens it, so a new key may be put in front at any time: what is sealed from then on is
sealed with it, and an old key is dropped once every account has been refreshed.
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dealpulse.errors import Permanent
from dealpulse.settings import EncryptionKey

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12


class Seal:
    """Seals with the first of its keys and opens with any."""

    def __init__(self, keys: Sequence[EncryptionKey]) -> None:
        self._first = keys[0].name if keys else None
        self._keys = {key.name: AESGCM(b64decode(key.key.reveal())) for key in keys}

    def close(self, text: str, *, owner: str) -> str:
        """``text`` sealed for ``owner``. Raises ``Permanent`` (``no_encryption_key``)."""
        if self._first is None:
            raise Permanent(
                "Set TOKEN_ENCRYPTION_KEYS: accounts cannot be connected without.", code="no_encryption_key"
            )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._keys[self._first].encrypt(nonce, text.encode(), owner.encode())
        return f"{_VERSION}.{self._first}.{b64encode(sealed).decode()}"

    def open(self, sealed: str, *, owner: str) -> str:
        """What was sealed for ``owner``. Raises ``Permanent`` (``no_encryption_key``, ``sealed_for_another``)."""
        version, _, rest = sealed.partition(".")
        name, _, encoded = rest.partition(".")
        key = self._keys.get(name)
        if version != _VERSION or key is None:
            raise Permanent(
                "The account's tokens are sealed with a key that TOKEN_ENCRYPTION_KEYS does not hold (any more).",
                code="no_encryption_key",
            )
        try:
            data = b64decode(encoded, validate=True)
            return key.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Permanent(
                "The account's tokens were altered, or are another's.", code="sealed_for_another"
            ) from error
