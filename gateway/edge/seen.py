"""`GET /api/v1/request.seen`: how a request arrives here, and with which settings, for
`gateway doctor`.

Only through the proxies themselves can be told whether they hand on what they should. Answered to
who has the signing secret, by a token that is good for a minute; there is nothing else it opens.
"""

import sys

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.edge.auth import bearer
from gateway.edge.problems import PRIVATE, respond, respond_json
from gateway.edge.requests import client_address, headers_of, is_https, text
from gateway.errors import Unauthenticated
from gateway.services import Services
from gateway.settings import shown

if sys.platform != "win32":
    import resource

SEEN_PATH = "/api/v1/request.seen"
NOBODYS_ADDRESS = "192.0.2.1"  # kept for documentation: no request comes from there


class Seen(msgspec.Struct, kw_only=True):
    """One request as the gateway sees it. `peer` opened the connection, and is `trusted` when its
    word on where a request came from counts; it gave one when `forwarded`."""

    address: str
    peer: str
    trusted: bool
    forwarded: bool
    https: bool
    host: str
    open_files_max: int | None
    settings: dict[str, str]


class SeenEndpoint:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            return await respond(send, 405, headers=[(b"allow", b"GET")])
        headers = headers_of(scope)
        if not self._services.signing.is_doctor_token(bearer(headers)):
            raise Unauthenticated()
        proxies = self._services.settings.trusted_proxies
        claim = {b"x-forwarded-for": NOBODYS_ADDRESS.encode()}
        seen = Seen(
            address=client_address(scope, headers, proxies),
            peer=client_address(scope, {}, proxies),
            trusted=client_address(scope, claim, proxies) == NOBODYS_ADDRESS,
            forwarded=b"x-forwarded-for" in headers,
            https=is_https(scope, headers, proxies),
            host=text(headers, b"host"),
            open_files_max=open_files_max(),
            settings=shown(self._services.settings),
        )
        return await respond_json(send, 200, seen, PRIVATE)


def open_files_max() -> int | None:
    """How many files, connections included, this process may have open; None where nobody says."""
    if sys.platform == "win32":
        return None
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
