"""Posting to addresses that other people chose, through the guard: HTTPS only, no redirects, and of
an answer only so much is read.
"""

import asyncio
import logging
import ssl
import sys
from collections.abc import Mapping

import aiohttp
import uvloop
from aiohttp.abc import AbstractResolver

from gateway import clock, signatures
from gateway.targets import fault_of
from gateway.workers.frames import Answer, Done, Job, Orders, frame, next_of
from gateway.workers.guard import Guard, said

ANSWER_BYTES_MAX = 65_536

log = logging.getLogger(__name__)


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
        self._guard = Guard(hosts_allowed, timeout_s=timeout_s, resolver=resolver, tls=tls)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the endpoint says. Raises nothing but CancelledError."""
        fault = fault_of(url, self._guard.hosts_allowed)
        if fault:
            return Answer(None, fault=fault)
        try:
            async with self._guard.session(url).post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await _read_some(response)
                return Answer(response.status, response.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, fault=said(error))

    async def close(self) -> None:
        await self._guard.close()


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """A connection is used again once its answer was read; a long answer costs its connection."""
    read = 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if read > ANSWER_BYTES_MAX:
            response.close()
            return


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
