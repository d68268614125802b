"""What the two doors for browsers share: from a read beacon to receipts and the visitor's token."""

import asyncio
import uuid as uuids
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from starlette.types import Scope

from gateway import clock
from gateway.edge.auth import click_of, tracked_list
from gateway.edge.client import Client, client_of
from gateway.edge.limits import AddressLimit, share
from gateway.edge.requests import Headers, client_address
from gateway.edge.sites import set_cookie, visitor_cookies
from gateway.errors import InvalidEvent, Overloaded, RateLimited
from gateway.events import parse, refusal
from gateway.events.enrich import Source, enrich
from gateway.events.event import Beacon, Click, Enriched, Event, Trust
from gateway.events.refusal import Refusal
from gateway.events.vocabulary import Door
from gateway.ingest.facts import Seen, Stale
from gateway.ingest.record import Outcome, Receipt
from gateway.ingest.refusals import Ending
from gateway.records import lists, people
from gateway.records.lists import SubscriberList
from gateway.services import Services

HOUR_S = 3_600
LOOKS = 3  # at what may have changed while a beacon was on its way

Cookie = tuple[bytes, bytes]
NOBODY = uuids.UUID(int=0)
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


class Taken(NamedTuple):
    """What became of a beacon: the answer, and the cookie to set where this site's cookies are
    trusted."""

    answer: Answer
    cookie: Cookie | None


Then = Callable[[Taken | Exception], None]


@dataclass(slots=True)
class _Visit:
    """A beacon on its way through the door: from `trusted` on, how it is taken by what its list
    says. `trusted`: cookies are believed and set; `anonymous`: each request is somebody new."""

    beacon: Beacon
    scope: Scope
    headers: Headers
    door: Door
    address: str
    client: Client
    then: Then
    looks_left: int = LOOKS
    trusted: bool = False
    anonymous: bool = False
    visitor: uuids.UUID = NOBODY
    source: Source | None = None
    read: Sequence[Enriched | Refusal | EventResult] = ()


class BrowserDoor:
    """Takes beacons for both the tracker and the pixel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._tally = services.tally
        self._under_way: set[asyncio.Task[Any]] = set()  # the loop holds none
        limits, enabled = services.settings.limits, services.settings.rate_limits
        self._events = AddressLimit(limits.beacon_events_per_minute, 60, enabled=enabled)
        identifies = share(limits.identify_events_per_hour, services.settings.workers)
        self._identifies = AddressLimit(identifies, HOUR_S, enabled=enabled)
        self._base_url = services.settings.base_url
        self._server = urlsplit(self._base_url).hostname or ""

    def client(self, scope: Scope, headers: Headers, origin: str) -> Client:
        """`origin` is what the browser says sent the request."""
        return client_of(scope, headers, origin, self._settings.trusted_proxies)

    def take(
        self,
        beacon: Beacon,
        scope: Scope,
        headers: Headers,
        client: Client,
        door: Door,
        then: Then,
    ) -> None:
        """Have `then` called with what became of the beacon, now or once it is on disk.

        Raises, or hands on: Refused when the list is unknown, RateLimited and Overloaded when
        nothing was taken.
        """
        address = client_address(scope, headers, self._settings.trusted_proxies)
        try:
            self._events.take(address, len(beacon.events) or 1)
            self._enter(_Visit(beacon, scope, headers, door, address, client, then))
        except (RateLimited, Overloaded) as error:
            self._tally.deferred(door, error.reason, len(beacon.events))
            raise

    async def taken(
        self, beacon: Beacon, scope: Scope, headers: Headers, client: Client, door: Door
    ) -> Taken:
        """As `take`; errors are raised."""
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()

        def settle(taken: Taken | Exception) -> None:
            if not future.done():  # the client went away
                if isinstance(taken, Exception):
                    future.set_exception(taken)
                else:
                    future.set_result(taken)

        self.take(beacon, scope, headers, client, door, settle)
        return await future

    def _enter(self, visit: _Visit) -> None:
        beacon, client = visit.beacon, visit.client
        subscriber_list = tracked_list(
            self._services, beacon.list_tracker_id, beacon.user_tracker_id
        )
        privacy = subscriber_list.privacy if client.asks_not_to_be_tracked else "ignore"
        watched = privacy == "ignore" and not beacon.alone
        visit.trusted = watched and client.site.trusts_cookies(subscriber_list.allowed_origins)
        # A tracker that knows of the visitor's wish made up an identity for this page only; for
        # one that does not, each request is somebody new.
        visit.anonymous = privacy != "ignore" and not beacon.alone
        visit.visitor = self._visitor(visit, subscriber_list.id)
        visit.source = source = Source(
            list_id=subscriber_list.id,
            door=visit.door,
            device=client.device,
            dsn=self._base_url + visit.scope["path"],
            server=self._server,
            received_at_ms=clock.now_ms(),
            sent_at_ms=beacon.sent_at_ms,
            visitor=visit.visitor,
            click=self._click(visit, subscriber_list) if watched else None,
            human=beacon.human,
            context=beacon.context,
            opted_out=privacy == "off",
        )
        written = partial(self._written, visit)
        if source.click and not beacon.events:
            self._services.intake.confirm_click(
                source.list_id, visit.visitor, source.click, source.received_at_ms, written
            )
            return
        claimed: set[str] = set()
        visit.read = [
            self._read(raw, source, subscriber_list, visit.address, claimed)
            for raw in beacon.events
        ]
        events = [item for item in visit.read if isinstance(item, Enriched)]
        self._services.intake.submit(events, Seen(subscriber_list), written)

    def _written(self, visit: _Visit, outcomes: Sequence[Outcome], error: Exception | None) -> None:
        try:
            if isinstance(error, Stale) and visit.looks_left:
                visit.looks_left -= 1
                self._services.facts.forget()
                self._enter(visit)
                return
            if error is not None:
                raise error
            self._tally.received(visit.door, sum(isinstance(each, Receipt) for each in outcomes))
            refusals = [item for item in visit.read if isinstance(item, Refusal)]
            if refusals:
                self._refuse(visit, outcomes, refusals)
            else:
                visit.then(self._answered(visit, outcomes, []))
        except Exception as raised:  # noqa: BLE001 - whatever it is, somebody waits for it
            if isinstance(raised, Overloaded):
                self._tally.deferred(visit.door, raised.reason, len(visit.beacon.events))
            visit.then(raised)

    def _answered(
        self, visit: _Visit, outcomes: Sequence[Outcome], refused: Sequence[EventResult]
    ) -> Taken:
        visitor = visit.visitor
        recorded, others = iter(outcomes), iter(refused)
        results: list[EventResult] = []
        for raw, item in zip(visit.beacon.events, visit.read, strict=True):
            if isinstance(item, Enriched):
                outcome = next(recorded)
                results.append(_result(raw, outcome))
                if isinstance(outcome, Receipt) and outcome.goes_on_as:
                    visitor = uuids.UUID(outcome.goes_on_as)
            elif isinstance(item, Refusal):
                results.append(next(others))
            else:
                self._tally.deferred(visit.door, "identify limit")
                results.append(item)
        token = "" if visit.anonymous else self._services.signing.visitor_token(visitor)
        answer = Answer(uuid=str(visitor), visitor=token, results=results)
        return Taken(answer, set_cookie(visit.client.site, token) if visit.trusted else None)

    def _refuse(
        self, visit: _Visit, outcomes: Sequence[Outcome], refusals: Sequence[Refusal]
    ) -> None:
        """Answer once what could not be read is kept."""

        def kept(task: asyncio.Task[list[EventResult]]) -> None:
            self._under_way.discard(task)
            try:
                visit.then(self._answered(visit, outcomes, task.result()))
            except Exception as raised:  # noqa: BLE001 - as above
                visit.then(raised)

        task = asyncio.get_running_loop().create_task(self._keep(visit, refusals))
        self._under_way.add(task)
        task.add_done_callback(kept)

    async def _keep(self, visit: _Visit, refusals: Sequence[Refusal]) -> list[EventResult]:
        """What the browser is told of each, once it is in quarantine."""
        assert visit.source is not None
        client = visit.client
        raws = [
            raw
            for raw, item in zip(visit.beacon.events, visit.read, strict=True)
            if isinstance(item, Refusal)
        ]
        try:
            endings = await self._services.refusals.take(
                visit.source, refusals, client.agent, client.hints
            )
        except Overloaded as error:
            self._tally.deferred(visit.door, error.reason, len(refusals))
            return [EventResult(_id_of(raw), "retry", str(error)) for raw in raws]
        self._tally.received(visit.door, len(refusals))
        return [
            _refusal_result(raw, each, ending)
            for raw, each, ending in zip(raws, refusals, endings, strict=True)
        ]

    def _visitor(self, visit: _Visit, list_id: int) -> uuids.UUID:
        """The browser's uuid: by its cookie, by the token the page kept, by the seed its pages
        share, or a new one. What is forged or damaged counts as absent."""
        if visit.anonymous:
            return uuids.uuid4()
        beacon, signing = visit.beacon, self._services.signing
        # After a logout the page asks for a new visitor, over cookies that it could not delete.
        starts_anew = beacon.visitor_token == START_ANEW
        tokens = visitor_cookies(visit.headers) if visit.trusted and not starts_anew else []
        if beacon.visitor_token:
            tokens.append(beacon.visitor_token)
        for token in tokens:
            known = signing.read_visitor_token(token)
            if known:
                return known
        if beacon.seed:
            return signing.visitor_from_seed(beacon.seed, list_id)
        return uuids.uuid4()

    def _click(self, visit: _Visit, subscriber_list: SubscriberList) -> Click | None:
        """What the beacon's `pr` says, if it says anything."""
        token = visit.beacon.attribution_token
        if not token:
            return None
        return click_of(self._services, token, subscriber_list, visit.address)

    def _read(
        self,
        raw: Any,
        source: Source,
        subscriber_list: SubscriberList,
        address: str,
        claimed: set[str],
    ) -> Enriched | EventResult | Refusal:
        """The event, or why not. `claimed`: the addresses earlier events of this beacon brought."""
        if type(raw) is Event:
            return enrich(raw, source, Trust.NONE)
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


def _result(raw: Any, outcome: Outcome) -> EventResult:
    if isinstance(outcome, Receipt):
        return EventResult(_id_of(raw), outcome.result.value, outcome.reason)
    return EventResult(_id_of(raw), "retry", "Internal error: this event was not stored.")


def _refusal_result(raw: Any, refused: Refusal, ending: Ending) -> EventResult:
    """Who tries an event out is told what is wrong with it, though nothing is kept of it."""
    if ending.outcome == "dropped" and ending.reason != "test":
        return EventResult(_id_of(raw), ending.outcome, ending.reason)
    return EventResult(_id_of(raw), "rejected", str(InvalidEvent(*refused.problems)))


def _id_of(raw: Any) -> str | None:
    if type(raw) is Event:
        return raw.event_id
    event_id = raw.get("id") if isinstance(raw, dict) else None
    return event_id if isinstance(event_id, str) else None
