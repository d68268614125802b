"""`POST /e`: what the tracker sends. JSON as text/plain, so browsers need no preflight.

A 4xx says that no event could be read at all; otherwise each event has its own result.
`GET /e?b=…`, for an image: the same body in the address, where a page on its way out could send
nothing else. Addresses end up in logs, so nobody is identified by it.
"""

from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from gateway.edge.client import Client
from gateway.edge.doors import BrowserDoor, Taken
from gateway.edge.hot import AsgiRequest, Request, attempt, respond_json, respond_problem
from gateway.edge.pixel import GIF, GIF_HEADERS
from gateway.edge.problems import RawHeaders, log_refusal, respond
from gateway.edge.requests import Headers, headers_of, text
from gateway.edge.sites import EXPOSED, PREFLIGHT, cors_headers, origin_of_page
from gateway.errors import GatewayError
from gateway.events import parse
from gateway.events.vocabulary import Door
from gateway.services import Services


class _Page(NamedTuple):
    """Who asks, and which page may read the answer."""

    client: Client
    cors: RawHeaders


class BeaconEndpoint:
    """A hot door for POST, plain ASGI for the rest."""

    def __init__(self, services: Services, door: BrowserDoor) -> None:
        self._limits = services.settings.limits
        self.tally = services.tally
        self._door = door
        self._read = parse.BeaconReader(self._limits).read
        self.body_bytes_max = self._limits.body_browser_bytes_max
        self.body_timeout_s = self._limits.body_timeout_s

    def serve(self, request: Request) -> None:
        beacon = self._read(request.body)
        page: _Page = request.head.known or self._look(request)
        answer = partial(attempt, self, request, self._answer, request, page.cors)
        self._door.take(beacon, request.scope, request.headers, page.client, Door.TRACKER, answer)

    def refuse(self, request: Request, error: GatewayError) -> None:
        """The page may read why only with CORS."""
        cors = cors_headers(text(request.headers, b"origin"))
        respond_problem(request, error, [*cors, EXPOSED])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            return await AsgiRequest.serve(self, scope, receive, send)
        headers = headers_of(scope)
        if scope["method"] == "GET":
            return await self._image(scope, headers, send)
        if scope["method"] != "OPTIONS":
            return await respond(send, 405, headers=[(b"allow", b"GET, POST, OPTIONS")])
        return await respond(send, 204, headers=cors_headers(text(headers, b"origin")) + PREFLIGHT)

    def _look(self, request: Request) -> _Page:
        """At the head. It is not looked at again, unless a proxy says in it how each came."""
        origin = text(request.headers, b"origin")
        client = self._door.client(request.scope, request.headers, origin)
        page = _Page(client, cors_headers(origin))
        if b"x-forwarded-proto" not in request.headers:
            request.head.known = page
        return page

    def _answer(self, request: Request, cors: RawHeaders, taken: Taken | Exception) -> None:
        if isinstance(taken, Exception):
            raise taken
        respond_json(request, 200, taken.answer, [*cors, taken.cookie] if taken.cookie else cors)

    async def _image(self, scope: Scope, headers: Headers, send: Send) -> None:
        cookie = None
        try:
            beacon = parse.beacon(_from_query(scope["query_string"]), self._limits)
            origin = origin_of_page(headers)
            client = self._door.client(scope, headers, origin)
            taken = await self._door.taken(beacon, scope, headers, client, Door.TRACKER)
            cookie = taken.cookie
        except GatewayError as error:
            log_refusal(scope, error, 200)
        await respond(send, 200, GIF, [*GIF_HEADERS, *([cookie] if cookie else [])])


def _from_query(query: bytes) -> Any:
    """The beacon in `b`, without anybody's address. Raises NotJson."""
    body = parse_qs(query.decode("latin-1")).get("b", [""])[-1]
    raw = parse.decode(body.encode())
    events = raw.get("events") if isinstance(raw, dict) else None
    for event in events if isinstance(events, list) else [raw]:
        if isinstance(event, dict):
            event.pop("email", None)
            event.pop("identifyProperties", None)
    return raw
