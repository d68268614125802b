"""From what a sender said to an event ready to be recorded.

The server's own knowledge goes over the sender's claims; instants are corrected for a client
clock that is off; properties are sorted into what the browser, the page and this event say.
"""

import hashlib
import uuid
from urllib.parse import SplitResult, urlsplit

import msgspec

from gateway.events.device import Device
from gateway.events.event import Click, Enriched, Event, Properties, Trust
from gateway.events.scrub import scrub_urls, utm_of
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


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway knows of a request, the same for all events in it.

    `context` is what the sender said once for all of them, `visitor` the browser's uuid if a
    token proved it, `dsn` the address the request came to, `server` its host name.
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


def enrich(event: Event, source: Source, trust: Trust = Trust.CREATE) -> Enriched:
    """The event as it will be stored. Pure; a fresh random id only where the sender gave none."""
    said = scrub_urls(source.context | event.properties)
    browser: Properties = {}
    page = utm_of(said.get("$current_url"))
    own: Properties = {}
    for name, value in said.items():
        if name in SERVER_PROPERTIES:
            continue
        part = browser if name in BROWSER_PROPERTIES else page if name in PAGE_PROPERTIES else own
        part[name] = value
    if source.door is Door.TRACKER and "$lib_version" in browser:
        browser.setdefault("$lib", LIBRARY)
    browser |= source.device.properties()
    browser["$dsn"] = source.dsn
    browser["$server"] = source.server
    _derive_from_urls(page)
    if source.door is Door.API:
        page.setdefault("$page_title", None)
        if event.external_id is not None:
            own["$id"] = event.external_id
    elif event.kind is Kind.IDENTIFY and event.email:
        own.setdefault("emailAddress", event.email)
    visitor = source.visitor or (uuid.UUID(event.uuid) if event.uuid else None)
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
        uuid=visitor.bytes if visitor else None,
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


def unique_id(event_id: str | None) -> bytes:
    """16 bytes for a sender's event id: a uuid's own, a digest of other text, random for none."""
    if event_id is None:
        return uuid.uuid4().bytes
    if len(event_id) == 36:
        try:
            return uuid.UUID(event_id).bytes
        except ValueError:
            pass
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


def _derive_from_urls(page: Properties) -> None:
    """`$host`, `$pathname` and `$referring_domain` from their URLs, where the sender gave none."""
    current = _split(page.get("$current_url"))
    if current:
        _fill(page, "$host", current.netloc.rpartition("@")[2])
        _fill(page, "$pathname", current.path or "/" * bool(current.netloc))
    referrer = _split(page.get("$referrer"))
    if referrer:
        _fill(page, "$referring_domain", referrer.hostname)


def _fill(page: Properties, name: str, value: str | None) -> None:
    if value and page.get(name) is None:
        page[name] = value


def _split(url: object) -> SplitResult | None:
    try:
        return urlsplit(url) if isinstance(url, str) else None
    except ValueError:  # such as an unclosed bracket in the host: then nothing is derived
        return None
