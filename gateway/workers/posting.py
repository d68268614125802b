"""Posting to addresses that other people chose: what may be reached, and how much is read of it.

HTTPS only, and no address but public ones. That is checked of the very address a connection is
opened to, after the name was resolved and with nothing resolved again, so a name that changes its
mind reaches nothing either. Redirects are not followed, cookies and proxies are none, of an answer
only so much is read. Hosts that a setting names are excepted: a receiver of one's own.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

ANSWER_BYTES_MAX = 65_536
TIMEOUT_S = 10.0
PRIVATE = "its address is private"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(OSError):
    """A connection that is not to be opened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`fault` says why there is no status."""

    status: int | None
    retry_after: str = ""
    fault: str = ""


class Post:
    """Make it on the event loop. `resolver` and `tls` are other than the system's in tests only."""

    def __init__(
        self,
        hosts_allowed: tuple[str, ...],
        *,
        timeout_s: float = TIMEOUT_S,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts_allowed = frozenset(host.lower() for host in hosts_allowed)
        timeout = aiohttp.ClientTimeout(total=timeout_s)

        def session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=connector,
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept-Encoding",),
            )

        shared: dict[str, Any] = {"limit": 0, "resolver": resolver, "ssl": tls or True}
        self._guarded = session(aiohttp.TCPConnector(**shared, socket_factory=_guarded_socket))
        self._open = session(aiohttp.TCPConnector(**shared))

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the endpoint says. Raises nothing but CancelledError."""
        fault = fault_of(url, self._hosts_allowed)
        if fault:
            return Answer(None, fault=fault)
        host = URL(url).host or ""
        session = self._open if host.lower() in self._hosts_allowed else self._guarded
        try:
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await _read_some(response)
                return Answer(response.status, response.headers.get("Retry-After", ""))
        except TimeoutError:
            return Answer(None, fault="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, fault=_said(error))

    async def close(self) -> None:
        await asyncio.gather(self._guarded.close(), self._open.close())


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


def _guarded_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for just this address. Raises AddressRefused."""
    family, kind, protocol, _, target = info
    host = str(target[0]).partition("%")[0]
    if not is_public(ipaddress.ip_address(host)):
        raise AddressRefused(PRIVATE)
    return socket.socket(family=family, type=kind, proto=protocol)


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """A connection is used again once its answer was read; a long answer costs its connection."""
    read = 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if read > ANSWER_BYTES_MAX:
            response.close()
            return


def _said(error: Exception) -> str:
    """For people, and without addresses."""
    if isinstance(error, aiohttp.ClientConnectorError) and PRIVATE in str(error.os_error):
        return PRIVATE
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate or TLS is wrong"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "it closed the connection half-way"
    return f"no answer that can be read ({type(error).__name__})"
