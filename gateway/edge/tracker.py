"""The snippet that a site owner pastes, and the endpoint of the scripts it names.

A path with a version in it is immutable and stays answered for ever: what was served once is kept
in the database. The path without one is always the current tracker, and short-lived.
"""

import functools
import gzip
from html import escape

from starlette.types import Receive, Scope, Send

from gateway.edge.problems import RawHeaders, respond
from gateway.edge.requests import headers_of, text
from gateway.edge.scripts import (
    NAMES,
    bodies,
    compressed,
    integrity,
    minified,
    path_of,
    requested,
    version,
)
from gateway.records import scripts
from gateway.services import Services
from gateway.settings import Settings

MAX_AGE_S = 3_600
FOR_EVER_S = 31_536_000


def snippet(
    settings: Settings,
    user_tracker_id: str,
    list_tracker_id: str,
    *,
    privacy: str = "ignore",
    nonce: str = "",
    consent: bool = False,
) -> str:
    """What goes before `</head>`. `nonce`: for sites whose Content-Security-Policy wants one;
    `consent`: nothing is kept or sent before the visitor's."""
    stub = minified("stub.js").decode()
    source = settings.base_url + path_of(settings.tracker_path, version())
    beacon = settings.base_url + settings.beacon_path
    usual = settings.beacon_path == "/e" and settings.tracker_path.count("/") == 1
    attributes = {
        "nonce": nonce,
        "src": source,
        "integrity": integrity(),
        "crossorigin": "anonymous",
        "data-user": user_tracker_id,
        "data-list": list_tracker_id,
        "data-beacon": "" if usual else beacon,
        "data-privacy": "" if privacy == "ignore" else privacy,
        "data-consent": "required" if consent else "",
    }
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items() if value)
    allowed = f' nonce="{escape(nonce)}"' if nonce else ""
    return f"<script{allowed}>{stub}</script>\n<script async{written}></script>"


class TrackerEndpoint:
    """Serves the bytes made at start, in the encoding the browser prefers."""

    def __init__(self, services: Services) -> None:
        self._reader = services.reader
        current = version()
        self._known = bodies() | {"": bodies()[current], "more": bodies()[f"{current}.more"]}
        self._brotli = {minified(name): compressed(name) for name in NAMES}
        for body in self._known.values():
            _gzipped(body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            return await respond(send, 405, headers=[(b"allow", b"GET, HEAD")])
        asked = requested(scope)
        body = self._known.get(asked) or self._reader.look_up(scripts.find, asked)
        if body is None:
            return await respond(send, 404)
        immutable = asked not in ("", "more")
        age_s = FOR_EVER_S if immutable else MAX_AGE_S
        etag = b'"%s"' % (asked if immutable else f"{version()}.{asked}").encode()
        request = headers_of(scope)
        headers: RawHeaders = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"cache-control", b"public, max-age=%d" % age_s + b", immutable" * immutable),
            (b"etag", etag),
            (b"vary", b"accept-encoding"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"access-control-allow-origin", b"*"),
        ]
        if etag in request.get(b"if-none-match", b""):  # among others, or weakened by a proxy
            return await respond(send, 304, headers=headers)
        accepted = _accepted(text(request, b"accept-encoding"))
        if "br" in accepted and body in self._brotli:  # those of old are rarely asked for
            headers.append((b"content-encoding", b"br"))
            body = self._brotli[body]
        elif "gzip" in accepted:
            headers.append((b"content-encoding", b"gzip"))
            body = _gzipped(body)
        return await respond(send, 200, body, headers)


@functools.lru_cache(16)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


def _accepted(header: str) -> list[str]:
    """The encodings a browser reads; one with the weight 0 is one it does not."""
    named = (part.strip().partition(";") for part in header.lower().split(","))
    return [name.strip() for name, _, weight in named if weight.strip(" 0.") != "q="]
