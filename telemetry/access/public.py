"""Which addresses on a person's word may be connected to: public ones only, however they are written. Pure.

What is checked is the address that a socket is really connected to, so it does not matter whether a name, a decimal or
an octal number, or a name server that changes its mind led there. Source: the IANA registries of special addresses.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

_REFUSED_4 = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # CGNAT, and Alibaba's metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata, though it is a public address
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle's metadata among them
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = ip_network("2000::/3")  # the only range that is routed; mapped, translated and local ones lie outside
_REFUSED_6 = tuple(
    ip_network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo, 6to4, documentation
)


def is_public(address: str) -> bool:
    """Whether a numeric address, with or without an IPv6 scope, belongs to the open Internet."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in net for net in _REFUSED_4)
    return found in _PUBLIC_6 and not any(found in net for net in _REFUSED_6)


def web_parts(address: str, *, called: str, most: int) -> SplitResult:
    """The parts of an address of at most so many letters that a person typed in, whose host is told in one way only.
    Raises ValueError with a sentence for that person; `called` is what it calls the address, as in "A base URL"."""
    if len(address) > most or any(ord(one) <= 32 or ord(one) >= 127 or one == "\\" for one in address):
        raise ValueError(f"{called} has no spaces, line breaks, backslashes or letters outside of ASCII.")
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"This is no {called.partition(' ')[2]}.") from error
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ValueError(f"{called} begins with https:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError(f"{called} has no name or password before its host, and no #.")
    return parts


def port_of(parts: SplitResult) -> int:
    """The port that an address means."""
    return parts.port or (443 if parts.scheme == "https" else 80)


def place(host: str, port: int) -> str:
    """host:port as settings list it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
