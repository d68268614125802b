"""Fetches what stands at addresses that other people chose, through the guard: a page or a script,
each redirect as an address of its own, no more than so much and for no longer than so long.

A process of its own for each check of a site, because an HTTP client is large, and what a strange
page does to who reads it must not be done to the server. It answers `Wanted` with `Fetched` until
its input ends. The server's end is `fetcher`.
"""

import asyncio
import os
import sys
import zlib
from urllib.parse import urljoin

import aiohttp
import uvloop

from gateway.targets import fault_of_page
from gateway.workers import markup
from gateway.workers.frames import Fetched, Orders, Wanted, frame, next_of
from gateway.workers.guard import Guard, said

NICE = 10  # events come first
BYTES_MAX = 2 * 1024**2
REDIRECTS = (301, 302, 303, 307, 308)
REDIRECTS_MAX = 5
AGENT = "Mozilla/5.0 (compatible; event-gateway installation check)"


async def fetch(guard: Guard, wanted: Wanted, *, timeout_s: float) -> Fetched:
    """What is there after at most REDIRECTS_MAX redirects, all of it within the time."""
    url = wanted.url
    passed: tuple[str, ...] = ()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                fault = fault_of_page(url, guard.hosts_allowed)
                if fault:
                    return Fetched(url, passed, fault=f"it would have to be {fault}")
                found = await _ask(guard, url, passed, wanted.types)
                target = found.header("location")
                if found.status not in REDIRECTS or not target:
                    return found
                if len(passed) == REDIRECTS_MAX:
                    return Fetched(url, passed, fault=f"it redirects over {REDIRECTS_MAX} times")
                url, passed = urljoin(url, target), (*passed, url)
    except (aiohttp.ClientError, OSError, ValueError, zlib.error) as error:
        return Fetched(url, passed, fault=said(error))


async def _ask(guard: Guard, url: str, passed: tuple[str, ...], types: tuple[str, ...]) -> Fetched:
    headers = {"user-agent": AGENT, "accept": ", ".join(types), "accept-encoding": "gzip"}
    async with guard.session(url).get(url, headers=headers, allow_redirects=False) as response:
        head = tuple((name.lower(), _clean(value)) for name, value in response.headers.items())
        found = Fetched(url, passed, response.status, head)
        if found.status in REDIRECTS or found.type not in types:
            response.close()
            return found
        body = await _read(response)
        page = markup.read(body.decode(errors="replace")) if found.type in markup.TYPES else None
        return Fetched(url, passed, response.status, head, body=body, markup=page)


def _clean(value: str) -> str:
    """Bytes that are no UTF-8 come as what cannot be written as such again."""
    return value.encode(errors="surrogateescape").decode(errors="replace")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked, up to BYTES_MAX: what is behind that is left."""
    packed = response.headers.get("content-encoding", "identity").lower()
    if packed not in ("identity", "gzip"):
        raise ValueError(f"packed as {packed}, which was not asked for")
    unpacker = zlib.decompressobj(wbits=31)
    body = bytearray()
    async for chunk in response.content.iter_any():
        left = BYTES_MAX - len(body)
        body += unpacker.decompress(chunk, left) if packed == "gzip" else chunk[:left]
        if len(body) >= BYTES_MAX:
            response.close()
            break
    return bytes(body)


async def main() -> None:
    os.nice(NICE)
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin.buffer)
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    orders = await next_of(asked, Orders)
    if orders is None:
        return
    guard = Guard(orders.hosts_allowed, timeout_s=orders.timeout_s)
    while wanted := await next_of(asked, Wanted):
        out.write(frame(await fetch(guard, wanted, timeout_s=orders.timeout_s)))
    await guard.close()


if __name__ == "__main__":
    uvloop.run(main())
