"""`person.find`, `person.export`, `person.erase`: a person's rights, on one list or all of them.

POST only, for an address in a URL ends in logs. Erasing is done when it is answered.
"""

import heapq
import operator
import re
import sqlite3
import uuid as uuids
from collections.abc import Iterator, Sequence
from typing import Any

from gateway import clock
from gateway.edge.commands import answers, parameter
from gateway.edge.commands.arguments import invalid, number, owned_list, text
from gateway.edge.commands.command import (
    WRITE,
    Answer,
    Call,
    Command,
    Envelope,
    is_missing,
    numbered,
    succeeded,
    whole_number,
)
from gateway.errors import Problem, Refused
from gateway.records import erasure, lists, rights
from gateway.records.event_log import StoredEvent
from gateway.records.rights import Cursor, Name, Person

MISSING_PERSON = Problem(1, "Missing EmailAddress/SubscriberID/UUID/ID parameter")
INVALID_LIST = Problem(2, "Invalid ListID parameter")
NOT_FOUND = Problem(3, "Person not found")
SEVERAL_PEOPLE = Problem(4, "Several people match: name one of them by EmailAddress")
INVALID_SUBSCRIBER = Problem(5, "Invalid SubscriberID parameter")
INVALID_UUID = Problem(6, "Invalid UUID parameter: write 8-4-4-4-12 hexadecimal digits")

EVENTS_PER_REQUEST = 1_000
EVENTS_PER_REQUEST_MAX = 10_000

_CURSOR = re.compile(r"(\d{1,18})-(\d{1,18})")
_WHO = ("EmailAddress", "SubscriberID", "UUID", "ID", "ListID")


async def find(call: Call) -> Answer:
    name = _name(call)

    def read(db: sqlite3.Connection) -> list[dict[str, Any]]:
        return [_summary(db, person) for person in _found(db, call, name)]

    return succeeded(Persons=await call.services.reader.read(read))


async def export(call: Call) -> Answer:
    """The document of everything held; its events a page at a time, behind `After`."""
    name, after = _name(call), _cursor(call)
    rows = number(call.parameters, "RecordsPerRequest", EVENTS_PER_REQUEST, EVENTS_PER_REQUEST_MAX)

    def read(db: sqlite3.Connection) -> Answer:
        persons = _found(db, call, name)
        held = [rights.facts(db, person) | {"events": []} for person in persons]
        last = _fill_events(db, persons, held, after, rows or EVENTS_PER_REQUEST_MAX)
        exported_at = clock.iso(clock.now_ms())
        document = {"format": rights.FORMAT, "exported_at": exported_at, "persons": held}
        return succeeded(Export=document, NextAfter=last)

    return await call.services.reader.read(read)


async def erase(call: Call) -> Answer:
    """Raises Refused when the name could mean several people: nobody is erased by mistake."""
    persons = await call.services.reader.read(_found, call, _name(call))
    if len(rights.addresses(persons)) > 1:
        raise Refused(SEVERAL_PEOPLE)
    write = call.services.writer.write
    receipts = [await erasure.erase(write, person, clock.now_ms()) for person in persons]
    return succeeded(Receipts=[_receipt(receipt) for receipt in receipts])


def _name(call: Call) -> Name:
    """What the person is looked for by: the first of the four parameters that is given."""
    given = call.parameters
    if not is_missing(given.get("emailaddress")):
        return Name(email=text(given, "EmailAddress"))
    if not is_missing(given.get("subscriberid")):
        subscriber_id = whole_number(given["subscriberid"])
        if subscriber_id is None:
            raise Refused(INVALID_SUBSCRIBER)
        return Name(subscriber_id=subscriber_id)
    if not is_missing(given.get("uuid")):
        try:
            return Name(uuid=uuids.UUID(text(given, "UUID")).bytes)
        except ValueError:
            raise Refused(INVALID_UUID) from None
    if not is_missing(given.get("id")):
        return Name(external_id=text(given, "ID"))
    raise Refused(MISSING_PERSON)


def _found(db: sqlite3.Connection, call: Call, name: Name) -> list[Person]:
    """Raises Refused when there is nobody."""
    if is_missing(call.parameters.get("listid")):
        list_ids = [each.id for each in lists.of_account(db, call.caller.account_id)]
    else:
        list_ids = [owned_list(db, call, "ListID", INVALID_LIST).id]
    persons = rights.find(db, list_ids, name)
    if not persons:
        raise Refused(NOT_FOUND)
    return persons


def _summary(db: sqlite3.Connection, person: Person) -> dict[str, Any]:
    subscriber, browsers = person.subscriber, rights.visitors(db, person)
    return {
        "ListID": person.list_id,
        "SubscriberID": subscriber.id if subscriber else None,
        "EmailAddress": subscriber.email if subscriber else None,
        "ExternalID": subscriber.external_id if subscriber else None,
        "UUIDs": [str(uuids.UUID(bytes=row["uuid"])) for row in browsers],
    }


def _fill_events(
    db: sqlite3.Connection,
    persons: Sequence[Person],
    held: Sequence[dict[str, Any]],
    after: Cursor,
    rows: int,
) -> str | None:
    """Put one page of events to the persons they are of. Where the next page starts; None at
    the end."""
    last = None
    streams = [_placed(db, person, place, after) for place, person in enumerate(persons)]
    for cursor, place, event in heapq.merge(*streams, key=operator.itemgetter(0)):
        if rows == 0:
            return last
        held[place]["events"].append(event)
        last, rows = f"{cursor.visitor_id}-{cursor.event_id}", rows - 1
    return None


def _placed(
    db: sqlite3.Connection, person: Person, place: int, after: Cursor
) -> Iterator[tuple[Cursor, int, StoredEvent]]:
    return ((cursor, place, event) for cursor, event in rights.events(db, person, after))


def _cursor(call: Call) -> Cursor:
    given = text(call.parameters, "After")
    if not given:
        return Cursor()
    read = _CURSOR.fullmatch(given)
    if read is None:
        raise Refused(invalid("After", "the NextAfter of the answer before"))
    return Cursor(int(read[1]), int(read[2]))


def _receipt(receipt: erasure.Receipt) -> dict[str, Any]:
    return {
        "ErasureID": receipt.id,
        "ListID": receipt.list_id,
        "Counts": receipt.counts,
        "Digest": receipt.digest,
        "ErasedAt": clock.iso(receipt.at_ms),
    }


_CODES = numbered(MISSING_PERSON, INVALID_LIST, NOT_FOUND, INVALID_SUBSCRIBER, INVALID_UUID)

COMMANDS = (
    Command(
        name="person.find",
        needs="read",
        summary="Whom a name means, on one list or all.",
        answers=answers.Persons,
        asks=("EmailAddress/SubscriberID/UUID/ID",),
        handler=find,
        methods=WRITE,
        parameters=_WHO,
        codes=_CODES,
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="person.export",
        needs="admin",
        summary="Everything held of a person, as one document.",
        answers=answers.Exported,
        asks=("EmailAddress/SubscriberID/UUID/ID",),
        meanings={
            "RecordsPerRequest": parameter.whole(
                f"Most events to answer, at most {EVENTS_PER_REQUEST_MAX}; 0 is that.", 0
            )
        },
        handler=export,
        methods=WRITE,
        parameters=(*_WHO, "RecordsPerRequest", "After"),
        codes=_CODES,
        envelope=Envelope.SUCCESS,
    ),
    Command(
        name="person.erase",
        needs="admin",
        summary="Forget a person, on one list or all. Done when it is answered.",
        answers=answers.Erased,
        asks=("EmailAddress/SubscriberID/UUID/ID",),
        handler=erase,
        methods=WRITE,
        parameters=_WHO,
        codes=_CODES | numbered(SEVERAL_PEOPLE),
        envelope=Envelope.SUCCESS,
    ),
)
