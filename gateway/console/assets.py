"""The stylesheet and the script of the console: all files in `static/console`, joined in the order
of their names, and named by their content, so that browsers may keep them for ever.
"""

import functools
import hashlib

from starlette.requests import Request
from starlette.responses import Response

from gateway.console.visit import ROOT
from gateway.edge.scripts import static_folder

TYPES = {"css": "text/css", "js": "text/javascript"}
HASH_CHARS = 16


def style_path() -> str:
    return _path("css")


def script_path() -> str:
    return _path("js")


async def serve(request: Request) -> Response:
    """`/console/static/console.<hash>.css`; what had another content once is gone."""
    suffix = request.path_params["suffix"]
    if suffix not in TYPES or request.url.path != _path(suffix):
        return Response(status_code=404)
    return Response(
        _body(suffix),
        media_type=TYPES[suffix],
        headers={
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
        },
    )


@functools.cache
def _body(suffix: str) -> bytes:
    files = sorted((static_folder("static") / "console").glob(f"*.{suffix}"))
    return b"\n".join(file.read_bytes() for file in files)


@functools.cache
def _path(suffix: str) -> str:
    digest = hashlib.sha256(_body(suffix)).hexdigest()[:HASH_CHARS]
    return f"{ROOT}/static/console.{digest}.{suffix}"
