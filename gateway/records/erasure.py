"""Forgetting a person: all that `rights` shows, in chunks, and a receipt. Writes `erasures`.

It deletes from other modules' tables, because the order is one thing: what points before what
is pointed to. The address and the browsers are suppressed in the first transaction, so nothing
brings the person back; what still comes in for a browser that is there is found by the next chunk,
and the row that makes it findable goes last, in the transaction that saw nothing left. An erasure
that was cut short is `under_way` until somebody finishes it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from gateway.records import people, quarantine, rights, sightings, suppressions
from gateway.records.rights import Person
from gateway.records.run import Run

ROWS = 100  # a chunk's: some five milliseconds of the writer

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is left of an erasure: how many rows of which table, when, and whose, as a digest."""

    id: int
    list_id: int
    digest: str
    counts: Counts
    at_ms: int


async def erase(run: Run, person: Person, now_ms: int) -> Receipt:
    """Forget everything of this person on this list."""
    receipt_id = await run(partial(begin, person=person, now_ms=now_ms))
    return await finish(run, person, receipt_id, now_ms)


async def finish(run: Run, person: Person, receipt_id: int, now_ms: int) -> Receipt:
    """What `begin` leaves to do, or what was left when that was cut short."""
    for visitor_id in await run(partial(_browsers_once_theirs, person=person)):
        after_id: int | None = 0
        while after_id is not None:
            forget = partial(_forget_naming, person=person, visitor_id=visitor_id)
            after_id = await run(partial(forget, after_id=after_id, receipt_id=receipt_id))
    after_id = 0
    while after_id is not None:
        forget = partial(_forget_quarantined, person=person, receipt_id=receipt_id)
        after_id = await run(partial(forget, after_id=after_id))
    forget_chunk = partial(_forget_chunk, person=person, receipt_id=receipt_id, now_ms=now_ms)
    while not await run(forget_chunk):
        pass
    return await run(partial(receipt, receipt_id=receipt_id))


def begin(db: sqlite3.Connection, person: Person, now_ms: int) -> int:
    """Nobody comes back from here on. The id of the receipt: that of the erasure which was cut
    short, if there was one."""
    digest = _digest(person)
    is_another_try = is_begun(db, person)
    external_id = person.subscriber.external_id if person.subscriber else None
    suppressions.add(db, person.list_id, digest, now_ms)
    if external_id:
        suppress = suppressions.external_id_digest(external_id)
        suppressions.add(db, person.list_id, suppress, now_ms)
    for visitor in rights.visitors(db, person)[:ROWS]:
        _suppress_visitor(db, visitor, now_ms)
    found = db.execute(
        "select max(id) from erasures where list_id = :list_id and digest = :digest",
        {"list_id": person.list_id, "digest": digest},
    ).fetchone()[0]
    if is_another_try and found:
        receipt_id = int(found)
    else:
        made = db.execute(
            """insert into erasures (list_id, digest, counts, at_ms)
               values (:list_id, :digest, '{}', :now_ms) returning id""",
            {"list_id": person.list_id, "digest": digest, "now_ms": now_ms},
        )
        receipt_id = int(made.fetchone()["id"])
    _note_whose(db, receipt_id, _ids(person))
    return receipt_id


def under_way(db: sqlite3.Connection) -> list[tuple[int, Person]]:
    """The receipts and persons of all erasures that are not done."""
    rows = db.execute(
        """select id, list_id, subscriber_id, visitor_id from erasures
               where subscriber_id is not null
           union all select id, list_id, subscriber_id, visitor_id from erasures
               where visitor_id is not null"""
    )
    return [(row["id"], _person(db, row)) for row in rows]


def is_begun(db: sqlite3.Connection, person: Person) -> bool:
    """Whether the person is being erased: suppressed, and still there."""
    return suppressions.holds(db, person.list_id, _digest(person))


def receipt(db: sqlite3.Connection, receipt_id: int) -> Receipt:
    row = db.execute("select * from erasures where id = :id", {"id": receipt_id}).fetchone()
    return Receipt(
        row["id"], row["list_id"], row["digest"].hex(), json.loads(row["counts"]), row["at_ms"]
    )


def of_list(db: sqlite3.Connection, list_id: int, receipt_id: int) -> Receipt | None:
    """The receipt of this id, if it is this list's."""
    row = db.execute(
        "select 1 from erasures where id = :id and list_id = :list_id",
        {"id": receipt_id, "list_id": list_id},
    ).fetchone()
    return receipt(db, receipt_id) if row else None


def _forget_chunk(db: sqlite3.Connection, person: Person, receipt_id: int, now_ms: int) -> bool:
    """Forget some of whatever is left. True when that was the person's own row, now or before: two
    may be at one erasure, and what number the row had may be a newcomer's since."""
    if not _is_under_way(db, receipt_id):
        return True
    for forget in _CHUNKS:
        counts = forget(db, person)
        if counts:
            _count(db, receipt_id, counts)
            return False
    # Nothing points to the person any more, and nothing can before this transaction ends.
    found = rights.visitors(db, person)
    for visitor in found[:ROWS]:
        _forget_visitor(db, visitor, now_ms)
    counts = {"visitors": len(found[:ROWS])}
    done = len(found) <= ROWS
    if done and person.subscriber:
        counts |= _forget_subscriber(db, person.subscriber.id)
    _count(db, receipt_id, counts)
    if done:
        _note_whose(db, receipt_id, {"subscriber_id": None, "visitor_id": None})
    return done


def _forget_deliveries(db: sqlite3.Connection, person: Person) -> Counts:
    """What is owed of them is sent no more."""
    gone = db.execute(
        f"""delete from outbox where id in
            (select id from outbox where subscriber_id = :subscriber_id limit {ROWS})""",  # noqa: S608
        _ids(person),
    ).rowcount
    return {"outbox": gone} if gone else {}


def _forget_enrolments(db: sqlite3.Connection, person: Person) -> Counts:
    gone = db.execute(
        f"""delete from enrolments where id in
            (select id from enrolments where subscriber_id = :subscriber_id limit {ROWS})""",  # noqa: S608
        _ids(person),
    ).rowcount
    return {"enrolments": gone} if gone else {}


def _forget_events(db: sqlite3.Connection, person: Person) -> Counts:
    rows = db.execute(
        f"""select e.id, e.page_id, p.properties as page
            from visitors v join events e on e.visitor_id = v.id
            join contexts p on p.id = e.page_id
            where {_where(person)} limit {ROWS}""",  # noqa: S608
        _ids(person),
    ).fetchall()
    _blank_pages(db, person, rows)
    return _delete_events(db, [row["id"] for row in rows])


def _forget_examples(db: sqlite3.Connection, person: Person) -> Counts:
    """The catalog's examples say nothing personal as far as that can be told from a value. Whose
    they are it does not say, so all of the list go; others come with the next events."""
    gone = sightings.forget_examples(db, person.list_id, ROWS)
    return {"catalog examples": gone} if gone else {}


def _delete_events(db: sqlite3.Connection, event_ids: Iterable[int]) -> Counts:
    """With what points to them: the identifies they brought along, and their conversions."""
    ids = [{"id": event_id} for event_id in event_ids]
    if not ids:
        return {}
    conversions = db.executemany("delete from conversions where event_id = :id", ids).rowcount
    deleted = db.executemany("delete from events where caused_by = :id", ids).rowcount
    deleted += db.executemany("delete from events where id = :id", ids).rowcount
    return {"events": deleted, "conversions": conversions}


def _blank_pages(db: sqlite3.Connection, person: Person, rows: Iterable[sqlite3.Row]) -> None:
    """A page whose address or title names the person is emptied; others share it or retention
    removes it, for whether an event still uses a page is not known without reading them all."""
    pages = {row["page_id"] for row in rows if rights.names(person, row["page"])}
    db.executemany(
        "update contexts set properties = '{}', digest = randomblob(12) where id = :id",
        [{"id": page_id} for page_id in pages],
    )


def _forget_clicks(db: sqlite3.Connection, person: Person) -> Counts:
    """Those of their browsers, and of their links wherever they were opened. Conversions of
    other people that such a click was credited with stay theirs, with no click."""
    rows = db.execute(
        f"""select k.id from visitors v join clicks k on k.visitor_id = v.id
            where {_where(person)} limit {ROWS}""",  # noqa: S608 - one of two texts, a number
        _ids(person),
    ).fetchall()
    rows = (
        rows
        or db.execute(
            f"select id from clicks where subscriber_id = :subscriber_id limit {ROWS}",  # noqa: S608
            _ids(person),
        ).fetchall()
    )
    ids = [{"id": row["id"]} for row in rows]
    db.executemany("update conversions set click_id = null where click_id = :id", ids)
    db.executemany("delete from clicks where id = :id", ids)
    return {"clicks": len(ids)} if ids else {}


def _forget_journal(db: sqlite3.Connection, person: Person) -> Counts:
    """The entries of their browsers; newest first, for an undo points to what it undoes."""
    rows = db.execute(
        f"""select b.id from visitors v join bindings b on b.visitor_id = v.id
            where {_where(person)} order by v.id, b.id desc limit {ROWS}""",  # noqa: S608
        _ids(person),
    ).fetchall()
    db.executemany("delete from bindings where id = :id", [{"id": row["id"]} for row in rows])
    return {"bindings": len(rows)} if rows else {}


def _forget_mentions(db: sqlite3.Connection, person: Person) -> Counts:
    """In the entries of browsers that are another's now, the person becomes nobody."""
    changed = db.execute(
        f"""update bindings set
                bound_by_before = iif(subscriber_before is :subscriber_id, null, bound_by_before),
                bound_by_after = iif(subscriber_after is :subscriber_id, null, bound_by_after),
                subscriber_before = nullif(subscriber_before, :subscriber_id),
                subscriber_after = nullif(subscriber_after, :subscriber_id)
            where id in (select id from bindings where subscriber_before = :subscriber_id
                         union select id from bindings where subscriber_after = :subscriber_id
                         limit {ROWS})""",  # noqa: S608 - a number
        _ids(person),
    ).rowcount
    return {"bindings mentioning": changed} if changed else {}


# What each chunk takes the next rows of, in this order: outgoing payloads before the events they
# stem from.
_CHUNKS: tuple[Callable[[sqlite3.Connection, Person], Counts], ...] = (
    _forget_deliveries,
    _forget_enrolments,
    _forget_events,
    _forget_examples,
    _forget_clicks,
    _forget_journal,
    _forget_mentions,
)


def _forget_visitor(db: sqlite3.Connection, visitor: sqlite3.Row, now_ms: int) -> None:
    _suppress_visitor(db, visitor, now_ms)
    quarantine.remove_visitor(db, visitor["list_id"], visitor["uuid"])
    db.execute(
        """update bindings set evidence = json_remove(evidence, '$.split_from')
           where list_id = :list_id and json_extract(evidence, '$.split_from') = :uuid""",
        {"list_id": visitor["list_id"], "uuid": people.uuid_text(visitor["uuid"])},
    )
    db.execute("delete from visitors where id = :id", {"id": visitor["id"]})


def _forget_subscriber(db: sqlite3.Connection, subscriber_id: int) -> Counts:
    of = {"id": subscriber_id}
    values = db.execute("delete from field_values where subscriber_id = :id", of).rowcount
    subscribers = db.execute("delete from subscribers where id = :id", of).rowcount
    return {"field_values": values, "subscribers": subscribers}


def _browsers_once_theirs(db: sqlite3.Connection, person: Person) -> list[int]:
    """Browsers that were bound to the person and are another's now, or nobody's."""
    rows = db.execute(
        """select id from visitors where subscriber_id is not :subscriber_id and id in (
               select visitor_id from bindings where subscriber_before = :subscriber_id
               union select visitor_id from bindings where subscriber_after = :subscriber_id)""",
        _ids(person),
    )
    return [row["id"] for row in rows]


def _forget_naming(
    db: sqlite3.Connection, person: Person, visitor_id: int, after_id: int, receipt_id: int
) -> int | None:
    """Of such a browser's events, those that give the person's address: an identify does. Where
    to go on; None at the end."""
    rows = db.execute(
        f"""select e.id, e.page_id, e.properties, p.properties as page
            from events e join contexts p on p.id = e.page_id
            where visitor_id = :visitor_id and e.id > :after_id order by e.id limit {ROWS}""",  # noqa: S608
        {"visitor_id": visitor_id, "after_id": after_id},
    ).fetchall()
    _blank_pages(db, person, rows)
    counts = _delete_events(db, [r["id"] for r in rows if rights.names(person, r["properties"])])
    if counts:
        _count(db, receipt_id, counts)
    return rows[-1]["id"] if rows else None


def _forget_quarantined(
    db: sqlite3.Connection, person: Person, after_id: int, receipt_id: int
) -> int | None:
    """Of what was refused, some of the person's. Where to go on; None at the end. What comes in
    later is suppressed, or goes with its browser."""
    if not _is_under_way(db, receipt_id):
        return None
    found = quarantine.page(db, person.list_id, after_id)
    browsers = rights.visitors(db, person)
    theirs = [kept.id for kept in found if rights.is_of(kept, person, browsers)]
    if theirs:
        _count(db, receipt_id, {"quarantined": quarantine.remove(db, theirs)})
    return found[-1].id if found else None


def _count(db: sqlite3.Connection, receipt_id: int, counts: Counts) -> None:
    so_far = receipt(db, receipt_id).counts
    total = {name: so_far.get(name, 0) + counts.get(name, 0) for name in so_far | counts}
    db.execute(
        "update erasures set counts = :counts where id = :id",
        {"id": receipt_id, "counts": json.dumps(total)},
    )


def _note_whose(db: sqlite3.Connection, receipt_id: int, ids: dict[str, int | None]) -> None:
    db.execute(
        """update erasures set subscriber_id = :subscriber_id, visitor_id = :visitor_id
           where id = :id""",
        ids | {"id": receipt_id},
    )


def _is_under_way(db: sqlite3.Connection, receipt_id: int) -> bool:
    row = db.execute(
        "select coalesce(subscriber_id, visitor_id) as whose from erasures where id = :id",
        {"id": receipt_id},
    ).fetchone()
    return row is not None and row["whose"] is not None


def _person(db: sqlite3.Connection, row: sqlite3.Row) -> Person:
    if row["visitor_id"]:
        return Person(row["list_id"], None, people.visitor(db, row["visitor_id"]))
    return Person(row["list_id"], people.on_list(db, row["list_id"], row["subscriber_id"]))


def _suppress_visitor(db: sqlite3.Connection, visitor: sqlite3.Row, now_ms: int) -> None:
    digests = [suppressions.visitor_digest(visitor["uuid"])]
    if visitor["external_id"]:
        digests.append(suppressions.external_id_digest(visitor["external_id"]))
    for digest in digests:
        suppressions.add(db, visitor["list_id"], digest, now_ms)


def _digest(person: Person) -> bytes:
    if person.subscriber:
        return suppressions.email_digest(person.subscriber.email)
    assert person.visitor is not None
    return suppressions.visitor_digest(person.visitor.uuid.bytes)


def _where(person: Person) -> str:
    """Which visitors `v` are the person's."""
    if person.subscriber:
        return "v.subscriber_id = :subscriber_id"
    return "v.id = :visitor_id and v.subscriber_id is null"


def _ids(person: Person) -> dict[str, int | None]:
    return {
        "subscriber_id": person.subscriber.id if person.subscriber else None,
        "visitor_id": person.visitor.id if person.visitor else None,
    }
