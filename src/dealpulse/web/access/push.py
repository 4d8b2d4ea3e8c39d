"""Whether a request comes from our Pub/Sub subscription: it is signed by Google, for us, as its service account.

See https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
"""

from __future__ import annotations

from typing import Final

import jwt

from dealpulse.web.access.published import PublishedKeys

_ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")
_LEEWAY_SECONDS: Final = 60


class PushTokens:
    """Verifies the OIDC tokens of one push subscription. Without an ``account`` none is believed.

    Anybody can have Google sign a token for any audience: the account alone tells that it is ours.
    """

    def __init__(self, *, keys: PublishedKeys, audience: str, account: str | None) -> None:
        self._keys = keys
        self._audience = audience
        self._account = account

    async def proves(self, token: str) -> bool:
        """Raises ``Unavailable`` where the keys to verify it with cannot be had."""
        if self._account is None:
            return False
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                return False
            key = await self._keys.key(str(header.get("kid", "")))
            if key is None:
                return False
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=_ISSUERS,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "aud", "iss", "email"]},
            )
        except jwt.PyJWTError:
            return False
        return claims["email"] == self._account and claims.get("email_verified") is True
