"""Connections to addresses that other people chose: what may be reached.

No address but public ones. That is checked of the very address a connection is opened to, after
the name was resolved and with nothing resolved again, so a name that changes its mind reaches
nothing either. Redirects are for the caller to follow, each as an address of its own; cookies and
proxies are none. Hosts that a setting names are excepted: a receiver or a site of one's own.
"""

import asyncio
import ipaddress
import socket
import ssl
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway.targets import is_public

PRIVATE = "its address is private"


class AddressRefused(OSError):
    """A connection that is not to be opened."""


class Guard:
    """Make it on the event loop. `resolver` and `tls` are other than the system's in tests only."""

    def __init__(
        self,
        hosts_allowed: tuple[str, ...],
        *,
        timeout_s: float,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.hosts_allowed = frozenset(host.lower() for host in hosts_allowed)
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

    def session(self, url: str) -> aiohttp.ClientSession:
        """What may ask this address, and this one only: never have it follow redirects."""
        host = URL(url).host or ""
        return self._open if host.lower() in self.hosts_allowed else self._guarded

    async def close(self) -> None:
        await asyncio.gather(self._guarded.close(), self._open.close())


def said(error: Exception) -> str:
    """Why there is no answer: for people, and without addresses."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
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


def _guarded_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for just this address. Raises AddressRefused."""
    family, kind, protocol, _, target = info
    host = str(target[0]).partition("%")[0]
    if not is_public(ipaddress.ip_address(host)):
        raise AddressRefused(PRIVATE)
    return socket.socket(family=family, type=kind, proto=protocol)
