"""`GET /api/v1/event.stream`: a list's events as they are stored, as server-sent events."""

from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.edge.auth import caller_of, credentials_of
from gateway.edge.commands.command import Rate, whole_number
from gateway.edge.commands.website_events import LIST_NOT_FOUND
from gateway.edge.entrance import Entrance
from gateway.edge.problems import counted, respond
from gateway.edge.requests import client_address, headers_of
from gateway.edge.streams import SIGN_OF_LIFE, START, Streams, last_id_of, message
from gateway.errors import Refused, Unauthenticated
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
        messages = self._messages(owned.id, last_id_of(request), partial(self._knows, request))
        response = self._streams.response(messages)
        response.raw_headers += counted(scope)
        await response(scope, receive, send)

    def _knows(self, request: Request) -> bool:
        """Whether its key or session still opens; nothing is counted."""
        parameters = {name.lower(): value for name, value in request.query_params.items()}
        headers = headers_of(request.scope)
        address = client_address(request.scope, headers, self._services.settings.trusted_proxies)
        try:
            caller_of(self._services, credentials_of(parameters, headers), address)
        except Unauthenticated:
            return False
        return True

    async def _messages(
        self, list_id: int, after_id: int | None, may_go_on: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        yield START
        async for events in self._streams.events(
            list_id, after_id=after_id, recent=RECENT, may_go_on=may_go_on
        ):
            for event in events:
                yield message(event.id, msgspec.json.encode(event))
            if not events:
                yield SIGN_OF_LIFE
