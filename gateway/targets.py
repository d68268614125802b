"""Where webhooks may go: what can be told of an address without asking anybody. Pure.

The same is asked when an address is written and before each attempt; what a name leads to is known
only when a connection is opened (`workers/posting`).
"""

import ipaddress

from yarl import URL

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def fault_of(url: str, hosts_allowed: frozenset[str]) -> str | None:
    """What can be told to be wrong with an address without asking anybody, as what to write."""
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        return "a whole address, such as https://example.com/hook"
    host = (parsed.host or "").lower()
    if not host or parsed.user is not None or parsed.password is not None or not port:
        return "a whole address without a name and password, such as https://example.com/hook"
    if host in hosts_allowed:
        return None if parsed.scheme in ("http", "https") else "an address of http or https"
    if parsed.scheme != "https":
        return "an address that begins with https://"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if is_public(address) else "a public address: this one is private"


def is_public(address: Address) -> bool:
    """Whether an address is of the internet, what is written inside another one included."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address.teredo or (inner is not None and not is_public(inner)):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast
