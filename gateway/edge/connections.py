"""Who may hold a connection, and for how long: the HTTP protocol (`hot`), with bounds.

At any moment a connection is either ours to work for, or waits for its client: to send headers, the
rest of a body or another request, or to read an answer. Those that wait stand in one queue, the
longest waiting first, each with an instant at which it is closed; when there are more connections
than may be, the first in the queue makes room. A request that comes when too many are in work is
answered with 503 before its body is read.
"""

import asyncio
import logging
import math
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.edge import health
from gateway.edge.hot import HotProtocol, parts_of
from gateway.edge.problems import JSON, RawHeaders, envelope, headers_for
from gateway.edge.sites import cors_headers
from gateway.errors import GatewayError, HeadersTooLarge, HeadersTooSlow, Overloaded
from gateway.settings import Limits

NOTHING, HEADERS, BODY = range(3)
CLOSE = (b"connection", b"close")
SWEEP_S = 1.0
FIRST_REQUEST_S = 1.0  # how long a server that stops waits for one on a new connection
PIPELINED_MAX = 20
PIECE_BYTES = 4_096
REFUSALS_PER_S = 2_000  # from which on those refused are told to stay away for longer
ALWAYS_ANSWERED = tuple(path.encode() for path in health.PATHS)
ANSWERED: Any = SimpleNamespace(response_complete=True, message_event=asyncio.Event())

log = logging.getLogger(__name__)


class Connections:
    """All connections of one server. uvicorn calls it as a factory for each new one."""

    def __init__(self, limits: Limits, files_max: float = math.inf) -> None:
        self.limits = limits
        self.closing = False  # each answer is now the last of its connection
        self.busy = Overloaded()
        self._refused = 0  # since the last sweep
        self._open_max = min(limits.connections_max, files_max)
        self._waiting: dict[Connection, float] = {}
        self._unfinished: dict[Connection, int] = {}  # bytes held of requests under way
        self._unfinished_bytes = 0
        self._sweeping = False

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> "Connection":
        return Connection(self, config, server_state, app_state, _loop)

    def admit(self, connection: "Connection") -> None:
        """A new one. Where there is no room, the one that has waited longest makes it, for a good
        client waits for moments only; where all are in work, the new one has to go."""
        if len(connection.connections) > self._open_max:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return connection.end(self.refuse())
            oldest.drop()
        self.wait(connection, self.limits.headers_timeout_s)

    def wait(self, connection: "Connection", seconds: float) -> None:
        """It is the client's turn, for so long."""
        self._waiting.pop(connection, None)  # to the end of the queue
        self._waiting[connection] = connection.loop.time() + seconds
        if not self._sweeping:
            self._sweeping = True
            connection.loop.call_later(SWEEP_S, self._sweep, connection.loop)

    def work(self, connection: "Connection") -> None:
        """It is our turn."""
        self._waiting.pop(connection, None)

    def is_busy(self, connection: "Connection") -> bool:
        """Whether as many requests are in work as may be."""
        return len(connection.connections) - len(self._waiting) >= self.limits.requests_max

    def refuse(self) -> Overloaded:
        """One more; what to tell it. The more there are, the longer they are told to stay away and
        not listened to: refusing must leave time for those that are served."""
        self._refused += 1
        return self.busy

    def hold(self, connection: "Connection", count: int) -> int:
        """So many more bytes of an unfinished request; answers how many of this one. When they are
        too many altogether, the oldest goes."""
        held = self._unfinished.get(connection, 0) + count
        self._unfinished[connection] = held
        self._unfinished_bytes += count
        while self._unfinished_bytes > self.limits.unfinished_bytes_max:
            next(iter(self._unfinished)).drop()
        return held

    def release(self, connection: "Connection") -> None:
        if self._unfinished:
            self._unfinished_bytes -= self._unfinished.pop(connection, 0)

    def forget(self, connection: "Connection") -> None:
        self.work(connection)
        self.release(connection)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what has waited too long: one timer for all, so that a request costs none."""
        for connection in [each for each, until in self._waiting.items() if until < loop.time()]:
            connection.expire()
        if self._refused:
            log.warning("busy: %d requests were answered with 503", self._refused)
        self.busy.retry_after_s = 1 + self._refused // REFUSALS_PER_S
        self._refused = 0
        self._sweeping = bool(self._waiting)
        if self._sweeping:
            loop.call_later(SWEEP_S, self._sweep, loop)


class Connection(HotProtocol):
    """One connection. What arrives whole, as most requests do, costs a few assignments here."""

    def __init__(
        self,
        all_of_them: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._all = all_of_them
        self._limits = all_of_them.limits
        self._part = NOTHING  # what of a request has begun to arrive and is not complete
        self._timed = NOTHING  # the part that the client's time is running for

    def expire(self) -> None:
        """The client's time is up."""
        if self._part == HEADERS:
            seconds = self._limits.headers_timeout_s
            self.end(HeadersTooSlow(f"The headers did not arrive within {seconds} seconds."))
        else:
            self.drop()

    def end(self, error: GatewayError) -> None:
        """Say what is wrong, unless another answer is under way, and close."""
        if self._is_answered:
            self.transport.write(_whole_answer(error, [CLOSE]))
        self.drop()

    def drop(self) -> None:
        """Close, without waiting for a client that does not read."""
        self._all.forget(self)
        if self.flow.write_paused or self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    # What uvicorn calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn
        super().connection_made(transport)
        self._all.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        parts = parts_of(data)
        if parts is None:
            self._read(data)
        elif not self.goes_short(parts):
            before = self.cycle
            self._read(data)
            if self.cycle is not before and not self._part:
                self.learn(parts)

    def is_free(self) -> bool:
        """As below; and one more may be in work, and its answer need not be the last here."""
        connections = self._all
        return (
            super().is_free()
            and not self._part
            and not self.flow.write_paused
            and not connections.closing
            and not connections.is_busy(self)
            and not self.transport.is_closing()
        )

    def begin(self) -> None:
        self._all.work(self)

    def _read(self, data: bytes) -> None:
        # Headers in pieces: a whole read of them can be ten thousand, each a call of the parser's.
        while len(data) > PIECE_BYTES and self._part != BODY:
            self._take(data[:PIECE_BYTES])
            data = data[PIECE_BYTES:]
        self._take(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if len(self.pipeline) >= PIPELINED_MAX:
            raise ValueError("too many requests without waiting for an answer")
        self._part = HEADERS

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._limits.headers_max:
            raise HeadersTooLarge
        self._part = BODY
        if self._all.is_busy(self) and self._is_answered and self.url not in ALWAYS_ANSWERED:
            return self._refuse()
        super().on_headers_complete()
        if self._all.closing:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = self._timed = NOTHING
        self._all.release(self)
        if not self._is_answered and not self.flow.write_paused:
            self._all.work(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answered:
            self._timed = NOTHING
            self._all.wait(self, self._limits.idle_timeout_s)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._all.wait(self, self._limits.idle_timeout_s)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._is_answered and not self._part:
            self._all.work(self)

    def send_400_response(self, msg: str) -> None:
        """Something was raised above, or llhttp cannot read what came."""
        if self._part == HEADERS and len(self.headers) > self._limits.headers_max:
            self.end(_too_large(self._limits))
        else:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        """The server stops. What has begun to arrive is answered, what was never asked anything
        has a moment to be: its client was told that it is connected."""
        self._all.closing = True
        if self.cycle is None and not self._part:
            self.loop.call_later(FIRST_REQUEST_S, self._leave_if_silent)
        elif not self._part:
            super().shutdown()

    def _leave_if_silent(self) -> None:
        if self.cycle is None and not self._part:
            self.drop()

    def _take(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._part and not self.transport.is_closing():
            self._await_more(len(data))

    @property
    def _is_answered(self) -> bool:
        """Whether nothing is in work here."""
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self) -> None:
        """Answer 503 by hand, which costs next to nothing, and do not listen until Retry-After is
        over. Pages may read the answer, to know when to come again."""
        busy = self._all.refuse()
        origin = next((value for name, value in self.headers if name == b"origin"), b"")
        keeps = self.parser.should_keep_alive() and not self._all.closing
        cors = cors_headers(origin.decode("latin-1"))
        self.transport.write(_whole_answer(busy, [*cors, *([] if keeps else [CLOSE])]))
        self.cycle = self.cycle or ANSWERED
        self._all.wait(self, self._limits.idle_timeout_s)
        if keeps:
            self.flow.pause_reading()
            self.loop.call_later(busy.retry_after_s, self._listen_again)
        else:
            self.transport.close()

    def _listen_again(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _await_more(self, count: int) -> None:
        """A part of a request has come, of `count` bytes."""
        if self._timed != self._part:
            self._timed = self._part
            if self._is_answered:
                self._all.wait(self, self._limits.headers_timeout_s)
            elif self._part == BODY and not self.pipeline:
                self._all.wait(self, math.inf)  # the door that reads it has a limit of its own
        held = self._all.hold(self, count)
        limits = self._limits
        if self._part == HEADERS:
            if held > limits.headers_bytes_max or len(self.headers) > limits.headers_max:
                self.end(_too_large(limits))
        elif held > limits.headers_bytes_max + 2 * limits.body_server_bytes_max:
            self.drop()  # long after its door has answered that it is too large


def _too_large(limits: Limits) -> HeadersTooLarge:
    most = f"{limits.headers_max} headers and {limits.headers_bytes_max} bytes"
    return HeadersTooLarge(f"The headers are too many or too long: send at most {most}.")


def _whole_answer(error: GatewayError, more: RawHeaders) -> bytes:
    body = msgspec.json.encode(envelope(error))
    headers = [*JSON, (b"content-length", b"%d" % len(body)), *headers_for(error), *more]
    lines = [b"HTTP/1.1 %d %s" % (error.status, HTTPStatus(error.status).phrase.encode())]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", body])
