"""A request as bytes on a socket: client libraries refuse what has to be sent here."""

import http.client
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
    method: bytes
    target: bytes
    headers: Headers = ()
    body: bytes = b""

    @property
    def head(self) -> bytes:
        own = [] if any(name == b"host" for name, _ in self.headers) else [(b"host", b"localhost")]
        if self.method != b"GET":
            own.append((b"content-length", b"%d" % len(self.body)))
        lines = [name + b": " + value for name, value in [*own, *self.headers]]
        first = self.method + b" " + self.target + b" HTTP/1.1"
        return b"\r\n".join([first, *lines, b"connection: close", b"", b""])


def ask(port: int, request: Request) -> httpx.Response | None:
    """The answer; None for what was no HTTP to the server."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as connection:
        connection.sendall(request.head + request.body)
        answer = http.client.HTTPResponse(connection, method=request.method.decode())
        answer.begin()
        body = answer.read()
    if body == REFUSED_BY_THE_SERVER:
        return None
    path = request.target.partition(b"?")[0].decode("latin-1")
    return httpx.Response(
        answer.status,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in answer.getheaders()],
        content=body,
        request=httpx.Request(request.method.decode(), "http://localhost" + path),
    )
