"""Events as they are stored, for as long as somebody listens: what all live streams share.

Read from the database, not from memory, so that they show what is on disk, whichever process
stored it: a few times a second each stream looks whether the newest event's id has moved. Only so
many are open at once; all end when the process stops, and each when who listens may no longer.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.edge.commands.command import whole_number
from gateway.edge.problems import PRIVATE
from gateway.errors import Overloaded
from gateway.records import event_log
from gateway.records.event_log import StoredEvent
from gateway.store.database import Reader

CHECK_S = 0.2
ASK_TURNS = 5
KEEP_ALIVE_S = 15.0


class Streams:
    """Made once, for every door that streams."""

    def __init__(self, reader: Reader, streams_max: int) -> None:
        self._reader = reader
        self._streams_max = streams_max
        self._open = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream: an open one would hold up a shutdown."""
        self._closing.set()

    def response(self, messages: AsyncIterator[bytes]) -> StreamingResponse:
        """What sends these server-sent messages, and counts as open meanwhile. Raises Overloaded
        when too many are."""
        if self._open >= self._streams_max:
            raise Overloaded(f"At most {self._streams_max} live streams: close one first.")
        return _Counted(self, messages)

    async def events(
        self,
        list_id: int,
        *,
        after_id: int | None = None,
        recent: int = 0,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[Sequence[StoredEvent]]:
        """The events of a list as they come, some at a time, oldest first; none at all now and
        then, for a sign of life. They begin behind `after_id`; without one, with the `recent` last
        ones. They end when `may_go_on`, asked again and again, says no."""
        read, look_up = self._reader.read, self._reader.look_up
        seen_id = look_up(event_log.last_id) if after_id is None else after_id
        events: list[StoredEvent] = []
        if after_id is None and recent:
            events = await read(event_log.latest, list_id=list_id, rows=recent)
            seen_id = max(seen_id, _last_id(events))
        yield events
        quiet_s = 0.0
        for turn in itertools.count(1):
            if await self._closed_within(CHECK_S):
                return
            if turn % ASK_TURNS == 0 and not may_go_on():
                return
            events = []
            newest_id = look_up(event_log.last_id)
            if newest_id > seen_id:
                events = await read(event_log.after, seen_id, list_id=list_id)
                # What lies between them is other lists', and need not be looked through again.
                page_is_full = len(events) == event_log.PAGE_ROWS
                seen_id = events[-1].id if page_is_full else max(newest_id, _last_id(events))
            quiet_s = 0.0 if events else quiet_s + CHECK_S
            if events or quiet_s >= KEEP_ALIVE_S:
                quiet_s = 0.0
                yield events

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True


class _Counted(StreamingResponse):
    def __init__(self, streams: Streams, messages: AsyncIterator[bytes]) -> None:
        super().__init__(
            messages,
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )
        self.raw_headers += PRIVATE
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams._open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams._open -= 1


START = b"retry: 1000\n\n"
"""Let browsers come back after a second."""
SIGN_OF_LIFE = b": still here\n\n"


def message(event_id: int, data: bytes) -> bytes:
    """`data` is of one line, such as JSON; `event_id` is what a browser names when it comes back
    (`last_id_of`)."""
    return b"id: %d\ndata: %s\n\n" % (event_id, data)


def last_id_of(request: Request) -> int | None:
    """The last event that somebody who was interrupted has seen."""
    return whole_number(request.headers.get("last-event-id"))


def _last_id(events: Sequence[StoredEvent]) -> int:
    return events[-1].id if events else 0
