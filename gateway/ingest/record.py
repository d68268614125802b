"""What happens to one event, inside the transaction that makes it last. Read this first.

Everything an event brings about (its visitor, its binding, its catalog entries, an identify of
its own, the journeys it fires and the webhooks they owe) exists together with it or not at all: an
exception anywhere undoes the whole item.
"""

import sqlite3
from enum import Enum

import msgspec

from gateway.events.enrich import caused_id
from gateway.events.event import Enriched
from gateway.events.vocabulary import Kind
from gateway.records import attribution, enrolments, event_log, identity, people
from gateway.records.recall import Recall
from gateway.settings import Limits


class Result(Enum):
    """How an event ended; with quarantined, these add up to what was received."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    DROPPED = "dropped"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What `accept` returns for one event. `uuid` is the visitor it belongs to; `goes_on_as` the
    visitor its browser is from here on, where the event has made it another one."""

    result: Result
    uuid: str
    goes_on_as: str | None = None
    external_id: str | None = None
    identify_event_sent: bool = False
    reason: str | None = None


Outcome = Receipt | Exception
"""What became of one event: its receipt, or what kept just this one from being stored."""


def record(
    db: sqlite3.Connection, event: Enriched, limits: Limits, recall: Recall | None = None
) -> Receipt:
    """`recall`: what the caller may remember of rows between events; without, nothing."""
    recall = recall or Recall()
    seen = event_log.find(db, event.list_id, event.unique_id)
    if seen:
        return first_answer(db, event, seen)
    person = identity.stitch(db, event, recall)
    event_id = _store(db, event, person, limits, recall)
    if event.kind is not Kind.CONVERSION or attribution.credit(
        db, event, event_id, person.visitor, limits.click_days
    ):
        enrolments.trigger(db, event, event_id, person, limits, recall)
    identifies = person.newly_bound or event.kind is Kind.IDENTIFY
    if identifies and event.kind is not Kind.IDENTIFY:
        identify = _as_identify(event)
        identify_id = _store(db, identify, person, limits, recall, caused_by=event_id)
        enrolments.trigger(db, identify, identify_id, person, limits, recall)
    uuid = str(person.visitor.uuid)
    return Receipt(
        result=Result.STORED,
        uuid=uuid,
        goes_on_as=uuid if event.uuid not in (None, person.visitor.uuid.bytes) else None,
        external_id=person.external_id,
        identify_event_sent=identifies,
    )


def _store(
    db: sqlite3.Connection,
    event: Enriched,
    person: identity.Person,
    limits: Limits,
    recall: Recall,
    caused_by: int | None = None,
) -> int:
    name_id, first = recall.name_id(db, event.list_id, event.name, event.kind)
    event_id = event_log.append(
        db,
        event,
        name_id=name_id,
        visitor_id=person.visitor.id,
        browser_id=recall.context_id(db, event.browser),
        page_id=recall.context_id(db, event.page),
        answered_id=person.external_id,
        caused_by=caused_by,
    )
    recall.observe(db, event, name_id, first=first, names_max=limits.catalog_names_max)
    return event_id


def _as_identify(event: Enriched) -> Enriched:
    """The identify that an event with a new address sends besides, with the same properties."""
    return msgspec.structs.replace(
        event, name="identify", kind=Kind.IDENTIFY, unique_id=caused_id(event.unique_id)
    )


def first_answer(db: sqlite3.Connection, event: Enriched, seen: event_log.Logged) -> Receipt:
    """The answer of the first time. Where that made the browser another visitor, it does so again,
    for the answer may not have arrived; a late retry of an older event changes nothing."""
    visitor = people.visitor(db, seen.visitor_id)
    return Receipt(
        result=Result.DUPLICATE,
        uuid=str(visitor.uuid),
        goes_on_as=str(visitor.uuid) if identity.is_split_from(visitor, event.uuid) else None,
        external_id=seen.answered_id,
        identify_event_sent=seen.sent_identify,
    )
