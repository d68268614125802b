"""Which site a browser's request comes from, and what follows: whether its cookie is believed,
what the answer's CORS headers say, and how the visitor cookie is set.

The cookie is believed, and set, only for the gateway's own site and the list's allowed origins.
Any other page that carries the snippet gets an answer it may read, but one that depends on
nothing but what the page itself sent, so there is nothing in it to steal.
"""

import re
from collections.abc import Collection
from enum import Enum
from functools import cache, lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from publicsuffixlist import PublicSuffixList

from gateway.edge.problems import RawHeaders
from gateway.edge.requests import Headers, text

COOKIE = "octethUUID"
COOKIE_AGE_S = 400 * 86_400
URL_CHARS_MAX = 300  # of an origin or host; longer ones are nobody's, and would fill the caches


class Site(msgspec.Struct, frozen=True):
    """Where a beacon comes from, seen from the gateway. `domain`: what the cookie is set on, empty
    for the gateway's host alone."""

    origin: str
    same_site: bool
    https: bool
    domain: str

    def trusts_cookies(self, allowed_origins: Collection[str]) -> bool:
        return self.same_site or self.origin in allowed_origins


@cache
def suffixes() -> PublicSuffixList:
    """Under which names anybody may have one. Reading them takes 70 ms, so it is done once the
    gateway answers."""
    return PublicSuffixList()


def site_of(origin: str, host: str, *, https: bool) -> Site:
    """`origin` is what the browser says sent the request; empty for what is no browser's page."""
    host = host.lower()
    return Site(
        origin=origin,
        same_site=not origin or _is_same_site(origin, host),
        https=https,
        domain=_cookie_domain(host),
    )


def origin_of_page(headers: Headers) -> str:
    """Of what is asked for as an image: by its Referer; empty when the browser hides it."""
    try:
        parts = urlsplit(text(headers, b"referer"))
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def cors_headers(origin: str) -> RawHeaders:
    """The same list for the same origin: not to be changed."""
    if len(origin) > URL_CHARS_MAX:  # nobody's
        return []
    return _cors_headers(origin)


@lru_cache(10_000)
def _cors_headers(origin: str) -> RawHeaders:
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
    ]


EXPOSED = (
    b"access-control-expose-headers",
    b"retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset",
)
"""What a page may read of a refusal. Other answers have none of it, so they do not say so."""

PREFLIGHT: RawHeaders = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
]


def visitor_cookies(headers: Headers) -> list[str]:
    """Every token named `octethUUID` in the request: one of another domain may shadow ours."""
    pairs = (pair.strip().partition("=") for pair in text(headers, b"cookie").split(";"))
    return [value for name, _, value in pairs if name == COOKIE]


def set_cookie(site: Site, token: str) -> tuple[bytes, bytes]:
    """Rolling 400 days. Readable by the page's script where the page is on the same site."""
    parts = [f"{COOKIE}={token}", "Path=/", f"Max-Age={COOKIE_AGE_S}"]
    if site.same_site:
        parts += [f"Domain={site.domain}"] * bool(site.domain) + ["SameSite=Lax"]
        parts += ["Secure"] * site.https
    else:
        parts += ["SameSite=None", "Secure", "Partitioned"]
    return b"set-cookie", "; ".join(parts).encode("latin-1")


class Reach(Enum):
    """How a visitor is known again on pages of an origin."""

    SAME_SITE = "the gateway's own cookie, for all of the site"
    PARTITIONED = "a cookie of this site's own within the gateway's (partitioned)"
    PAGE = "the page's own cookie and storage only"
    BLOCKED = "browsers send no events from https pages to an http gateway"
    NOWHERE = "the snippet points to this machine, which its visitors cannot reach"


def reach(base_url: str, origin: str) -> Reach:
    """What browsers make of the visitor cookie of a gateway there, on pages here.

    They count http and https as two sites, and take a cookie for another site only over https.
    """
    gateway, page = urlsplit(base_url), urlsplit(origin)
    local = is_this_machine(gateway.hostname or "")
    safe = local or gateway.scheme == "https"
    if local and not is_this_machine(page.hostname or ""):
        return Reach.NOWHERE
    if page.scheme == "https" and not safe:
        return Reach.BLOCKED
    if gateway.scheme == page.scheme and _is_same_site(origin, gateway.netloc):
        return Reach.SAME_SITE
    return Reach.PARTITIONED if safe else Reach.PAGE


def is_this_machine(hostname: str) -> bool:
    """To which browsers speak as if it were https."""
    try:
        return ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost" or hostname.endswith(".localhost")


def _is_same_site(origin: str, host: str) -> bool:
    there, here = _hostname(origin), _hostname(f"//{host}")
    if not there or not here:
        return False
    return there == here or (_registrable(there) == _registrable(here) != "")


# The Host header is the sender's word: nothing else may get into an attribute of the cookie.
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def _cookie_domain(host: str) -> str:
    domain = _registrable(_hostname(f"//{host}"))
    return domain if _DOMAIN.fullmatch(domain) else ""


@lru_cache(10_000)
def _registrable(hostname: str) -> str:
    """`example.co.uk` for `www.example.co.uk`; empty for an address or a name without a dot."""
    try:
        ip_address(hostname)
    except ValueError:
        return suffixes().privatesuffix(hostname) or ""
    return ""


def _hostname(url: str) -> str:
    if len(url) > URL_CHARS_MAX:
        return ""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
