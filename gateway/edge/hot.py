"""Hot doors: the two that nearly all requests go to, served beneath ASGI.

For a request to one of them uvicorn's protocol makes an `Exchange` in place of its cycle: no scope,
no task, no messages, only the body handed to the door once it is whole, and an answer written
when the door gives one. That takes half of what a request costs. All else, and anything unusual
about a request to a hot door (a query string, pipelining, `Expect`), goes through ASGI as ever, to
the same door by `AsgiRequest`.

Browsers and servers say the same head again with every request, but for the length of the body. One
that was parsed, and led here, is remembered by its bytes: the next request that arrives whole
with the same head is cut in two and goes to its door. Equal bytes mean equal things, so nothing is
judged twice, and nothing by two parsers.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.edge.problems import (
    JSON,
    RawHeaders,
    encode,
    envelope,
    headers_for,
    log_refusal,
    request_line,
    respond,
)
from gateway.edge.requests import Headers, headers_of, read_body
from gateway.errors import BodyTooLarge, BodyTooSlow, BodyUnreadable, GatewayError
from gateway.ingest.tally import Tally

Headed = Sequence[tuple[bytes, bytes]]

HEADS_MAX = 1_000
HEAD_BYTES_MAX = 4_096
LENGTH_CHARS_MAX = 8
_LENGTH, _END = b"\r\nContent-Length: ", b"\r\n\r\n"

log = logging.getLogger(__name__)


class Request(Protocol):
    """What a hot door is handed. `scope` has at least `method, path, scheme, client`."""

    scope: Scope
    head: "Head"
    headers: Headers
    body: bytes

    def respond(self, status: int, body: bytes = b"", headers: Headed = ()) -> None:
        """The whole answer; once."""


class HotDoor(Protocol):
    body_bytes_max: int
    body_timeout_s: int
    tally: Tally

    def serve(self, request: Request) -> None:
        """Answer now or later, from the loop's thread. Raises GatewayError for what it refuses."""

    def refuse(self, request: Request, error: GatewayError) -> None:
        """Answer what could not be served."""


def attempt(door: HotDoor, request: Request, step: Any, *arguments: Any) -> None:
    """Run a step of a door; what it raises is the request's answer."""
    try:
        step(*arguments)
    except GatewayError as error:
        log_refusal(request.scope, error, error.status)
        door.refuse(request, error)
    except Exception:
        log.exception("%s -> 500", request_line(request.scope))
        door.refuse(request, GatewayError())


def attempt_later(door: HotDoor, request: Request, step: Coroutine[Any, Any, None]) -> None:
    """The same for a step that has to wait."""

    def ended(task: asyncio.Task[None]) -> None:
        _under_way.discard(task)
        attempt(door, request, task.result)

    task = asyncio.get_running_loop().create_task(step)
    _under_way.add(task)
    task.add_done_callback(ended)


_under_way: set[asyncio.Task[None]] = set()  # the loop itself keeps no hold of its tasks


def respond_json(request: Request, status: int, answer: object, headers: Headed = ()) -> None:
    request.respond(status, encode(answer), [*JSON, *headers])


def respond_problem(request: Request, error: GatewayError, headers: Headed = ()) -> None:
    respond_json(request, error.status, envelope(error), [*headers_for(error), *headers])


class AsgiRequest:
    """A request that came through ASGI after all."""

    def __init__(self, scope: Scope, headers: Headers, body: bytes) -> None:
        self.scope, self.headers, self.body = scope, headers, body
        self.head = Head(headers, scope["path"])
        self._answer: asyncio.Future[tuple[int, bytes, RawHeaders]]
        self._answer = asyncio.get_running_loop().create_future()

    def respond(self, status: int, body: bytes = b"", headers: Headed = ()) -> None:
        if not self._answer.done():  # the client went away
            self._answer.set_result((status, body, list(headers)))

    @classmethod
    async def serve(cls, door: HotDoor, scope: Scope, receive: Receive, send: Send) -> None:
        headers = headers_of(scope)
        request = cls(scope, headers, b"")
        try:
            request.body = await read_body(
                headers, receive, bytes_max=door.body_bytes_max, timeout_s=door.body_timeout_s
            )
        except GatewayError as error:
            log_refusal(scope, error, error.status)
            door.refuse(request, error)
        else:
            attempt(door, request, door.serve, request)
        await respond(send, *await request._answer)


class Exchange:
    """One request to a hot door and its answer, as uvicorn's protocol keeps them: it fills `body`,
    calls `message_event.set()`, and asks for `response_complete`."""

    __slots__ = (
        "_door", "_parts", "_protocol", "_size", "body", "disconnected", "head", "headers",
        "keep_alive", "message_event", "more_body", "response_complete", "scope", "timer",
    )  # fmt: skip

    def __init__(
        self,
        protocol: "HotProtocol",
        door: HotDoor,
        head: "Head",
        keep_alive: bool,
    ) -> None:
        self.body = b""
        self.head = head
        self.headers = head.headers
        self.more_body = True
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.message_event = self
        self.timer: asyncio.TimerHandle | None = None
        self.scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": head.path,
            "client": protocol.client,
            "scheme": protocol.scheme,
        }
        self._protocol = protocol
        self._door = door
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._door.body_bytes_max:
            self.give_up(BodyTooLarge.over(self._door.body_bytes_max))

    def take(self, body: bytes) -> None:
        """The whole body at once."""
        self.more_body = False
        self.body = body
        attempt(self._door, self, self._door.serve, self)

    def led_here(self) -> "tuple[HotDoor, Head] | None":
        """The door, and the head that leads to it again; None where that is unusual."""
        if not self.keep_alive or self.more_body or b"transfer-encoding" in self.headers:
            return None
        self.headers.pop(b"content-length", None)  # the next body's is its own
        return self._door, self.head

    def set(self) -> None:
        """The body is whole, or the client went away."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.response_complete and not self.disconnected:
            self.body = b"".join(self._parts)
            attempt(self._door, self, self._door.serve, self)

    @property
    def body_timeout_s(self) -> float:
        return self._door.body_timeout_s

    def too_slow(self) -> None:
        self.give_up(BodyTooSlow.after(self._door.body_timeout_s))

    def unreadable(self) -> GatewayError | None:
        """Why the body will not be read, as far as the headers say it."""
        if self.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return BodyUnreadable("Send the body without Content-Encoding.")
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._door.body_bytes_max:
            return BodyTooLarge.over(self._door.body_bytes_max)
        return None

    def respond(self, status: int, body: bytes = b"", headers: Headed = ()) -> None:
        if self.disconnected or self.response_complete:
            return
        protocol = self._protocol
        usual = _lines(tuple(protocol.server_state.default_headers))
        if not self.keep_alive:
            usual += b"connection: close\r\n"
        own = _lines(tuple(headers))
        protocol.transport.write(
            b"%b%b%bcontent-length: %d\r\n\r\n%b"
            % (STATUS_LINE[status], usual, own, len(body), body)
        )
        self._door.tally.answered(status)
        self.response_complete = True
        if not self.keep_alive or protocol.flow.write_paused:
            protocol.transport.close()  # or its client does not read what it is answered
        protocol.on_response_complete()

    def give_up(self, error: GatewayError) -> None:
        """Answer before the body has ended: what would follow cannot be told from a request."""
        self.keep_alive = False
        log_refusal(self.scope, error, error.status)
        self._door.refuse(self, error)


@lru_cache(1_000)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """As they stand in an answer. Most answers of a second have the same."""
    return b"".join(b"%b: %b\r\n" % line for line in headers)


@dataclass(slots=True)
class Head:
    """What the head of a request says. `known`: what its door has found in it, and finds again in
    every request that has the same."""

    headers: Headers
    path: str
    known: Any = None


class Parts(NamedTuple):
    """A request that has arrived whole, and alone: its head without the length of its body."""

    head: bytes
    body: bytes


def parts_of(data: bytes) -> Parts | None:
    """None for anything but one whole request with a plain Content-Length."""
    end = data.find(_END, 0, HEAD_BYTES_MAX)
    at = data.find(_LENGTH, 0, end + 2) + len(_LENGTH)  # -1 of both: no digits are found
    stop = data.find(b"\r\n", at, end + 2)
    length = data[at:stop]
    if end < 0 or not length.isdigit() or len(length) > LENGTH_CHARS_MAX:
        return None
    if len(data) != end + len(_END) + int(length):
        return None
    return Parts(data[:at] + data[stop:end], data[end + len(_END) :])


class HotDoors(dict[bytes, HotDoor]):
    """Hot doors by their paths, and the heads that led to one of them, by their bytes."""

    def __init__(self, doors: Mapping[bytes, HotDoor]) -> None:
        super().__init__(doors)
        self._heads: dict[bytes, tuple[HotDoor, Head]] = {}
        self.led_to = self._heads.get

    def remember(self, head: bytes, led_here: tuple[HotDoor, Head]) -> None:
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        self._heads[head] = led_here


NO_DOORS = HotDoors({})


class HotProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a shorter way to the application's `hot_doors`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._doors: HotDoors = getattr(self.app, "hot_doors", None) or NO_DOORS

    def on_message_begin(self) -> None:
        # uvicorn makes the scope here; whether one is needed is known only with the headers.
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        door = self._doors.get(self.url)
        headers = headers_of({"headers": self.headers}) if door else {}
        if door is None or not self._is_usual(headers):
            self._go_by_asgi()
            return
        keep_alive = self.parser.should_keep_alive()
        exchange = Exchange(self, door, Head(headers, self.url.decode("latin-1")), keep_alive)
        self.cycle = cast(Any, exchange)
        refused = exchange.unreadable()
        if refused is not None:
            exchange.give_up(refused)

    def _is_usual(self, headers: Headers) -> bool:
        """A POST of HTTP/1.1 with nothing before it that still waits for its answer."""
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and b"expect" not in headers
            and not parser.should_upgrade()
            and HotProtocol.is_free(self)
        )

    def _go_by_asgi(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        exchange = self._exchange()
        if exchange is None:
            super().on_body(body)
        elif not exchange.response_complete:
            exchange.feed(body)

    def on_message_complete(self) -> None:
        exchange = self._exchange()
        if exchange is None:
            super().on_message_complete()
        else:
            exchange.more_body = False
            exchange.set()

    def data_received(self, data: bytes) -> None:
        before: Any = self.cycle
        super().data_received(data)
        current = self._exchange()
        if current is not None and current is not before and current.more_body:
            current.timer = self.loop.call_later(current.body_timeout_s, current.too_slow)

    def goes_short(self, parts: Parts) -> bool:
        """Whether the request is on its way to its door already, for its head is known."""
        leads = self._doors.led_to(parts.head)
        if leads is None or len(parts.body) > leads[0].body_bytes_max or not self.is_free():
            return False
        self._unset_keepalive_if_required()
        exchange = Exchange(self, *leads, keep_alive=True)
        self.cycle = cast(Any, exchange)
        self.begin()
        exchange.take(parts.body)
        return True

    def is_free(self) -> bool:
        """Whether nothing is in work here."""
        return self.cycle is None or self.cycle.response_complete

    def begin(self) -> None:
        """A request has arrived whole, and is in work from now on."""

    def learn(self, parts: Parts) -> None:
        """What has just been parsed was this, and nothing else."""
        exchange = self._exchange()
        led_here = exchange.led_here() if exchange else None
        if led_here is not None:
            self._doors.remember(parts.head, led_here)

    def on_response_complete(self) -> None:
        if self._exchange() is None or self.pipeline:
            super().on_response_complete()
        else:  # without uvicorn's timer a request: `Connections` has one for all
            self.server_state.total_requests += 1

    def _exchange(self) -> Exchange | None:
        """The request that is being read, if it is a hot door's."""
        cycle: Any = self.cycle
        return cycle if type(cycle) is Exchange else None
