"""What an event counts for besides itself: its page, where it came from, with which browser. Pure.

Page views count for their pages and where they came from, all events for their names and browsers.
A site's own pages are no referrers. Where nothing is known, nothing is counted. What a context says
is given as the text it is kept as, and worked out once for all events that share it.
"""

import re
from collections.abc import Iterator
from enum import IntEnum
from urllib.parse import urlsplit

import msgspec

from gateway.events.context import remembered
from gateway.events.event import Properties

VALUE_CHARS_MAX = 300


class Facet(IntEnum):
    """Stored with what was counted."""

    ALL = 0
    HOUR = 1
    EVENT = 2
    PAGE = 3
    REFERRER = 4
    SOURCE = 5
    CAMPAIGN = 6
    BROWSER = 7
    OS = 8
    DEVICE = 9


_OF_BROWSER = (
    (Facet.BROWSER, "$browser"),
    (Facet.OS, "$os"),
    (Facet.DEVICE, "$device_type"),
)
_OF_PAGE = ((Facet.SOURCE, "utm_source"), (Facet.CAMPAIGN, "utm_campaign"))

_PLAIN_URL = re.compile(r"https?://([A-Za-z0-9._:-]+)(/[^?#\s]*|)(?:[?#]|\Z)")
"""What `urlsplit` would find too, in five times as long; counting asks for every page."""

Counted = tuple[tuple[Facet, str], ...]
_decode = msgspec.json.Decoder(Properties).decode


@remembered
def of_browser(context: bytes) -> Counted:
    """What the properties of a browser count for."""
    return tuple(_named(_decode(context), _OF_BROWSER))


@remembered
def of_page(context: bytes) -> Counted:
    """What the properties of a page count for, where it was viewed."""
    said = _decode(context)
    return (*_named(said, _OF_PAGE), *_places(said))


def _named(said: Properties, names: tuple[tuple[Facet, str], ...]) -> Iterator[tuple[Facet, str]]:
    for facet, name in names:
        if value := _text(said.get(name)):
            yield facet, value


def _places(said: Properties) -> Iterator[tuple[Facet, str]]:
    host, path = _place(said)
    if path:
        yield Facet.PAGE, _text(host + path)
    referrer = _text(said.get("$referring_domain"))
    if referrer and _bare(referrer) != _bare(host):
        yield Facet.REFERRER, referrer


def _place(said: Properties) -> tuple[str, str]:
    """The host and the path of the page. `url` is what a page view says of itself, which may be a
    path of its own making."""
    for name in ("url", "$current_url"):
        if found := _split(_text(said.get(name))):
            host, path = found
            return host or _text(said.get("$host")), "/" + path.removeprefix("/")
    return _text(said.get("$host")), _text(said.get("$pathname"))


def _split(url: str) -> tuple[str, str] | None:
    """The host and the path of an address; None where it says neither."""
    if plain := _PLAIN_URL.match(url):
        return plain[1], plain[2]
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an unclosed bracket in the host
        return None
    if not (parts.netloc or parts.path):
        return None
    return parts.netloc.rpartition("@")[2], parts.path


def _bare(host: str) -> str:
    """Without its port, and the same with and without `www`."""
    return host.lower().partition(":")[0].removeprefix("www.")


def _text(value: object) -> str:
    return value.strip()[:VALUE_CHARS_MAX] if isinstance(value, str) else ""
