"""Whose event is it: which visitor, and to which subscriber that visitor is bound.

`decide` is the rule, pure; the rest reads what it needs and does what it says, with an entry in
the journal (`bindings`) for every change. Identify goes over click-through, which fills an empty
binding only. A visitor who identified is never handed to somebody else: a second address on one
browser starts a new visitor from there, so the first person's history stays theirs.
"""

import logging
import sqlite3
import uuid as uuids
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gateway.events.event import Enriched, Trust
from gateway.events.parse import is_hash
from gateway.events.vocabulary import Door, Kind
from gateway.records import bindings, clicks, fields, people
from gateway.records.bindings import By
from gateway.records.people import Subscriber, Visitor
from gateway.records.recall import Recall

log = logging.getLogger(__name__)


class Stitch(Enum):
    """What an event does to its visitor's binding."""

    KEEP = "keep"
    CLICK = "click"  # point to whom the click names
    IDENTIFY = "identify"  # point to whom the event names
    SPLIT = "split"  # go on as a new visitor


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a visitor is bound to, and by what."""

    subscriber_id: int
    by: By


@dataclass(frozen=True, slots=True)
class Person:
    """Whose event it is. `newly_bound`: the event brought an address its visitor was not bound to.
    `named`: it names somebody who is known, and is believed.

    `external_id` is None unless a server asks: browsers neither send nor receive one.
    """

    visitor: Visitor
    external_id: str | None
    newly_bound: bool
    named: bool


def decide(known: Known | None, claimed: int | None, clicked: int | None) -> Stitch:
    """The rule: `claimed` is the subscriber an event names, `clicked` whose link was opened."""
    if claimed is None:
        return Stitch.CLICK if clicked is not None and known is None else Stitch.KEEP
    if known is None or known.by is By.CLICK:
        return Stitch.IDENTIFY
    return Stitch.KEEP if known.subscriber_id == claimed else Stitch.SPLIT


def stitch(db: sqlite3.Connection, event: Enriched, recall: Recall) -> Person:
    """Find or make the event's visitor, bind it as the event says, and write what it brings."""
    if says_nothing_of_who(event) and event.door is not Door.API:
        return Person(_named_visitor(db, event, recall), None, newly_bound=False, named=False)
    claimed = _claimed(db, event)
    found = _visitor(db, event, claimed, recall)
    clicked = clicks.note(db, event, found)
    visitor, newly_bound = _bind(db, event, found, claimed, clicked)
    if visitor is not found:
        recall.forget_visitor(found)
    if claimed is not None and (newly_bound or event.kind is Kind.IDENTIFY):
        fields.write(db, event.list_id, claimed.id, event.identify_properties)
    external_id = _external_id(db, event, visitor) if event.door is Door.API else None
    if external_id != visitor.external_id:
        recall.forget_visitor(visitor)
    return Person(visitor, external_id, newly_bound, named=claimed is not None)


def says_nothing_of_who(event: Enriched) -> bool:
    """Nearly all events: a browser's next page, which changes nothing about whose it is."""
    return (
        event.email is None
        and event.external_id is None
        and event.click is None
        and event.uuid is not None
    )


def _named_visitor(db: sqlite3.Connection, event: Enriched, recall: Recall) -> Visitor:
    assert event.uuid is not None
    return recall.visitor(db, event.list_id, event.uuid, event.received_at_ms)


def confirm_click(
    db: sqlite3.Connection, list_id: int, uuid: bytes, token_digest: bytes, now_ms: int
) -> None:
    """The tracker saw a person on a landing page: bind as the click says, if nobody is bound."""
    visitor = people.find_visitor(db, list_id, uuid)
    if visitor is None:
        return
    clicked = clicks.confirm_latest(db, visitor.id, token_digest, now_ms)
    if decide(_known(visitor), None, clicked) is Stitch.CLICK:
        _point(db, visitor, clicked, By.CLICK, {"sign": "human"}, now_ms)


def _bind(
    db: sqlite3.Connection,
    event: Enriched,
    visitor: Visitor,
    claimed: Subscriber | None,
    clicked: int | None,
) -> tuple[Visitor, bool]:
    """The visitor as the event leaves it, and whether its address was new to it."""
    claimed_id = claimed.id if claimed else None
    decision = decide(_known(visitor), claimed_id, clicked)
    if decision is Stitch.KEEP:
        return visitor, False
    evidence = {"event_id": str(uuids.UUID(bytes=event.unique_id)), "door": event.door.name.lower()}
    while decision is Stitch.SPLIT:
        evidence["split_from"] = str(visitor.uuid)
        visitor = _next_visitor(db, event, visitor, claimed_id)
        decision = decide(_known(visitor), claimed_id, None)
    if decision is Stitch.CLICK:
        return _point(db, visitor, clicked, By.CLICK, evidence, event.received_at_ms), False
    if decision is Stitch.IDENTIFY:
        is_new = visitor.subscriber_id != claimed_id
        return _point(db, visitor, claimed_id, By.IDENTIFY, evidence, event.received_at_ms), is_new
    return visitor, False


def _point(
    db: sqlite3.Connection,
    visitor: Visitor,
    subscriber_id: int | None,
    by: By,
    evidence: dict[str, Any],
    at_ms: int,
) -> Visitor:
    cause = by.name.lower()
    bindings.change(db, visitor, subscriber_id, by, cause=cause, evidence=evidence, at_ms=at_ms)
    return people.visitor(db, visitor.id)


def _next_visitor(
    db: sqlite3.Connection, event: Enriched, visitor: Visitor, claimed_id: int | None
) -> Visitor:
    """Who goes on from here as `claimed`: the same visitor however often this is said."""
    assert claimed_id is not None
    uuid = _split_uuid(visitor.uuid, claimed_id)
    return people.visitor_by_uuid(db, event.list_id, uuid.bytes, event.received_at_ms)


def _known(visitor: Visitor) -> Known | None:
    if visitor.subscriber_id is None:
        return None
    return Known(visitor.subscriber_id, By(visitor.bound_by or By.IDENTIFY))


def _claimed(db: sqlite3.Connection, event: Enriched) -> Subscriber | None:
    """The subscriber the event names, as far as its door is trusted to name one."""
    if event.trust is Trust.NONE:
        return None
    if event.email:
        if event.trust is Trust.CREATE:
            return people.subscribe(db, event.list_id, event.email, event.received_at_ms)
        return people.subscriber_by_email(db, event.list_id, event.email)
    if event.external_id is not None and is_hash(event.external_id):
        found = fields.subscriber_by_hash(db, event.list_id, event.external_id)
        if found is not None:
            return people.subscriber(db, found)
        if event.kind is Kind.IDENTIFY:
            log.info("unmatched hash list=%d prefix=%.8s", event.list_id, event.external_id)
    return None


def _visitor(
    db: sqlite3.Connection, event: Enriched, claimed: Subscriber | None, recall: Recall
) -> Visitor:
    """The visitor the event names; else the latest one of the person it names; else a new one."""
    if event.uuid:
        return _named_visitor(db, event, recall)
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


def is_split_from(visitor: Visitor, uuid: bytes | None) -> bool:
    """Whether this visitor began where the browser `uuid` named a second person."""
    if uuid is None or visitor.subscriber_id is None:
        return False
    return _split_uuid(uuids.UUID(bytes=uuid), visitor.subscriber_id) == visitor.uuid


def _split_uuid(uuid: uuids.UUID, subscriber_id: int) -> uuids.UUID:
    return uuids.uuid5(uuid, str(subscriber_id))


def _external_id(db: sqlite3.Connection, event: Enriched, visitor: Visitor) -> str:
    """The caller's id for this person: given now, or known already, or a random one; kept.

    One that was given goes, last of all, into the list's unique-identifier field too.
    """
    subscriber = (
        people.subscriber(db, visitor.subscriber_id) if visitor.subscriber_id is not None else None
    )
    known = (subscriber.external_id if subscriber else None) or visitor.external_id
    external_id = event.external_id or known or str(uuids.uuid4())
    if subscriber and external_id != subscriber.external_id:
        people.name_subscriber(db, subscriber.id, external_id)
    elif not subscriber and external_id != visitor.external_id:
        people.name_visitor(db, visitor, external_id)
    if subscriber and event.external_id and event.email:
        field = fields.unique_identifier(db, event.list_id)
        if field:
            fields.put(db, subscriber.id, field.id, external_id)
    return external_id
