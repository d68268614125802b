"""`GET /openapi.json`: the document's bytes, made when somebody asks first, for it takes a fifth of
a second and 2 MB that most servers never need. Public: there is no secret in it.
"""

import asyncio
import hashlib

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.edge.openapi.document import document
from gateway.edge.problems import JSON, respond
from gateway.edge.requests import headers_of
from gateway.settings import Settings


class OpenApiEndpoint:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._body = self._etag = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._body:
            self._body = await asyncio.to_thread(
                lambda: msgspec.json.encode(document(self._settings))
            )
            self._etag = b'"%s"' % hashlib.sha256(self._body).hexdigest()[:16].encode()
        headers = [
            (b"cache-control", b"public, no-cache"),  # kept, and asked for again by its tag
            (b"etag", self._etag),
            (b"access-control-allow-origin", b"*"),
        ]
        if self._etag in headers_of(scope).get(b"if-none-match", b""):
            return await respond(send, 304, headers=headers)
        return await respond(send, 200, self._body, [*JSON, *headers])
