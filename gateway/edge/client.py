"""What a request's headers say of the browser it comes from: the same for all its requests, so each
set of them is looked into once and remembered.
"""

from collections.abc import Collection
from functools import lru_cache

import msgspec
from starlette.types import Scope

from gateway.edge.privacy import asks_not_to_be_tracked
from gateway.edge.requests import Headers, is_https
from gateway.edge.sites import URL_CHARS_MAX, Site, site_of
from gateway.events.device import AGENT_CHARS_MAX, Device, Hints, device_of

HINT_CHARS_MAX = 50
NOBODYS_ORIGIN = "null"


class Client(msgspec.Struct, frozen=True):
    site: Site
    agent: str
    hints: Hints
    device: Device
    asks_not_to_be_tracked: bool


def client_of(
    scope: Scope, headers: Headers, origin: str, trusted_proxies: Collection[str]
) -> Client:
    """`origin` is what the browser says sent the request; empty for what is no browser's page."""
    get = headers.get
    host = get(b"host", b"")
    return _client(
        # Whole or not at all: the beginning of somebody's name may be somebody else's.
        origin if len(origin) <= URL_CHARS_MAX else NOBODYS_ORIGIN,
        host if len(host) <= URL_CHARS_MAX else b"",
        is_https(scope, headers, trusted_proxies),
        get(b"user-agent", b"")[:AGENT_CHARS_MAX],
        get(b"sec-ch-ua-mobile", b"")[:HINT_CHARS_MAX],
        get(b"sec-ch-ua-platform", b"")[:HINT_CHARS_MAX],
        get(b"sec-ch-ua-model", b"")[:HINT_CHARS_MAX],
        asks_not_to_be_tracked(headers),
    )


@lru_cache(1_000)
def _client(
    origin: str,
    host: bytes,
    https: bool,
    agent: bytes,
    mobile: bytes,
    platform: bytes,
    model: bytes,
    untracked: bool,
) -> Client:
    hints = Hints(
        mobile=mobile == b"?1",
        platform=platform.decode("latin-1").strip('"'),
        model=model.decode("latin-1").strip('"'),
    )
    said = agent.decode("latin-1")
    return Client(
        agent=said,
        hints=hints,
        site=site_of(origin, host.decode("latin-1"), https=https),
        device=device_of(said, hints),
        asks_not_to_be_tracked=untracked,
    )
