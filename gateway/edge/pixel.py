"""`GET /p.gif?list=…&event=…`: one event from a page without script.

Always the same 43-byte GIF; how the event ended stands in `X-Gateway-Result`. The page is known
from the Referer. Every parameter but `list`, `user`, `event` and `id` is a property; an address
is not read here, for URLs end up in logs.
"""

from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from gateway.edge.doors import BrowserDoor
from gateway.edge.problems import log_refusal, respond
from gateway.edge.requests import Headers, headers_of, text
from gateway.edge.sites import origin_of_page
from gateway.errors import GatewayError, InvalidEvent, Problem
from gateway.events import parse
from gateway.events.event import Beacon
from gateway.events.vocabulary import Door
from gateway.services import Services

GIF_HEADERS = [
    (b"content-type", b"image/gif"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"cross-origin"),  # for pages that embed nothing without it
]
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class PixelEndpoint:
    def __init__(self, services: Services, door: BrowserDoor) -> None:
        self._limits = services.settings.limits
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            return await respond(send, 405, headers=[(b"allow", b"GET")])
        headers = headers_of(scope)
        cookie = None
        try:
            beacon = self._beacon(scope, headers)
            origin = origin_of_page(headers)
            client = self._door.client(scope, headers, origin)
            taken = await self._door.taken(beacon, scope, headers, client, Door.PIXEL)
            [event], cookie = taken.answer.results, taken.cookie
            result = f"{event.result}; {event.reason}" if event.reason else event.result
        except GatewayError as error:
            log_refusal(scope, error, 200)
            word = "retry" if error.status in (429, 500, 503) else "rejected"
            result = f"{word}; {error}"
        await respond(
            send,
            200,
            GIF,
            [
                *GIF_HEADERS,
                (b"x-gateway-result", _header_safe(result)),
                *([cookie] if cookie else []),
            ],
        )

    def _beacon(self, scope: Scope, headers: Headers) -> Beacon:
        try:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=200)
        except ValueError as error:
            raise InvalidEvent(Problem(1004, "Too many parameters: send fewer.")) from error
        given: dict[str, Any] = dict(pairs)
        envelope = {name: given.pop(name, None) for name in ("list", "user")}
        event = {"event": given.pop("event", "page_view"), "id": given.pop("id", None)}
        context = {"$current_url": text(headers, b"referer")[: self._limits.url_chars_max] or None}
        return parse.beacon(
            {**envelope, "context": context, "events": [{**event, "properties": given}]},
            self._limits,
        )


def _header_safe(value: str) -> bytes:
    """Messages quote names that anybody may have written, control characters and all."""
    plain = (char if char.isascii() and char.isprintable() else "?" for char in value[:500])
    return "".join(plain).encode()
