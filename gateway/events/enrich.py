"""From what a sender said to an event ready to be recorded.

The server's own knowledge goes over the sender's claims; instants are corrected for a client
clock that is off; properties are sorted into what the browser, the page and this event say.
"""

import hashlib
import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from gateway.events.context import context_of, joined, remembered
from gateway.events.device import Device
from gateway.events.event import NOTHING, Click, Context, Enriched, Event, Properties, Trust
from gateway.events.scrub import SCRUBBED, scrub, utm_of
from gateway.events.vocabulary import (
    BROWSER_PROPERTIES,
    PAGE_PROPERTIES,
    SERVER_PROPERTIES,
    Door,
    Kind,
)

CLOCK_OFF_MS = 30_000
LIBRARY = "gateway-js"  # the tracker says its version only: it has to be small
FUTURE_MAX_MS = 23 * 3_600_000

_URL_ALONE = {"url"}


class Parts(NamedTuple):
    """Properties, sorted by what they are the same for: a browser, a page, or this event alone."""

    browser: Context
    page: Context
    own: Properties


NOTHING_SAID = Parts(NOTHING, NOTHING, {})


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway knows of a request, the same for all events in it.

    `context` is what the sender said once for all of them, `visitor` the browser's uuid if a
    token proved it, `dsn` the address the request came to, `server` its host name. `said` and
    `known` follow from these: the context sorted, and the same with what the server knows.
    """

    list_id: int
    door: Door
    device: Device
    dsn: str
    server: str
    received_at_ms: int
    sent_at_ms: int | None = None
    visitor: uuid.UUID | None = None
    click: Click | None = None
    human: bool = False
    context: Properties = {}
    opted_out: bool = False
    said: Parts = NOTHING_SAID
    known: Parts = NOTHING_SAID

    def __post_init__(self) -> None:
        said = _sorted_context(context_of(self.context)) if self.context else NOTHING_SAID
        known = Parts(_browser(said.browser, self), _page(said.page, self), said.own)
        msgspec.structs.force_setattr(self, "said", said)
        msgspec.structs.force_setattr(self, "known", known)


def enrich(event: Event, source: Source, trust: Trust = Trust.CREATE) -> Enriched:
    """The event as it will be stored. Pure; a fresh random id only where the sender gave none."""
    browser, page, own = source.known
    if event.properties:
        more = _sorted(event.properties)
        if more.browser:
            browser = _browser(joined(source.said.browser, more.browser), source)
        if more.page.keys() == _URL_ALONE:  # a page view: nothing follows from it
            page = joined(page, more.page)
        elif more.page:
            page = _page(joined(source.said.page, more.page), source)
        own = own | more.own if own else more.own
    if source.door is Door.API:
        if event.external_id is not None:
            own = own | {"$id": event.external_id}
    elif event.kind is Kind.IDENTIFY and event.email:
        own = {"emailAddress": event.email} | own
    return Enriched(
        list_id=source.list_id,
        unique_id=unique_id(event.event_id),
        name=event.name,
        kind=event.kind,
        door=source.door,
        browser=browser,
        page=page,
        own=own,
        happened_at_ms=happened_at(event.at_ms, source.sent_at_ms, source.received_at_ms),
        sent_at_ms=source.sent_at_ms,
        received_at_ms=source.received_at_ms,
        uuid=_visitor(event, source),
        email=event.email,
        trust=trust,
        click=source.click,
        human=source.human,
        external_id=event.external_id,
        identify_properties=event.identify_properties,
        silent=event.silent,
        test=event.test,
        tab=event.tab,
        seq=event.seq,
        opted_out=source.opted_out,
    )


def _visitor(event: Event, source: Source) -> bytes | None:
    if source.visitor:
        return source.visitor.bytes
    return bytes.fromhex(event.uuid.replace("-", "")) if event.uuid else None


def _sorted(said: Properties) -> Parts:
    """By what each is the same for; claims of what only the server knows are left out."""
    plan = _plan(tuple(said))
    if plan.is_own:
        return Parts(NOTHING, NOTHING, said)
    if not plan.own:  # others will say the same
        return _sorted_context(context_of(said))
    return _sorted_by(plan, said)


@remembered
def _sorted_context(said: Context) -> Parts:
    return _sorted_by(_plan(tuple(said)), said)


def _sorted_by(plan: "_Plan", said: Properties) -> Parts:
    for name in plan.urls:
        url = said[name]
        if isinstance(url, str) and (scrubbed := scrub(url)) is not url:
            said = said | {name: scrubbed}
    return Parts(
        context_of(_picked(said, plan.browser)),
        context_of(_picked(said, plan.page)),
        _picked(said, plan.own),
    )


def _picked(said: Properties, names: Iterable[str]) -> Properties:
    return {name: said[name] for name in names}


class _Plan(NamedTuple):
    browser: tuple[str, ...]
    page: tuple[str, ...]
    own: tuple[str, ...]
    urls: tuple[str, ...]
    is_own: bool


@lru_cache(1_000)
def _plan(names: tuple[str, ...]) -> _Plan:
    """Where properties of these names go: the same for every event of a site's kind."""
    rest = [name for name in names if name not in SERVER_PROPERTIES]
    browser = tuple(name for name in rest if name in BROWSER_PROPERTIES)
    page = tuple(name for name in rest if name in PAGE_PROPERTIES)
    own = tuple(name for name in rest if name not in browser and name not in page)
    urls = tuple(name for name in rest if name in SCRUBBED)
    return _Plan(browser, page, own, urls, is_own=own == names and not urls)


def _browser(said: Context, source: Source) -> Context:
    return _known_browser(said, source.door, source.device, source.dsn, source.server)


@remembered
def _known_browser(said: Context, door: Door, device: Device, dsn: str, server: str) -> Context:
    known = said | device.properties() | {"$dsn": dsn, "$server": server}
    if door is Door.TRACKER and "$lib_version" in known:
        known.setdefault("$lib", LIBRARY)
    return context_of(known)


def _page(said: Context, source: Source) -> Context:
    return _known_page(said, source.door)


@remembered
def _known_page(said: Context, door: Door) -> Context:
    known = utm_of(said.get("$current_url")) | said
    derive_from_urls(known)
    if door is Door.API:
        known.setdefault("$page_title", None)
    return context_of(known)


def unique_id(event_id: str | None) -> bytes:
    """16 bytes for a sender's event id: a uuid's own, a digest of other text, random for none."""
    if event_id is None:
        return uuid.uuid4().bytes
    if len(event_id) == 36:
        try:
            digits = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            digits = b""
        if len(digits) == 16:
            return digits
    return hashlib.blake2b(event_id.encode(), digest_size=16).digest()


def caused_id(unique_id: bytes) -> bytes:
    """The id of the identify that an event of this id brings with it: the same at every retry."""
    return hashlib.blake2b(unique_id, digest_size=16, person=b"identify").digest()


def happened_at(at_ms: int | None, sent_at_ms: int | None, received_at_ms: int) -> int:
    """When an event happened by the server's clock.

    A sender's clock more than 30 s off, seen by comparing when it says it sent with when we
    received, is corrected by that difference. More than 23 h ahead of us counts as now.
    """
    if at_ms is None:
        return received_at_ms
    if sent_at_ms is not None and abs(received_at_ms - sent_at_ms) > CLOCK_OFF_MS:
        at_ms += received_at_ms - sent_at_ms
    if at_ms > received_at_ms + FUTURE_MAX_MS:
        return received_at_ms
    return max(at_ms, 0)


def derive_from_urls(page: Properties) -> None:
    """`$host`, `$pathname` and `$referring_domain` from their URLs, where the sender gave none."""
    host, pathname, _ = _split(page.get("$current_url"))
    _fill(page, "$host", host)
    _fill(page, "$pathname", pathname)
    _fill(page, "$referring_domain", _split(page.get("$referrer"))[2])


def _fill(page: Properties, name: str, value: str | None) -> None:
    if value and page.get(name) is None:
        page[name] = value


def _split(url: object) -> tuple[str, str, str | None]:
    return _split_text(url) if isinstance(url, str) else ("", "", None)


@lru_cache(2_000)
def _split_text(url: str) -> tuple[str, str, str | None]:
    """Host with its port, path, and the host's name alone."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an unclosed bracket in the host: then nothing is derived
        return "", "", None
    return parts.netloc.rpartition("@")[2], parts.path or "/" * bool(parts.netloc), parts.hostname
