"""What every door needs of an HTTP request: its headers, its whole body, and where it came from."""

import asyncio
import ipaddress
from collections.abc import Collection, Sequence
from functools import lru_cache

from starlette.types import Receive, Scope

from gateway.errors import BodyTooLarge, BodyTooSlow, BodyUnreadable, NotJson

Headers = dict[bytes, bytes]

HOPS_MAX = 20  # proxies in a row; who writes more of them wants to keep us busy
HOP_CHARS_MAX = 100  # what is longer is no address, and would fill the caches


def headers_of(scope: Scope) -> Headers:
    """Lower-case name → value; of a repeated header the last, but all of its hops for
    `X-Forwarded-For` and all cookies, joined as HTTP says."""
    headers: Headers = dict(scope["headers"])
    if len(headers) == len(scope["headers"]):
        return headers
    headers.clear()
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for" and name in headers:
            value = headers[name] + b"," + value
        elif name == b"cookie" and name in headers:
            value = headers[name] + b"; " + value
        headers[name] = value
    return headers


def text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


async def read_body(
    headers: Headers, receive: Receive, *, bytes_max: int, timeout_s: float
) -> bytes:
    """The whole body. Raises BodyTooLarge, BodyTooSlow, BodyUnreadable or NotJson."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BodyUnreadable("Send the body without Content-Encoding.")
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > bytes_max:
        raise BodyTooLarge.over(bytes_max)
    try:
        async with asyncio.timeout(timeout_s):
            body = await _whole(receive, bytes_max)
    except TimeoutError as error:
        raise BodyTooSlow.after(timeout_s) from error
    if len(body) > bytes_max:
        raise BodyTooLarge.over(bytes_max)
    return body


def client_address(scope: Scope, headers: Headers, trusted_proxies: Sequence[str]) -> str:
    """The right-most hop that no trusted proxy vouches for: what anybody could have written into
    X-Forwarded-For to the left of it is not believed. An address, or empty where there is none."""
    address = address_in(scope["client"][0]) if scope.get("client") else ""
    forwarded = headers.get(b"x-forwarded-for")
    if forwarded is None or not trusted_proxies:
        return address
    networks = tuple(trusted_proxies)
    for hop in reversed(forwarded.decode("latin-1").rsplit(",", HOPS_MAX)):
        if not _is_trusted(address, networks):
            break
        known = address_in(hop) if len(hop) <= HOP_CHARS_MAX else ""
        if not known:
            break
        address = known
    return address


def is_https(scope: Scope, headers: Headers, trusted_proxies: Collection[str]) -> bool:
    """Whether the browser came over https, by a trusted proxy's word where there is one."""
    peer = address_in(scope["client"][0]) if scope.get("client") else ""
    if b"x-forwarded-proto" in headers and _is_trusted(peer, tuple(trusted_proxies)):
        return text(headers, b"x-forwarded-proto").split(",")[-1].strip().lower() == "https"
    return bool(scope["scheme"] == "https")


@lru_cache(10_000)
def address_in(hop: str) -> str:
    """The address in a hop as proxies write it, in one spelling: `192.0.2.1`, `192.0.2.1:443`,
    `[2001:db8::1]:443`, `::ffff:192.0.2.1` as a dual-stack socket shows IPv4. Empty for anything
    else, such as `unknown`."""
    plain = hop.strip().strip('"')
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


@lru_cache(10_000)
def _is_trusted(address: str, networks: tuple[str, ...]) -> bool:
    if not address:
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in networks)


async def _whole(receive: Receive, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= bytes_max:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise NotJson("The body ended before it was complete.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            break
    return b"".join(parts)
