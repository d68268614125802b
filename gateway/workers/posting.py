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
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway.targets import fault_of, is_public

ANSWER_BYTES_MAX = 65_536
TIMEOUT_S = 10.0
PRIVATE = "its address is private"


class AddressRefused(OSError):
    """A connection that is not to be opened."""


class Answer(msgspec.Struct, frozen=True, array_like=True):
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
