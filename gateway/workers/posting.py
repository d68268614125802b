"""Posting to addresses that other people chose: what may be reached, and how much is read of it.

HTTPS only, and no address but public ones. That is checked of the very address a connection is
opened to, after the name was resolved and with nothing resolved again, so a name that changes its
mind reaches nothing either. Redirects are not followed, cookies and proxies are none, of an answer
only so much is read. Hosts that a setting names are excepted: a receiver of one's own.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
import sys
from collections.abc import Mapping
from typing import Any

import aiohttp
import uvloop
from aiohttp.abc import AbstractResolver
from yarl import URL

from gateway import clock, signatures
from gateway.targets import fault_of, is_public
from gateway.workers.frames import Answer, Done, Job, Orders, frame, next_of

ANSWER_BYTES_MAX = 65_536
PRIVATE = "its address is private"

log = logging.getLogger(__name__)


class AddressRefused(OSError):
    """A connection that is not to be opened."""


class Post:
    """Make it on the event loop. `resolver` and `tls` are other than the system's in tests only."""

    def __init__(
        self,
        hosts_allowed: tuple[str, ...],
        *,
        timeout_s: float,
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


async def main() -> None:
    loop = asyncio.get_running_loop()
    jobs = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(jobs), sys.stdin.buffer)
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    orders = await next_of(jobs, Orders)
    if orders is None:
        return
    post = Post(orders.hosts_allowed, timeout_s=orders.timeout_s)
    under_way: set[asyncio.Task[None]] = set()

    async def attempt(job: Job) -> None:
        try:
            answer = await post.post(job.url, _headers(job), job.body)
        except Exception:
            log.exception("webhook not posted delivery=%d", job.id)
            answer = Answer(None, fault="a fault of the gateway's own")
        out.write(frame(Done(job.id, answer)))

    while job := await next_of(jobs, Job):
        task = asyncio.create_task(attempt(job))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    await post.close()


def _headers(job: Job) -> dict[str, str]:
    return {
        **job.headers,
        "content-type": "application/json",
        "user-agent": "event-gateway",
        **signatures.signed_headers(
            job.secrets, job.signature_header, job.delivery_id, job.body, clock.now_ms() // 1000
        ),
    }


if __name__ == "__main__":
    uvloop.run(main())
