"""Whose event is it: which visitor, and to which subscriber that visitor is bound.

`decide` is the rule, pure; the rest reads what it needs and does what it says. A visitor who is
somebody already is never handed to somebody else: a second address on one browser starts a new
visitor from there, so the first person's history stays theirs.
"""

import logging
import sqlite3
import uuid as uuids
from dataclasses import dataclass, replace
from enum import Enum

from gateway.events.event import Enriched
from gateway.events.parse import is_hash
from gateway.events.vocabulary import Door, Kind
from gateway.records import people
from gateway.records.people import Subscriber, Visitor

log = logging.getLogger(__name__)


class Stitch(Enum):
    """What an event does to its visitor's binding."""

    KEEP = "keep"
    BIND = "bind"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose event it is. `newly_bound`: this event bound the visitor to its subscriber.

    `external_id` is None unless a server asks: browsers neither send nor receive one.
    """

    visitor: Visitor
    external_id: str | None
    newly_bound: bool


def decide(known: int | None, claimed: int | None) -> Stitch:
    """The rule: `known` is the subscriber a visitor is bound to, `claimed` whom an event names."""
    if claimed is None or claimed == known:
        return Stitch.KEEP
    return Stitch.BIND if known is None else Stitch.SPLIT


def stitch(db: sqlite3.Connection, event: Enriched) -> Person:
    """Find or make the event's visitor, and bind it as the event says."""
    claimed = _claimed(db, event)
    visitor = _visitor(db, event, claimed)
    decision = decide(visitor.subscriber_id, claimed.id if claimed else None)
    if decision is Stitch.SPLIT:
        assert claimed is not None
        visitor = _split(db, event, visitor, claimed)
    newly_bound = claimed is not None and visitor.subscriber_id is None
    if claimed is not None and newly_bound:
        people.bind(db, visitor.id, claimed.id)
        visitor = replace(visitor, subscriber_id=claimed.id)
    external_id = _external_id(db, event, visitor) if event.door is Door.API else None
    return Person(visitor, external_id, newly_bound)


def _claimed(db: sqlite3.Connection, event: Enriched) -> Subscriber | None:
    if event.email:
        return people.subscribe(db, event.list_id, event.email, event.received_at_ms)
    if event.kind is Kind.IDENTIFY and is_hash(event.external_id):
        # Until a list has a unique-identifier field there is nothing a hash could match.
        log.info("unmatched hash list=%d prefix=%.8s", event.list_id, event.external_id)
    return None


def _visitor(db: sqlite3.Connection, event: Enriched, claimed: Subscriber | None) -> Visitor:
    """The visitor the event names; else the latest one of the person it names; else a new one."""
    if event.uuid:
        return people.visitor_by_uuid(db, event.list_id, event.uuid, event.received_at_ms)
    found = None
    person = claimed
    if person is None and event.external_id:
        person = people.subscriber_by_external_id(db, event.list_id, event.external_id)
    if person:
        found = people.latest_visitor_of_subscriber(db, person.id)
    if found is None and event.external_id:
        found = people.latest_visitor_by_external_id(db, event.list_id, event.external_id)
    return found or people.visitor_by_uuid(
        db, event.list_id, uuids.uuid4().bytes, event.received_at_ms
    )


def _split(
    db: sqlite3.Connection, event: Enriched, visitor: Visitor, claimed: Subscriber
) -> Visitor:
    """The visitor that goes on from here as `claimed`: the same one however often this is said."""
    uuid = _split_uuid(visitor.uuid, claimed.id)
    return people.visitor_by_uuid(db, event.list_id, uuid.bytes, event.received_at_ms)


def is_split_from(visitor: Visitor, uuid: bytes | None) -> bool:
    """Whether this visitor began where the browser `uuid` named a second person."""
    if uuid is None or visitor.subscriber_id is None:
        return False
    return _split_uuid(uuids.UUID(bytes=uuid), visitor.subscriber_id) == visitor.uuid


def _split_uuid(uuid: uuids.UUID, subscriber_id: int) -> uuids.UUID:
    return uuids.uuid5(uuid, str(subscriber_id))


def _external_id(db: sqlite3.Connection, event: Enriched, visitor: Visitor) -> str:
    """The caller's id for this person: given now, or known already, or a random one; kept."""
    subscriber = (
        people.subscriber(db, visitor.subscriber_id) if visitor.subscriber_id is not None else None
    )
    known = (subscriber.external_id if subscriber else None) or visitor.external_id
    external_id = event.external_id or known or str(uuids.uuid4())
    if subscriber and external_id != subscriber.external_id:
        people.name_subscriber(db, subscriber.id, external_id)
    elif not subscriber and external_id != visitor.external_id:
        people.name_visitor(db, visitor.id, external_id)
    return external_id
