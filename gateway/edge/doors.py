"""What the two doors for browsers share: from a read beacon to receipts and the visitor's token."""

import uuid as uuids
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.types import Scope

from gateway import clock
from gateway.edge.auth import click_of, tracked_list
from gateway.edge.limits import RateLimit
from gateway.edge.privacy import policy_for
from gateway.edge.requests import Headers, client_address, text
from gateway.edge.sites import set_cookie, site_of, visitor_cookies
from gateway.errors import InvalidEvent, Overloaded, RateLimited
from gateway.events import parse, refusal
from gateway.events.device import Hints, device_of
from gateway.events.enrich import Source, enrich
from gateway.events.event import Beacon, Click, Enriched, Trust
from gateway.events.refusal import Refusal
from gateway.events.vocabulary import Door
from gateway.ingest.intake import Outcome
from gateway.ingest.record import Receipt
from gateway.ingest.refusals import Ending
from gateway.records import lists, people
from gateway.records.lists import SubscriberList
from gateway.services import Services

HOUR_S = 3_600
START_ANEW = "!"  # in the place of a visitor's token


class EventResult(msgspec.Struct, omit_defaults=True):
    """How one event of a beacon ended: stored, duplicate, dropped, rejected (it will never be
    taken as it is) or retry (send it again later)."""

    id: str | None
    result: str
    reason: str | None = None


class Answer(msgspec.Struct):
    """What a browser is told. `visitor` is the token to keep and send from now on."""

    uuid: str
    visitor: str
    results: list[EventResult]


class BrowserDoor:
    """Takes beacons for both the tracker and the pixel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._tally = services.tally
        limits, enabled = services.settings.limits, services.settings.rate_limits
        self._events = RateLimit(limits.beacon_events_per_minute, 60, enabled=enabled)
        self._identifies = RateLimit(limits.identify_events_per_hour, HOUR_S, enabled=enabled)
        self._server = urlsplit(services.settings.base_url).hostname or ""

    async def take(
        self, beacon: Beacon, scope: Scope, headers: Headers, origin: str, door: Door
    ) -> tuple[Answer, tuple[bytes, bytes] | None]:
        """The answer, and the cookie to set where this site's cookies are trusted.

        Raises Refused when the list is unknown, InvalidEvent when no event could be read at all,
        RateLimited and Overloaded when nothing was taken.
        """
        try:
            return await self._take(beacon, scope, headers, origin, door)
        except (RateLimited, Overloaded) as error:
            self._tally.deferred(door, error.reason, len(beacon.events))
            raise

    async def _take(
        self, beacon: Beacon, scope: Scope, headers: Headers, origin: str, door: Door
    ) -> tuple[Answer, tuple[bytes, bytes] | None]:
        services, settings = self._services, self._settings
        subscriber_list = tracked_list(services, beacon.list_tracker_id, beacon.user_tracker_id)
        address = client_address(scope, headers, settings.trusted_proxies)
        self._events.take(address, len(beacon.events))
        site = site_of(scope, headers, origin, settings.trusted_proxies)
        privacy = policy_for(subscriber_list.privacy, headers)
        watched = privacy == "ignore" and not beacon.alone
        trusted = watched and site.trusts_cookies(subscriber_list.allowed_origins)
        # A tracker that knows of the visitor's wish made up an identity for this page only; for
        # one that does not, each request is somebody new.
        anonymous = privacy != "ignore" and not beacon.alone
        visitor = (
            uuids.uuid4()
            if anonymous
            else self._visitor(beacon, headers, trusted, subscriber_list.id)
        )
        source = Source(
            list_id=subscriber_list.id,
            door=door,
            device=device_of(text(headers, b"user-agent"), _hints(headers)),
            dsn=settings.base_url + str(scope["path"]),
            server=self._server,
            received_at_ms=clock.now_ms(),
            sent_at_ms=beacon.sent_at_ms,
            visitor=visitor,
            click=self._click(beacon, subscriber_list, address) if watched else None,
            human=beacon.human,
            context=beacon.context,
            opted_out=privacy == "off",
        )
        if source.click and not beacon.events:
            await services.intake.confirm_click(
                source.list_id, visitor, source.click, source.received_at_ms
            )
        claimed: set[str] = set()
        read = [self._read(raw, source, subscriber_list, address, claimed) for raw in beacon.events]
        events = [item for item in read if isinstance(item, Enriched)]
        accepted = await services.intake.accept(events) if events else []
        self._tally.received(door, sum(isinstance(each, Receipt) for each in accepted))
        refused = [
            (raw, item)
            for raw, item in zip(beacon.events, read, strict=True)
            if isinstance(item, Refusal)
        ]
        outcomes = iter(accepted)
        refusals = iter(await self._refuse(source, headers, refused) if refused else ())
        results: list[EventResult] = []
        for raw, item in zip(beacon.events, read, strict=True):
            outcome: Outcome | EventResult
            if isinstance(item, Enriched):
                outcome = next(outcomes)
            elif isinstance(item, Refusal):
                outcome = next(refusals)
            else:
                outcome = item
                self._tally.deferred(door, "identify limit")
            results.append(_result(raw, outcome))
            if isinstance(outcome, Receipt) and outcome.goes_on_as:
                visitor = uuids.UUID(outcome.goes_on_as)
        token = "" if anonymous else services.signing.visitor_token(visitor)
        answer = Answer(uuid=str(visitor), visitor=token, results=results)
        return answer, set_cookie(site, token) if trusted else None

    def _visitor(self, beacon: Beacon, headers: Headers, trusted: bool, list_id: int) -> uuids.UUID:
        """The browser's uuid: by its cookie, by the token the page kept, by the seed its pages
        share, or a new one. What is forged or damaged counts as absent."""
        # After a logout the page asks for a new visitor, over cookies that it could not delete.
        starts_anew = beacon.visitor_token == START_ANEW
        tokens = visitor_cookies(headers) if trusted and not starts_anew else []
        tokens += [beacon.visitor_token] if beacon.visitor_token else []
        for token in tokens:
            known = self._services.signing.read_visitor_token(token)
            if known:
                return known
        if beacon.seed:
            return self._services.signing.visitor_from_seed(beacon.seed, list_id)
        return uuids.uuid4()

    def _click(self, beacon: Beacon, subscriber_list: SubscriberList, address: str) -> Click | None:
        """What the beacon's `pr` says, if it says anything."""
        if not beacon.attribution_token:
            return None
        return click_of(self._services, beacon.attribution_token, subscriber_list, address)

    async def _refuse(
        self, source: Source, headers: Headers, refused: Sequence[tuple[Any, Refusal]]
    ) -> list[EventResult]:
        """What the browser is told of events that could not be read, once they are kept."""
        refusals = [each for _, each in refused]
        try:
            endings = await self._services.refusals.take(
                source, refusals, text(headers, b"user-agent"), _hints(headers)
            )
        except Overloaded as error:
            self._tally.deferred(source.door, error.reason, len(refused))
            return [EventResult(_id_of(raw), "retry", str(error)) for raw, _ in refused]
        self._tally.received(source.door, len(refused))
        return [
            _refusal_result(raw, each, ending)
            for (raw, each), ending in zip(refused, endings, strict=True)
        ]

    def _read(
        self,
        raw: Any,
        source: Source,
        subscriber_list: SubscriberList,
        address: str,
        claimed: set[str],
    ) -> Enriched | EventResult | Refusal:
        """The event, or why not. `claimed`: the addresses earlier events of this beacon brought."""
        try:
            event = parse.browser_event(raw, self._settings.limits)
        except InvalidEvent as error:
            return refusal.of_browser(raw, error)
        trust = lists.trust_of(subscriber_list, event)
        if trust is Trust.CREATE:
            wait_s = self._identify_wait_s(event.email, source, address, claimed)
            if wait_s:
                reason = f"Too many identifies: try again in {wait_s} seconds."
                return EventResult(_id_of(raw), "retry", reason)
        return enrich(event, source, trust)

    def _identify_wait_s(
        self, email: str | None, source: Source, address: str, claimed: set[str]
    ) -> int:
        """Sites identify on every page; only a new binding counts against the limit."""
        if email is None or email.casefold() in claimed:
            return 0
        look_up, visitor = self._services.reader.look_up, source.visitor
        if visitor and look_up(people.is_bound, source.list_id, visitor.bytes, email):
            return 0
        wait_s = self._identifies.wait_s(address)
        if not wait_s:
            claimed.add(email.casefold())
        return wait_s


def _result(raw: Any, outcome: Outcome | EventResult) -> EventResult:
    if isinstance(outcome, EventResult):
        return outcome
    if isinstance(outcome, Receipt):
        return EventResult(_id_of(raw), outcome.result.value, outcome.reason)
    return EventResult(_id_of(raw), "retry", "Internal error: this event was not stored.")


def _refusal_result(raw: Any, refused: Refusal, ending: Ending) -> EventResult:
    """Who tries an event out is told what is wrong with it, though nothing is kept of it."""
    if ending.outcome == "dropped" and ending.reason != "test":
        return EventResult(_id_of(raw), ending.outcome, ending.reason)
    return EventResult(_id_of(raw), "rejected", str(InvalidEvent(*refused.problems)))


def _id_of(raw: Any) -> str | None:
    event_id = raw.get("id") if isinstance(raw, dict) else None
    return event_id if isinstance(event_id, str) else None


def _hints(headers: Headers) -> Hints:
    return Hints(
        mobile=headers.get(b"sec-ch-ua-mobile") == b"?1",
        platform=text(headers, b"sec-ch-ua-platform").strip('"')[:50],
        model=text(headers, b"sec-ch-ua-model").strip('"')[:50],
    )
