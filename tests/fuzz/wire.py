"""Requests as bytes on a socket: client libraries refuse what has to be sent here."""

import http.client
import io
import itertools
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

WAIT_S = 120  # a busy machine is no fault
Headers = Sequence[tuple[bytes, bytes]]

REFUSED_BY_THE_SERVER = b"Invalid HTTP request received."
"""What uvicorn says of bytes that are no HTTP: the gateway never sees them."""


@dataclass(frozen=True)
class Request:
    """`chunks`: the body is sent in so many, without a length told beforehand."""

    method: bytes
    target: bytes
    headers: Headers = ()
    body: bytes = b""
    chunks: int = 0

    def written(self, *, close: bool) -> bytes:
        own = [] if any(name == b"host" for name, _ in self.headers) else [(b"host", b"localhost")]
        own += [(b"connection", b"close")] * close
        if self.chunks:
            own.append((b"transfer-encoding", b"chunked"))
        elif self.method != b"GET":
            own.append((b"content-length", b"%d" % len(self.body)))
        lines = [name + b": " + value for name, value in [*own, *self.headers]]
        head = [self.method + b" " + self.target + b" HTTP/1.1", *lines, b"", b""]
        return b"\r\n".join(head) + (self._chunked() if self.chunks else self.body)

    def _chunked(self) -> bytes:
        size = len(self.body) // self.chunks + 1
        parts = [self.body[at : at + size] for at in range(0, len(self.body), size)]
        return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


def ask(port: int, request: Request) -> httpx.Response | None:
    """The answer; None for what was no HTTP to the server."""
    [answer] = ask_in_a_row(port, [request])
    return None if answer.content == REFUSED_BY_THE_SERVER else answer


def ask_in_a_row(
    port: int, requests: Sequence[Request], cuts: Sequence[int] = ()
) -> list[httpx.Response]:
    """The answers to requests on one connection, the next sent before the one before is answered;
    in pieces, cut behind these bytes."""
    last = len(requests) - 1
    sent = b"".join(each.written(close=at == last) for at, each in enumerate(requests))
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in itertools.pairwise(edges):
            connection.sendall(sent[begin:end])
        with connection.makefile("rb") as stream:
            return [_read(_Kept(stream), each) for each in requests]


class _Kept:
    """A stream that a reader of one answer leaves open for the next."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> "_Kept":
        return self

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Not yet."""


def _read(stream: _Kept, request: Request) -> httpx.Response:
    answer = http.client.HTTPResponse(stream, method=request.method.decode())  # type: ignore[arg-type]  # duck
    answer.begin()
    path = request.target.partition(b"?")[0].decode("latin-1")
    return httpx.Response(
        answer.status,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in answer.getheaders()],
        content=answer.read(),
        request=httpx.Request(request.method.decode(), "http://localhost" + path),
    )
