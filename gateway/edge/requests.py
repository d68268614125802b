"""What every door needs of an HTTP request: its headers, its whole body, and where it came from."""

import asyncio
import ipaddress
from collections.abc import Collection, Sequence
from functools import lru_cache

from starlette.types import Receive, Scope

from gateway.errors import BodyTooLarge, BodyTooSlow, BodyUnreadable, NotJson

Headers = dict[bytes, bytes]


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
    X-Forwarded-For to the left of it is not believed."""
    address: str = scope["client"][0] if scope.get("client") else ""
    if not trusted_proxies:
        return address
    hops = text(headers, b"x-forwarded-for").split(",")
    while hops and _is_trusted(address, tuple(trusted_proxies)):
        hop = hops.pop().strip()
        if not hop:
            break
        address = hop
    return address


def is_https(scope: Scope, headers: Headers, trusted_proxies: Collection[str]) -> bool:
    """Whether the browser came over https, by a trusted proxy's word where there is one."""
    peer = scope["client"][0] if scope.get("client") else ""
    if b"x-forwarded-proto" in headers and _is_trusted(peer, tuple(trusted_proxies)):
        return text(headers, b"x-forwarded-proto").split(",")[-1].strip() == "https"
    return bool(scope["scheme"] == "https")


@lru_cache(10_000)
def _is_trusted(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # as a dual-stack socket shows IPv4
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
