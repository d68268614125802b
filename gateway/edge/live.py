"""`GET /api/v1/event.stream`: a list's events as they are stored, as server-sent events."""

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.edge.commands.command import Rate, whole_number
from gateway.edge.commands.website_events import LIST_NOT_FOUND
from gateway.edge.entrance import Entrance
from gateway.edge.problems import counted, respond
from gateway.edge.requests import headers_of
from gateway.edge.streams import SIGN_OF_LIFE, START, Streams, last_id_of, message
from gateway.errors import Refused
from gateway.records import lists
from gateway.services import Services

RECENT = 20


class LiveEndpoint:
    def __init__(self, services: Services, entrance: Entrance, streams: Streams) -> None:
        self._services = services
        self._entrance = entrance
        self._streams = streams

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
        response = self._streams.response(self._messages(owned.id, last_id_of(request)))
        response.raw_headers += counted(scope)
        await response(scope, receive, send)

    async def _messages(self, list_id: int, after_id: int | None) -> AsyncIterator[bytes]:
        yield START
        async for events in self._streams.events(list_id, after_id=after_id, recent=RECENT):
            for event in events:
                yield message(event.id, msgspec.json.encode(event))
            if not events:
                yield SIGN_OF_LIFE
