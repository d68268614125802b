"""Posts for the courier, from a process of its own: a post takes the interpreter as long as several
events do, and events must not wait for it.

The courier's end is `Poster`, the process is `main`. They speak in frames, a length and msgpack,
over the process's standard input and output; it ends when its input does, so it never outlives a
server that is killed. What was under way when it ends itself is answered for as failed.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from typing import TypeVar

import msgspec
import uvloop

from gateway import clock, signatures
from gateway.workers import posting
from gateway.workers.posting import Answer, Post

T = TypeVar("T")
Then = Callable[[Answer], None]

log = logging.getLogger(__name__)

ENDED = Answer(None, fault="the process that posts has ended")


class Orders(msgspec.Struct, frozen=True, array_like=True):
    """What the process is told first."""

    hosts_allowed: tuple[str, ...]
    timeout_s: float


class Job(msgspec.Struct, frozen=True, array_like=True):
    """One post, to be signed when it is sent. `secrets` that are valid now, newest first."""

    id: int
    url: str
    headers: dict[str, str]
    body: bytes
    delivery_id: str
    signature_header: str
    secrets: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, array_like=True):
    id: int
    answer: Answer


class Poster:
    """For the event loop's thread. The process is there from `start` on."""

    def __init__(self, hosts_allowed: tuple[str, ...]) -> None:
        self._hosts_allowed = hosts_allowed
        self._waiting: dict[int, Then] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Does nothing where it runs already."""
        if self._reading and not self._reading.done():
            return
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.workers.poster",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which tells it
        )
        self._reading = asyncio.create_task(self._read(self._process))
        self._write(Orders(self._hosts_allowed, posting.TIMEOUT_S))

    def post(self, job: Job, then: Then) -> None:
        """Have `then` called with what the endpoint said."""
        self._waiting[job.id] = then
        self._write(job)

    async def stop(self) -> None:
        if self._process is None or self._reading is None:
            return
        self._reading.cancel()
        self._end(self._process)
        await self._process.wait()

    def _write(self, value: Orders | Job) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(_frame(value))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while done := await _next(process.stdout, Done):
            then = self._waiting.pop(done.id, None)
            if then:
                then(done.answer)
        self._end(process)
        await process.wait()
        unanswered, self._waiting = self._waiting, {}
        for then in unanswered.values():
            then(ENDED)

    def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def main() -> None:
    loop = asyncio.get_running_loop()
    jobs = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(jobs), sys.stdin.buffer)
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    orders = await _next(jobs, Orders)
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
        out.write(_frame(Done(job.id, answer)))

    while job := await _next(jobs, Job):
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


def _frame(value: Orders | Job | Done) -> bytes:
    written = msgspec.msgpack.encode(value)
    return len(written).to_bytes(4, "big") + written


async def _next(stream: asyncio.StreamReader, kind: type[T]) -> T | None:
    """None at the end."""
    try:
        length = int.from_bytes(await stream.readexactly(4), "big")
        return msgspec.msgpack.decode(await stream.readexactly(length), type=kind)
    except asyncio.IncompleteReadError:
        return None


if __name__ == "__main__":
    uvloop.run(main())
