"""Where the gateway may go by itself: what can be told of an address without asking anybody. Pure.

The same is asked when an address is written and before each attempt; what a name leads to is known
only when a connection is opened (`workers/guard`).
"""

import ipaddress

from yarl import URL

PAGE_PORTS = (80, 443, 8080, 8443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def fault_of(url: str, hosts_allowed: frozenset[str]) -> str | None:
    """What can be told to be wrong with a webhook's address without asking anybody, as what to
    write."""
    parsed = _whole(url)
    if isinstance(parsed, str):
        return f"{parsed}, such as https://example.com/hook"
    if (parsed.host or "").lower() in hosts_allowed:
        return None if parsed.scheme in ("http", "https") else "an address of http or https"
    if parsed.scheme != "https":
        return "an address that begins with https://"
    return _private(parsed)


def fault_of_page(url: str, hosts_allowed: frozenset[str]) -> str | None:
    """The same of a page of a website: http will do, the ports are those that websites have."""
    parsed = _whole(url)
    if isinstance(parsed, str):
        return f"{parsed}, such as https://shop.example/"
    if parsed.scheme not in ("http", "https"):
        return "an address that begins with https:// or http://"
    if (parsed.host or "").lower() in hosts_allowed:
        return None
    if parsed.port not in PAGE_PORTS:
        return f"an address at a website's port: {', '.join(map(str, PAGE_PORTS))}"
    return _private(parsed)


def _whole(url: str) -> URL | str:
    """The address read; or what to write, where it is none, or brings somebody's password."""
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        return "a whole address"
    if not parsed.host or parsed.user is not None or parsed.password is not None or not port:
        return "a whole address without a name and password"
    return parsed


def _private(parsed: URL) -> str | None:
    try:
        address = ipaddress.ip_address(parsed.host or "")
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
