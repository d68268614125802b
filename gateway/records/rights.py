"""A person's rights: who somebody is to us, and everything we hold of them, as one document.

A person is a subscriber with all browsers bound to them now, or a browser that is nobody's. What
a browser did belongs to whom it points to: once it is another's, so are its events. The
document names nobody but the person: where the journal speaks of others it says so and no more.
`erasure` forgets what is shown here; a table that holds something of a person is in both.
"""

import itertools
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from gateway import clock
from gateway.records import bindings, enrolments, event_log, fields, outbox, people, quarantine
from gateway.records.event_log import StoredEvent
from gateway.records.people import Subscriber, Visitor
from gateway.records.quarantine import Quarantined
from gateway.records.run import Run

FORMAT = 1  # of the document


@dataclass(frozen=True, slots=True)
class Name:
    """What somebody is looked for by: one of these."""

    email: str | None = None
    external_id: str | None = None
    uuid: bytes | None = None
    subscriber_id: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a list: a subscriber, or else a visitor who is nobody's yet."""

    list_id: int
    subscriber: Subscriber | None
    visitor: Visitor | None = None


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """Where a page of a person's events ends: behind this event of this visitor."""

    visitor_id: int = 0
    event_id: int = 0


def find(db: sqlite3.Connection, list_ids: Sequence[int], name: Name) -> list[Person]:
    """Whom the name means on these lists; who is found is known by address on the others too."""
    found = [person for list_id in list_ids for person in _on_list(db, list_id, name)]
    for address in addresses(found):
        found += [p for each in list_ids for p in _on_list(db, each, Name(email=address))]
    unique = {(p.list_id, _key(p)): p for p in found}
    return [unique[key] for key in sorted(unique)]


def addresses(persons: Sequence[Person]) -> list[str]:
    """The addresses they have, each once, without regard to case."""
    found = {p.subscriber.email.casefold(): p.subscriber.email for p in persons if p.subscriber}
    return [found[key] for key in sorted(found)]


def visitors(db: sqlite3.Connection, person: Person) -> list[sqlite3.Row]:
    """The browsers that are this person's now."""
    if person.subscriber is None:
        assert person.visitor is not None
        return db.execute(
            "select * from visitors where id = :id and subscriber_id is null",
            {"id": person.visitor.id},
        ).fetchall()
    return db.execute(
        "select * from visitors where subscriber_id = :id order by id", {"id": person.subscriber.id}
    ).fetchall()


def facts(db: sqlite3.Connection, person: Person) -> dict[str, Any]:
    """Everything held of a person but the events, which can be many."""
    browsers = visitors(db, person)
    return {
        "list_id": person.list_id,
        "subscriber": _subscriber(db, person.subscriber) if person.subscriber else None,
        "custom_fields": _custom_fields(db, person.subscriber) if person.subscriber else {},
        "visitors": [_visitor(row) for row in browsers],
        "bindings": _journal(db, person, browsers),
        "clicks": _clicks(db, person),
        "conversions": [_conversion(row) for each in browsers for row in _conversions(db, each)],
        "enrolments": _enrolments(db, person.subscriber) if person.subscriber else [],
        "deliveries": _deliveries(db, person.subscriber) if person.subscriber else [],
        "quarantined": [
            _quarantined(kept)
            for kept in quarantine.each(db, person.list_id)
            if is_of(kept, person, browsers)
        ],
    }


def is_of(kept: Quarantined, person: Person, browsers: Sequence[sqlite3.Row]) -> bool:
    """Whether a refused event is of the person, or gives their address."""
    if kept.visitor and any(kept.visitor == row["uuid"] for row in browsers):
        return True
    if person.subscriber is None:
        return False
    named, click = kept.named, kept.request.facts.click
    return (
        names(person, kept.payload)
        or names(person, kept.facts)
        or (click is not None and click.subscriber_id == person.subscriber.id)
        or (named.external_id is not None and named.external_id == person.subscriber.external_id)
    )


def names(person: Person, text: str) -> bool:
    """Whether a text gives the person's address, as it is or as in a URL."""
    if person.subscriber is None:
        return False
    address, text = person.subscriber.email.casefold(), text.casefold()
    return address in text or quote(address, safe="").casefold() in text


def events(
    db: sqlite3.Connection, person: Person, after: Cursor | None = None
) -> Iterator[tuple[Cursor, StoredEvent]]:
    """A person's events, browser by browser, each oldest first, a page of them in memory at a
    time; with each, where to go on behind it."""
    after = after or Cursor()
    for visitor in visitors(db, person):
        visitor_id = visitor["id"]
        if visitor_id < after.visitor_id:
            continue
        last_id = after.event_id if visitor_id == after.visitor_id else 0
        while page := event_log.of_visitor(db, visitor_id, last_id):
            yield from ((Cursor(visitor_id, event.id), event) for event in page)
            last_id = page[-1].id


def document(db: sqlite3.Connection, persons: Sequence[Person], now_ms: int) -> Iterator[str]:
    """The pieces of one JSON document, events last, so that no history is too long for it."""
    yield _opening(now_ms)
    for place, person in enumerate(persons):
        yield ", " * bool(place) + _held(db, person)
        for number, (_, event) in enumerate(events(db, person)):
            yield ", " * bool(number) + _spelled(event)
        yield _END_OF_PERSON
    yield _CLOSING


async def document_of(run: Run, person: Person, now_ms: int) -> AsyncIterator[str]:
    """The same of one person, read in steps of `run`: for a reader who may take long."""
    yield _opening(now_ms)
    yield await run(partial(_held, person=person))
    after, separator = Cursor(), ""
    while page := await run(partial(_page, person=person, after=after)):
        yield separator + ", ".join(_spelled(event) for _, event in page)
        after, separator = page[-1][0], ", "
    yield _END_OF_PERSON + _CLOSING


def _opening(now_ms: int) -> str:
    return f'{{"format": {FORMAT}, "exported_at": "{clock.iso(now_ms)}", "persons": ['


def _held(db: sqlite3.Connection, person: Person) -> str:
    return json.dumps(facts(db, person))[:-1] + ', "events": ['


def _spelled(event: StoredEvent) -> str:
    return msgspec.json.encode(event).decode()


_END_OF_PERSON = "]}"
_CLOSING = "]}\n"


def _page(
    db: sqlite3.Connection, person: Person, after: Cursor
) -> list[tuple[Cursor, StoredEvent]]:
    return list(itertools.islice(events(db, person, after), event_log.PAGE_ROWS))


def _on_list(db: sqlite3.Connection, list_id: int, name: Name) -> list[Person]:
    if name.uuid is not None:
        visitor = people.find_visitor(db, list_id, name.uuid)
        return [_of_visitor(db, visitor)] if visitor else []
    if name.external_id is not None:
        return _by_external_id(db, list_id, name.external_id)
    if name.email is not None:
        found = people.subscriber_by_email(db, list_id, name.email)
    else:
        found = _by_id(db, list_id, name.subscriber_id)
    return [Person(list_id, found)] if found else []


def _by_id(db: sqlite3.Connection, list_id: int, subscriber_id: int | None) -> Subscriber | None:
    row = db.execute(
        "select 1 from subscribers where id = :id and list_id = :list_id",
        {"id": subscriber_id, "list_id": list_id},
    ).fetchone()
    return people.subscriber(db, subscriber_id) if row and subscriber_id else None


def _by_external_id(db: sqlite3.Connection, list_id: int, external_id: str) -> list[Person]:
    named = {"list_id": list_id, "external_id": external_id}
    subscribers = db.execute(
        "select id from subscribers where list_id = :list_id and external_id = :external_id", named
    ).fetchall()
    lone = db.execute(
        """select id from visitors where list_id = :list_id and external_id = :external_id
               and subscriber_id is null""",
        named,
    ).fetchall()
    return [Person(list_id, people.subscriber(db, row["id"])) for row in subscribers] + [
        Person(list_id, None, people.visitor(db, row["id"])) for row in lone
    ]


def _of_visitor(db: sqlite3.Connection, visitor: Visitor) -> Person:
    if visitor.subscriber_id is None:
        return Person(visitor.list_id, None, visitor)
    return Person(visitor.list_id, people.subscriber(db, visitor.subscriber_id))


def _key(person: Person) -> tuple[int, int]:
    if person.subscriber:
        return 0, person.subscriber.id
    return 1, person.visitor.id if person.visitor else 0


def _subscriber(db: sqlite3.Connection, subscriber: Subscriber) -> dict[str, Any]:
    row = db.execute("select * from subscribers where id = :id", {"id": subscriber.id}).fetchone()
    return {
        "id": row["id"],
        "email": row["email"],
        "external_id": row["external_id"],
        "status": row["status"],
        "bounce_type": row["bounce_type"],
        "created_at": clock.iso(row["created_at_ms"]),
        "subscription_ip": row["subscription_ip"],
        "unsubscribed_at": _iso(row["unsubscribed_at_ms"]),
        "unsubscription_ip": row["unsubscription_ip"],
    }


def _custom_fields(db: sqlite3.Connection, subscriber: Subscriber) -> dict[str, str]:
    names = {field.id: field.name for field in fields.of_list(db, subscriber.list_id)}
    values = fields.values(db, subscriber.id)
    return {f"{names[field_id]} ({field_id})": value for field_id, value in values.items()}


def _visitor(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "uuid": people.uuid_text(row["uuid"]),
        "external_id": row["external_id"],
        "bound_by": None if row["bound_by"] is None else bindings.By(row["bound_by"]).name.lower(),
        "created_at": clock.iso(row["created_at_ms"]),
    }


def _journal(
    db: sqlite3.Connection, person: Person, browsers: Sequence[sqlite3.Row]
) -> list[dict[str, Any]]:
    """All that was said of the person's browsers, and of others so far as it names the person."""
    address = person.subscriber.email if person.subscriber else None
    own = {people.uuid_text(row["uuid"]) for row in browsers}
    if person.subscriber:
        entries = bindings.of_subscriber(db, person.subscriber.id)
    else:
        entries = [
            e for row in browsers for e in bindings.of_visitor(db, row["list_id"], row["uuid"])
        ]

    def shown(email: str | None) -> str | None:
        return email if email in (address, None) else "(another person)"

    return [
        {
            "id": entry.id,
            "at": clock.iso(entry.at_ms),
            "visitor": entry.visitor,
            "cause": entry.cause,
            "evidence": entry.evidence,
            "before": shown(entry.before),
            "after": shown(entry.after),
            "undoes": entry.undoes,
        }
        for entry in entries
        if entry.visitor in own or (address is not None and address in (entry.before, entry.after))
    ]


def _clicks(db: sqlite3.Connection, person: Person) -> list[dict[str, Any]]:
    """Those of the person's browsers, and those of the person's links in any browser."""
    rows = db.execute(
        """select k.*, v.uuid from visitors v join clicks k on k.visitor_id = v.id
           where v.subscriber_id = :subscriber_id
           union select k.*, v.uuid from visitors v join clicks k on k.visitor_id = v.id
           where v.id = :visitor_id and v.subscriber_id is null
           union select k.*, v.uuid from clicks k join visitors v on v.id = k.visitor_id
           where k.subscriber_id = :subscriber_id""",
        {
            "subscriber_id": person.subscriber.id if person.subscriber else None,
            "visitor_id": person.visitor.id if person.visitor else None,
        },
    )
    return [
        {
            "campaign": row["campaign"],
            "visitor": people.uuid_text(row["uuid"]),
            "clicked_at": clock.iso(row["clicked_at_ms"]),
            "confirmed_at": _iso(row["confirmed_at_ms"]),
            "confirmed_by": row["confirmed_by"],
            "marked": bool(row["marked"]),
        }
        for row in rows
    ]


def _conversions(db: sqlite3.Connection, visitor: sqlite3.Row) -> list[sqlite3.Row]:
    return db.execute(
        """select conversions.*, campaign from conversions left join clicks on clicks.id = click_id
           where conversions.visitor_id = :id order by conversions.id""",
        {"id": visitor["id"]},
    ).fetchall()


def _conversion(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "conversion_id": row["conversion_id"],
        "name": row["name"],
        "value": row["value"],
        "currency": row["currency"],
        "quantity": row["quantity"],
        "campaign": row["campaign"],
        "happened_at": clock.iso(row["happened_at_ms"]),
    }


def _enrolments(db: sqlite3.Connection, subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {"journey_id": each.journey_id, "event": each.event_id, "at": clock.iso(each.at_ms)}
        for each in enrolments.of_subscriber(db, subscriber.id)
    ]


def _deliveries(db: sqlite3.Connection, subscriber: Subscriber) -> list[dict[str, Any]]:
    """What was sent of them, or is to be; the body is not kept once it is delivered."""
    return [
        {
            "id": each.delivery_id,
            "state": each.state.name.lower(),
            "written_at": clock.iso(each.written_at_ms),
            "ended_at": _iso(each.ended_at_ms),
            "outcome": each.outcome,
            "body": json.loads(each.body) if each.body else None,
        }
        for each in outbox.of_subscriber(db, subscriber.id)
    ]


def _quarantined(kept: Quarantined) -> dict[str, Any]:
    return {
        "received_at": clock.iso(kept.received_at_ms),
        "door": kept.door.name.lower(),
        "problems": [problem.message for problem in kept.problems],
        "request": json.loads(kept.facts),
        "payload": json.loads(kept.payload),
    }


def _iso(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else clock.iso(instant_ms)
