"""Which addresses a call may reach: ranges, and the verdict over one address.

The ranges are those of the IANA special-purpose address registries (RFC 6890).
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from coupler.errors import ConfigError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Verdict(Enum):
    """What the policy says of one address. The values are what messages show."""

    ALLOWED = "ALLOWED"
    LINK_LOCAL = "DENY_LINK_LOCAL"
    METADATA = "DENY_METADATA"
    NOT_UNICAST = "DENY_NOT_GLOBAL_UNICAST"
    LOOPBACK = "DENY_LOOPBACK"
    DENY_LIST = "DENY_DENY_LIST"
    RESERVED = "DENY_RESERVED_RANGE"
    PRIVATE = "DENY_PRIVATE_RANGE"


def networks(*ranges: str) -> tuple[Network, ...]:
    """Parses CIDR texts; a single address is a range of one.

    Raises:
        ConfigError: a text is no range.
    """
    parsed: list[Network] = []
    for text in ranges:
        try:
            parsed.append(ip_network(text.strip(), strict=False))
        except ValueError as error:
            raise ConfigError(
                f"The address range '{text}' is not valid; write it like 10.0.0.0/8 or fd00::/8."
            ) from error
    return tuple(parsed)


LINK_LOCAL: Final = networks("169.254.0.0/16", "fe80::/10")
# What the clouds serve credentials from, outside the link-local ranges: AWS (IPv6), Alibaba, Oracle, Azure.
METADATA: Final = networks("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
LOOPBACK: Final = networks("127.0.0.0/8", "::1")
NOT_UNICAST: Final = networks("0.0.0.0/32", "::", "224.0.0.0/4", "ff00::/8", "255.255.255.255")
PRIVATE: Final = networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
RESERVED: Final = networks(
    *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
    *("2001::/32", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16"),
)
# Translators take the last 32 bits for the IPv4 address: NAT64 (RFC 6052, RFC 8215), SIIT (RFC 7915).
_TRANSLATED: Final = networks("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")

METADATA_HOSTS: Final = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})


def within(address: Address, ranges: tuple[Network, ...]) -> bool:
    """Whether one of the ranges holds the address."""
    return any(address.version == network.version and address in network for network in ranges)


@lru_cache(maxsize=4096)
def read_address(text: str) -> Address | None:
    """The address that a literal stands for, zone left out and IPv4-mapped IPv6 unmapped; ``None`` for a name."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def carried(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 transition address leads to (NAT64, SIIT, 6to4, IPv4-compatible)."""
    if not isinstance(address, IPv6Address):
        return None
    if address.sixtofour is not None:
        return address.sixtofour
    number = int(address)
    if within(address, _TRANSLATED) or (address in _COMPATIBLE and number > 0xFFFF):
        return IPv4Address(number & 0xFFFFFFFF)
    return None


__all__ = [
    "LINK_LOCAL",
    "LOOPBACK",
    "METADATA",
    "METADATA_HOSTS",
    "NOT_UNICAST",
    "PRIVATE",
    "RESERVED",
    "Address",
    "Network",
    "Verdict",
    "carried",
    "networks",
    "read_address",
    "within",
]
