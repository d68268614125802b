"""The life of one event: how it came in, what was added to it, whose it is and why, and what it
brought about. Reads only.

Gathered from what each of the other files remembers of it, as plain values: the console's page and
`event.explain` show the same. What was not written down when it happened is judged again by what
there is now, and says so.
"""

import dataclasses
import sqlite3
import uuid as uuids

import msgspec

from gateway.events.enrich import CLOCK_OFF_MS
from gateway.events.provenance import added
from gateway.events.vocabulary import Door, Kind
from gateway.records import attribution, bindings, clicks, enrolments, event_log, people, webhooks
from gateway.records.attribution import Credit
from gateway.records.bindings import Binding, By
from gateway.records.clicks import Opened
from gateway.records.event_log import StoredEvent
from gateway.records.outbox import Delivery
from gateway.records.people import Subscriber, Visitor


class Times(msgspec.Struct, frozen=True):
    """By how much the sender's clock was ahead of ours when it sent, null where it did not say;
    and whether that was so much that the event's time was moved by it."""

    clock_off_ms: int | None
    corrected: bool


class Person(msgspec.Struct, frozen=True):
    subscriber_id: int
    email: str


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """The event's browser, whose it was when the event came in, whose it is now, and the entry in
    the journal that has made it so."""

    uuid: str
    external_id: str | None
    was: Person | None
    now: Person | None
    bound_by: str | None
    because: Binding | None


class Other(msgspec.Struct, frozen=True):
    """Another event, by its number."""

    id: int
    event: str


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is owed for the event, or was delivered. `outcome` is how the last attempt
    went; `due_at_ms` when the next one is."""

    delivery_id: str
    url: str
    state: str
    attempts: int
    outcome: str
    written_at_ms: int
    due_at_ms: int | None
    ended_at_ms: int | None


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """A journey of the list. `waits`: it is enabled, and for events of this kind and name."""

    journey_id: int
    name: str
    waits: bool
    fired: bool
    fired_at_ms: int | None
    why: str
    deliveries: list[Owed]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`added`: property → where the gateway has it from. `seq` is the event's number in its
    browser tab. `bindings` is what it changed of whom its browser is, `clicks` the links it was
    the opening of. `identify` is the event that it brought besides, `caused_by` the one that
    brought it. `counted_by` is the event that the same conversion was counted of before."""

    event: StoredEvent
    times: Times
    added: dict[str, str]
    seq: int | None
    whose: Whose
    bindings: list[Binding]
    clicks: list[Opened]
    caused_by: Other | None
    identify: Other | None
    conversion: Credit | None
    counted_by: int | None
    journeys: list[Considered]


def explain(db: sqlite3.Connection, event: StoredEvent, click_days: int) -> Explanation:
    row = db.execute(
        """select visitor_id, seq, caused_by,
                  (select id from events caused where caused.caused_by = e.id) as causes
           from events e where id = :id""",
        {"id": event.id},
    ).fetchone()
    visitor = people.visitor(db, row["visitor_id"])
    was = _was(db, event)
    caused_by = _other(db, row["caused_by"])
    then = dataclasses.replace(visitor, subscriber_id=was.id if was else None)
    conversion = attribution.of_event(db, event.id, then, click_days)
    return Explanation(
        event=event,
        times=_times(event),
        added=added(event.properties, Door[event.source.upper()], _KINDS[event.kind]),
        seq=row["seq"],
        whose=_whose(db, visitor, was),
        bindings=_bindings(db, event, caused_by),
        clicks=_clicks(db, event, visitor),
        caused_by=caused_by,
        identify=_other(db, row["causes"]),
        conversion=conversion,
        counted_by=None if conversion else _counted_by(db, event),
        journeys=[_considered(db, each) for each in enrolments.explain(db, event)],
    )


def _times(event: StoredEvent) -> Times:
    off_ms = None if event.sent_at_ms is None else event.sent_at_ms - event.received_at_ms
    return Times(off_ms, off_ms is not None and abs(off_ms) > CLOCK_OFF_MS)


def _whose(db: sqlite3.Connection, visitor: Visitor, was: Subscriber | None) -> Whose:
    now = None
    if visitor.subscriber_id is not None:
        now = people.subscriber(db, visitor.subscriber_id)
    return Whose(
        uuid=str(visitor.uuid),
        external_id=visitor.external_id,
        was=_person(was),
        now=_person(now),
        bound_by=By(visitor.bound_by).name.lower() if visitor.bound_by else None,
        because=bindings.latest(db, visitor.id),
    )


def _was(db: sqlite3.Connection, event: StoredEvent) -> Subscriber | None:
    """As far as the journal tells it."""
    uuid = uuids.UUID(event.uuid).bytes
    found = bindings.bound_at(db, event.list_id, uuid, event.received_at_ms)
    return people.on_list(db, event.list_id, found) if found is not None else None


def _bindings(db: sqlite3.Connection, event: StoredEvent, caused_by: Other | None) -> list[Binding]:
    """An identify that another event brought changes what that one did."""
    ids = [event.event_id]
    cause = event_log.get(db, caused_by.id) if caused_by else None
    if cause:
        ids.append(cause.event_id)
    return bindings.of_event(db, event.list_id, uuids.UUID(event.uuid).bytes, ids)


def _clicks(db: sqlite3.Connection, event: StoredEvent, visitor: Visitor) -> list[Opened]:
    """A click is noted at the instant of the first event that brings it; those that come in the
    same beacon may have happened at that instant too."""
    found = clicks.opened_at(db, visitor.id, event.happened_at_ms)
    if found and event_log.is_second(db, event.id, visitor.id):
        return []
    return found


def _counted_by(db: sqlite3.Connection, event: StoredEvent) -> int | None:
    if _KINDS[event.kind] is not Kind.CONVERSION:
        return None
    conversion_id = str(event.properties.get("conversion-id"))
    return attribution.counted_by(db, event.list_id, conversion_id)


def _other(db: sqlite3.Connection, event_id: int | None) -> Other | None:
    found = event_log.get(db, event_id) if event_id is not None else None
    return Other(found.id, found.event) if found else None


def _considered(db: sqlite3.Connection, each: enrolments.Explained) -> Considered:
    urls = {webhook.id: webhook.url for webhook in webhooks.of_journey(db, each.journey.id)}
    return Considered(
        journey_id=each.journey.id,
        name=each.journey.name,
        waits=each.waits,
        fired=each.fired,
        fired_at_ms=each.fired_at_ms,
        why=each.why,
        deliveries=[_owed(delivery, urls) for delivery in each.deliveries],
    )


def _owed(delivery: Delivery, urls: dict[int, str]) -> Owed:
    return Owed(
        delivery_id=delivery.delivery_id,
        url=urls[delivery.webhook_id],
        state=delivery.state.name.lower(),
        attempts=delivery.attempts,
        outcome=delivery.outcome,
        written_at_ms=delivery.written_at_ms,
        due_at_ms=delivery.due_at_ms,
        ended_at_ms=delivery.ended_at_ms,
    )


def _person(subscriber: Subscriber | None) -> Person | None:
    return Person(subscriber.id, subscriber.email) if subscriber else None


_KINDS = {word: kind for kind, word in event_log.KIND_WORDS.items()}
