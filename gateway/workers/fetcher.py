"""Has pages of other people's sites fetched, by a process of its own for each check (`fetching`),
which is started with it and killed after it. Nothing of a page but its bytes comes in here.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.workers.frames import Fetched, Orders, Wanted, frame, next_of

TIMEOUT_S = 10.0
START_S = 10.0
TOGETHER = 2

Fetch = Callable[[Wanted], Awaitable[Fetched]]


class Fetcher:
    """For the event loop's thread. At most TOGETHER processes at once; who comes then waits."""

    def __init__(self, hosts_allowed: tuple[str, ...]) -> None:
        self._hosts_allowed = hosts_allowed
        self._room = asyncio.Semaphore(TOGETHER)

    @contextlib.asynccontextmanager
    async def fetching(self) -> AsyncIterator[Fetch]:
        """What fetches one address after the other, for as long as the block lasts."""
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway.workers.fetching",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the server, which ends it
            )
            assert process.stdin
            assert process.stdout
            written, read = process.stdin, process.stdout
            written.write(frame(Orders(self._hosts_allowed, TIMEOUT_S)))

            async def fetch(wanted: Wanted) -> Fetched:
                written.write(frame(wanted))
                try:
                    async with asyncio.timeout(START_S + TIMEOUT_S):
                        found = await next_of(read, Fetched)
                except TimeoutError:
                    return Fetched(wanted.url, fault="no answer in time")
                return found or Fetched(wanted.url, fault="no answer that can be read")

            try:
                yield fetch
            finally:
                written.close()
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
