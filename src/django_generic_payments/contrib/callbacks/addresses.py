"""
Which addresses may be called.

A URL that leads into one's own network would let whoever controls its name reach what is not meant for them, such as
the metadata of a cloud machine. What counts is the address that the name resolves to, and it is resolved once.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

__all__ = ["Lookup", "PrivateAddress", "is_public", "resolve"]

#: As ``socket.getaddrinfo``.
Lookup = Callable[..., list[tuple[Any, ...]]]

# Their last four bytes are an IPv4 address.
_CARRIERS = [IPv6Network(each) for each in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")]
# The host of a machine at Azure, which answers there by an address of the internet.
_PLATFORM = IPv4Address("168.63.129.16")


class PrivateAddress(Exception):
    """The name leads to an address that is not on the internet."""


def resolve(host: str, port: int, *, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> list[str]:
    """Return the addresses of a host, asked for once. Raises ``PrivateAddress`` if one of them may not be called."""
    answers = lookup(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for address in addresses:
        if not allow_private and not is_public(address):
            raise PrivateAddress(address)
    return addresses


def is_public(address: str) -> bool:
    """Tell whether an address is one on the internet, looking into those that carry another."""
    ip = _carried(ip_address(address))
    return (
        ip.is_global and not ip.is_multicast and ip != _PLATFORM and not getattr(ip, "is_site_local", False)
    )


def _carried(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address):
        return ip
    if any(ip in each for each in _CARRIERS):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
