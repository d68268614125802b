"""`GET /api/v1/event.stream`: a list's events as they are stored, as server-sent events.

Read from the database, not from memory, so that it shows what is on disk, whichever process
stored it: a few times a second each stream looks whether the newest event's id has moved.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.edge.commands.command import Rate, whole_number
from gateway.edge.commands.website_events import LIST_NOT_FOUND
from gateway.edge.entrance import Entrance
from gateway.edge.problems import PRIVATE, counted, respond
from gateway.edge.requests import headers_of
from gateway.errors import Overloaded, Refused
from gateway.records import event_log, lists
from gateway.records.event_log import StoredEvent
from gateway.services import Services

CHECK_S = 0.2
KEEP_ALIVE_S = 15.0
RECENT = 20


class LiveEndpoint:
    def __init__(self, services: Services, entrance: Entrance) -> None:
        self._services = services
        self._entrance = entrance
        self._streams_max = services.settings.limits.live_streams_max
        self._streams = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream: an open one would hold up a shutdown."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            return await respond(send, 405, headers=[(b"allow", b"GET")])
        request = Request(scope, receive)
        parameters = {name.lower(): value for name, value in request.query_params.items()}
        caller = self._entrance.admit(Rate.READ, scope, headers_of(scope), parameters)
        list_id = whole_number(parameters.get("listid"))
        owned = list_id and self._services.reader.look_up(lists.owned, list_id, caller.account_id)
        if not owned:
            raise Refused(LIST_NOT_FOUND)
        if self._streams >= self._streams_max:
            raise Overloaded(f"At most {self._streams_max} live streams: close one first.")
        seen = whole_number(request.headers.get("last-event-id"))
        response = StreamingResponse(
            self._messages(owned.id, seen),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )
        response.raw_headers += [*PRIVATE, *counted(scope)]
        self._streams += 1
        try:
            await response(scope, receive, send)
        finally:
            self._streams -= 1

    async def _messages(self, list_id: int, seen: int | None) -> AsyncIterator[bytes]:
        reader = self._services.reader
        yield b"retry: 1000\n\n"
        if seen is None:
            events = await reader.read(event_log.latest, list_id=list_id, rows=RECENT)
        else:
            events = await reader.read(event_log.after, seen, list_id=list_id)
        last_id = events[-1].id if events else seen or 0
        quiet_s = 0.0
        while True:
            for event in events:
                yield _message(event)
            if await self._closed_within(CHECK_S):
                return
            quiet_s = 0.0 if events else quiet_s + CHECK_S
            if quiet_s >= KEEP_ALIVE_S:
                yield b": still here\n\n"
                quiet_s = 0.0
            events = []
            if reader.look_up(event_log.last_id) > last_id:
                events = await reader.read(event_log.after, last_id, list_id=list_id)
                last_id = events[-1].id if events else last_id

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True


def _message(event: StoredEvent) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (event.id, msgspec.json.encode(event))
