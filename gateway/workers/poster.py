"""Posts for the courier, from a process of its own: a post takes the interpreter as long as several
events do, and events must not wait for it.

This is the courier's end; the process is `posting`, which alone loads an HTTP client. They speak in
`frames` over the process's standard input and output; it ends when its input does, so it never
outlives a server that is killed. What was under way when it ends itself is answered for as failed.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable

from gateway.workers.frames import Answer, Done, Job, Orders, frame, next_of

Then = Callable[[Answer], None]

TIMEOUT_S = 10.0

ENDED = Answer(None, fault="the process that posts has ended")


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
            "gateway.workers.posting",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which tells it
        )
        self._reading = asyncio.create_task(self._read(self._process))
        self._write(Orders(self._hosts_allowed, TIMEOUT_S))

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
            self._process.stdin.write(frame(value))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while done := await next_of(process.stdout, Done):
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
