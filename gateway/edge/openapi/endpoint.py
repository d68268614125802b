"""`GET /openapi.json`: the document's bytes, made once. Public: there is no secret in it."""

import hashlib

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.edge.openapi.document import document
from gateway.edge.problems import JSON, respond
from gateway.edge.requests import headers_of
from gateway.settings import Settings


class OpenApiEndpoint:
    def __init__(self, settings: Settings) -> None:
        self._body = msgspec.json.encode(document(settings))
        self._etag = b'"%s"' % hashlib.sha256(self._body).hexdigest()[:16].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"cache-control", b"public, no-cache"),  # kept, and asked for again by its tag
            (b"etag", self._etag),
            (b"access-control-allow-origin", b"*"),
        ]
        if self._etag in headers_of(scope).get(b"if-none-match", b""):
            return await respond(send, 304, headers=headers)
        return await respond(send, 200, self._body, [*JSON, *headers])
