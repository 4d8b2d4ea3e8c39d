"""Where a webhook may go: only to addresses that anybody on the internet could reach.

Whoever may add a recipient must not make the workers call the database, a metadata service or a colleague's printer.
A name is resolved once, and the connection goes to the very address that was looked at.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from dealpulse.errors import Permanent, Transient

_UNICAST: Final = IPv6Network("2000::/3")
"""Outside of it lie mapped and translated IPv4, local, private and multicast addresses."""
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
"""Carries an IPv4 address, which may be a private one."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address belongs to the internet and to one machine of it."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast


async def addresses_of(host: str, port: int, *, allow_private: bool) -> list[str]:
    """The addresses behind ``host``, in the order to be tried.

    Raises:
        Transient: ``host_unresolved``.
        Permanent: ``address_not_public``: one of them is not for us to call.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Transient("The receiver's host name cannot be resolved.", code="host_unresolved") from error
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
    if not allow_private and not all(is_public(ip_address(address)) for address in addresses):
        message = "The receiver's host is not on the public internet; DELIVERY_ALLOW_PRIVATE would allow it."
        raise Permanent(message, code="address_not_public")
    return addresses
