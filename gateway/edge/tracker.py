"""The tracker script as browsers get it, and the snippet that a site owner pastes.

`static/tracker.js` is read, minified and compressed once at start. The snippet's first half
is a queue, so that calls made before the script arrives are not lost.
"""

import gzip
import hashlib
from html import escape
from pathlib import Path

import brotli
from rjsmin import jsmin
from starlette.types import Receive, Scope, Send

from gateway.edge.problems import RawHeaders, respond
from gateway.edge.requests import headers_of, text
from gateway.settings import Settings

_HERE = Path(__file__).parent.parent
MAX_AGE_S = 3_600


def static_folder(name: str) -> Path:
    """`static` or `sample_site`: inside the installed package, or beside it in a checkout."""
    packed = _HERE / f"_{name}"
    return packed if packed.is_dir() else _HERE.parent / name


def snippet(settings: Settings, user_tracker_id: str, list_tracker_id: str) -> str:
    """What goes before `</head>`."""
    stub = jsmin((static_folder("static") / "stub.js").read_text()).strip()
    beacon = settings.base_url + settings.beacon_path
    usual = settings.beacon_path == "/e" and settings.tracker_path.count("/") == 1
    away = "" if usual else f' data-beacon="{escape(beacon)}"'
    return (
        f"<script>{stub}</script>\n"
        f'<script async src="{escape(settings.base_url + settings.tracker_path)}"'
        f' data-user="{escape(user_tracker_id)}" data-list="{escape(list_tracker_id)}"{away}>'
        "</script>"
    )


class TrackerEndpoint:
    """Serves the bytes made at start, in the encoding the browser prefers."""

    def __init__(self) -> None:
        source = (static_folder("static") / "tracker.js").read_text()
        plain = jsmin(source).strip().encode()
        self._bodies = {
            b"br": brotli.compress(plain, quality=11),
            b"gzip": gzip.compress(plain, 9, mtime=0),
            b"": plain,
        }
        self._etag = b'"%s"' % hashlib.sha256(plain).hexdigest()[:20].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            return await respond(send, 405, headers=[(b"allow", b"GET, HEAD")])
        request = headers_of(scope)
        headers: RawHeaders = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"cache-control", b"public, max-age=%d" % MAX_AGE_S),
            (b"etag", self._etag),
            (b"vary", b"accept-encoding"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"access-control-allow-origin", b"*"),
        ]
        if self._etag in request.get(b"if-none-match", b""):  # among others, or weakened by a proxy
            return await respond(send, 304, headers=headers)
        accepted = _accepted(text(request, b"accept-encoding"))
        encoding = next((name for name in (b"br", b"gzip") if name.decode() in accepted), b"")
        if encoding:
            headers.append((b"content-encoding", encoding))
        return await respond(send, 200, self._bodies[encoding], headers)


def _accepted(header: str) -> list[str]:
    """The encodings a browser reads; one with the weight 0 is one it does not."""
    named = (part.strip().partition(";") for part in header.lower().split(","))
    return [name.strip() for name, _, weight in named if weight.strip(" 0.") != "q="]
