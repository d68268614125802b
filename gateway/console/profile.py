"""Everything about one person: standing, fields, browsers and why they are theirs, segments,
journeys, revenue, events; and all of it as a file."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response, StreamingResponse

from gateway import clock
from gateway.console import history, telling
from gateway.console.entry import Page
from gateway.console.history import Journal, Timeline
from gateway.console.rendering import Missing, render
from gateway.console.visit import Visit
from gateway.records import (
    attribution,
    bindings,
    browsers,
    enrolments,
    erasure,
    event_log,
    fields,
    outbox,
    people,
    rights,
    segments,
    webhooks,
)
from gateway.records.attribution import Revenue
from gateway.records.browsers import Browser
from gateway.records.enrolments import Standing
from gateway.records.fields import CustomField
from gateway.records.outbox import Delivery
from gateway.records.people import Subscriber
from gateway.records.rights import Person
from gateway.records.segments import Segment

BROWSERS_MAX = 50
SEGMENTS_S = 0.1
STAYS_MAX = 20


@dataclass(frozen=True, slots=True)
class Stay:
    """A journey the person came into, and what it owed: each delivery with its receiver's host."""

    standing: Standing
    deliveries: Sequence[tuple[str, Delivery]]


@dataclass(frozen=True, slots=True)
class Profile:
    """`fields` with the person's value, None where there is none."""

    subscriber: Subscriber
    is_being_erased: bool
    fields: Sequence[tuple[CustomField, str | None]]
    browsers: Sequence[Browser]
    journal: Journal
    segments: Sequence[Segment]
    segments_not_asked: Sequence[Segment]
    stays: Sequence[Stay]
    revenue: Sequence[Revenue]
    timeline: Timeline


async def show(visit: Visit) -> Response:
    found = await visit.services.reader.read(_profile, visit)
    totals = attribution.by_currency(list(found.revenue))
    return render(visit, "profile.html", profile=found, totals=totals, about=telling.about)


async def export(visit: Visit) -> Response:
    """Everything held of the person, as a file: sent as it is read."""
    subscriber = visit.services.reader.look_up(named, visit)
    person = Person(subscriber.list_id, subscriber)
    return StreamingResponse(
        rights.document_of(visit.services.reader.read, person, clock.now_ms()),
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="person-{subscriber.id}.json"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


def named(db: sqlite3.Connection, visit: Visit) -> Subscriber:
    """Whom `{subscriber_id}` in the path names, on its list. Raises Missing."""
    found = people.on_list(db, visit.of_list.id, visit.number("subscriber_id"))
    if found is None:
        raise Missing("There is nobody of this id on the list.")
    return found


def _profile(db: sqlite3.Connection, visit: Visit) -> Profile:
    person = named(db, visit)
    values = fields.values(db, person.id)
    events = event_log.newest_of_subscriber(
        db, person.id, rows=history.ROWS + 1, before_id=history.before_id(visit)
    )
    meaning, not_asked = segments.of_subscriber_within(db, person.list_id, person.id, SEGMENTS_S)
    story = bindings.of_subscriber(db, person.id, history.JOURNAL_MAX)
    return Profile(
        subscriber=person,
        is_being_erased=erasure.is_begun(db, Person(person.list_id, person)),
        fields=[(each, values.get(each.id)) for each in fields.of_list(db, person.list_id)],
        browsers=browsers.of_subscriber(db, person.id, BROWSERS_MAX),
        journal=history.journal(db, person.list_id, story),
        segments=meaning,
        segments_not_asked=not_asked,
        stays=[
            _stay(db, person.id, each) for each in enrolments.standing(db, person.id, STAYS_MAX)
        ],
        revenue=attribution.of_subscriber(db, person.id),
        timeline=history.timeline(visit, events),
    )


def _stay(db: sqlite3.Connection, subscriber_id: int, standing: Standing) -> Stay:
    hosts = {
        each.id: urlsplit(each.url).hostname or ""
        for each in webhooks.of_journey(db, standing.journey_id)
    }
    owed = outbox.of_enrolment(db, standing.journey_id, subscriber_id, standing.event_id)
    return Stay(standing, [(hosts.get(each.webhook_id, ""), each) for each in owed])


PAGES = (
    Page("/lists/{list_id:int}/people/{subscriber_id:int}", show=show),
    Page("/lists/{list_id:int}/people/{subscriber_id:int}/export", show=export),
)
