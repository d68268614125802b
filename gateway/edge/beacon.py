"""`POST /e`: what the tracker sends. JSON as text/plain, so browsers need no preflight.

A 4xx says that no event could be read at all; otherwise each event has its own result.
"""

from starlette.types import Receive, Scope, Send

from gateway.edge.doors import BrowserDoor
from gateway.edge.problems import envelope, headers_for, log_refusal, respond, respond_json
from gateway.edge.requests import headers_of, read_body, text
from gateway.edge.sites import PREFLIGHT, cors_headers
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
        if scope["method"] != "POST":
            return await respond(send, 405, headers=[(b"allow", b"POST, OPTIONS")])
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
                send, error.status, envelope(error), headers_for(error) + cors
            )
        return await respond_json(send, 200, answer, cors + ([cookie] if cookie else []))
