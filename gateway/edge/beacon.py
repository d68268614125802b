"""`POST /e`: what the tracker sends. JSON as text/plain, so browsers need no preflight.

A 4xx says that no event could be read at all; otherwise each event has its own result.
`GET /e?b=…`, for an image: the same body in the address, where a page on its way out could send
nothing else. Addresses end up in logs, so nobody is identified by it.
"""

from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from gateway.edge.doors import BrowserDoor
from gateway.edge.pixel import GIF, GIF_HEADERS
from gateway.edge.problems import envelope, headers_for, log_refusal, respond, respond_json
from gateway.edge.requests import Headers, headers_of, read_body, text
from gateway.edge.sites import EXPOSED, PREFLIGHT, cors_headers, origin_of_page
from gateway.errors import GatewayError
from gateway.events import parse
from gateway.events.vocabulary import Door
from gateway.services import Services


class BeaconEndpoint:
    """Plain ASGI, for this is the hot path."""

    def __init__(self, services: Services, door: BrowserDoor) -> None:
        self._limits = services.settings.limits
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        origin = text(headers, b"origin")
        cors = cors_headers(origin)
        if scope["method"] == "OPTIONS":
            return await respond(send, 204, headers=cors + PREFLIGHT)
        if scope["method"] == "GET":
            return await self._image(scope, headers, send)
        if scope["method"] != "POST":
            return await respond(send, 405, headers=[(b"allow", b"GET, POST, OPTIONS")])
        try:
            body = await read_body(
                headers,
                receive,
                bytes_max=self._limits.body_browser_bytes_max,
                timeout_s=self._limits.body_timeout_s,
            )
            beacon = parse.beacon(parse.decode(body), self._limits)
            answer, cookie = await self._door.take(beacon, scope, headers, origin, Door.TRACKER)
        except GatewayError as error:
            # Answered here and not by the middleware: the page may read why only with CORS.
            log_refusal(scope, error, error.status)
            return await respond_json(
                send, error.status, envelope(error), [*headers_for(error), *cors, EXPOSED]
            )
        return await respond_json(send, 200, answer, cors + ([cookie] if cookie else []))

    async def _image(self, scope: Scope, headers: Headers, send: Send) -> None:
        cookie = None
        try:
            beacon = parse.beacon(_from_query(scope["query_string"]), self._limits)
            origin = origin_of_page(headers)
            _, cookie = await self._door.take(beacon, scope, headers, origin, Door.TRACKER)
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
