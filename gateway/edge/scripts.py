"""The tracker as browsers get it: minified and named by its content.

Two files: what every page needs, and what some ask for. Both go by one version, and the snippet's
`integrity` has the hashes of both, so that the first can hand it on to the second.
"""

import base64
import functools
import hashlib
from pathlib import Path
from pkgutil import resolve_name

from starlette.types import Scope

_HERE = Path(__file__).parent.parent
_MADE = _HERE / "_scripts"  # in an installed package, made when it was built
_MAKER = "gateway.minifying"  # in a checkout; it wants libraries that a gateway does not
VERSION_CHARS = 16
NAMES = ("tracker.js", "tracker-more.js")


def static_folder(name: str) -> Path:
    """`static` or `sample_site`: inside the installed package, or beside it in a checkout."""
    packed = _HERE / f"_{name}"
    return packed if packed.is_dir() else _HERE.parent / name


@functools.cache
def minified(name: str) -> bytes:
    """A script of ours without comments, its local names shortened."""
    made = _MADE / name
    if made.is_file():
        return made.read_bytes()
    source = (static_folder("static") / name).read_bytes()
    return bytes(resolve_name(f"{_MAKER}:minified")(source))


@functools.cache
def compressed(name: str) -> bytes:
    """The same as brotli."""
    made = _MADE / f"{name}.br"
    return (
        made.read_bytes()
        if made.is_file()
        else resolve_name(f"{_MAKER}:compressed")(minified(name))
    )


@functools.cache
def bodies() -> dict[str, bytes]:
    """The two files by the version part of their paths: `<hash>` and `<hash>.more`."""
    core, more = map(minified, NAMES)
    digest = hashlib.sha256(core + more).hexdigest()[:VERSION_CHARS]
    return {digest: core, f"{digest}.more": more}


def version() -> str:
    """What the current tracker is called in its path."""
    return next(iter(bodies()))


def integrity() -> str:
    """For the snippet: a browser takes a script that has any of these hashes."""
    digests = (hashlib.sha256(body).digest() for body in bodies().values())
    return " ".join(f"sha256-{base64.b64encode(digest).decode()}" for digest in digests)


def stem_of(tracker_path: str) -> str:
    return tracker_path.removesuffix(".js")


def path_of(tracker_path: str, named: str) -> str:
    return f"{stem_of(tracker_path)}.{named}.js"


def requested(scope: Scope) -> str:
    """The version part of a request's path; empty for the tracker that is current."""
    return str(scope["path_params"].get("version", ""))
