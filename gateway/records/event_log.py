"""The events, each once per list and never rewritten. Writes `events`, `event_names`, `contexts`.

Properties that a browser's or a page's events share are kept once, as a *context* found by
its digest; `StoredEvent.properties` puts an event together again, standard ones null where unknown.
"""

import hashlib
import heapq
import itertools
import json
import sqlite3
import uuid as uuids
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway import clock
from gateway.events.enrich import unique_id
from gateway.events.event import Enriched, Properties
from gateway.events.vocabulary import STANDARD_PROPERTIES, Door, Kind

FORMAT = 1  # of `events.properties` and `contexts.properties`: JSON objects as described above
PAGE_ROWS = 500
ID_MAX = 2**63 - 1

Row = tuple[Any, ...]
"""As `row` makes it. What stands in it at `ANSWERED_ID` its sender is answered."""
ANSWERED_ID = 13


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is kept, with all its properties. `uuid` is the visitor's."""

    id: int
    event_id: str
    list_id: int
    event: str
    kind: str
    source: str
    uuid: str
    email: str | None
    happened_at_ms: int
    sent_at_ms: int | None
    received_at_ms: int
    silent: bool
    properties: Properties


class Logged(msgspec.Struct, frozen=True):
    """Where an event stands in the log, and what its sender was answered."""

    id: int
    visitor_id: int
    answered_id: str | None
    sent_identify: bool


def find(db: sqlite3.Connection, list_id: int, unique_id: bytes) -> Logged | None:
    """The event of this id, if the list has it already."""
    found = db.execute(
        "select id from events where list_id = ? and unique_id = ?", (list_id, unique_id)
    ).fetchone()
    if found is None:
        return None
    row = db.execute(
        """select events.id, visitor_id, answered_id, kind,
                  exists (select 1 from events caused where caused.caused_by = events.id) as caused
           from events join event_names on event_names.id = name_id where events.id = :id""",
        {"id": found["id"]},
    ).fetchone()
    sent_identify = row["kind"] == Kind.IDENTIFY or bool(row["caused"])
    return Logged(row["id"], row["visitor_id"], row["answered_id"], sent_identify)


def append(
    db: sqlite3.Connection,
    event: Enriched,
    *,
    name_id: int,
    visitor_id: int,
    browser_id: int,
    page_id: int,
    answered_id: str | None = None,
    caused_by: int | None = None,
) -> int:
    """The new event's id. Ids grow with time, so "after this id" means "stored later"."""
    values = row(
        event,
        name_id=name_id,
        visitor_id=visitor_id,
        browser_id=browser_id,
        page_id=page_id,
        answered_id=answered_id,
        caused_by=caused_by,
    )
    made = db.execute(_INSERT, values)
    assert made.lastrowid is not None
    return made.lastrowid


def append_all(db: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """How many of these events were not here yet; they are now, their ids in the rows' order."""
    return db.executemany(_INSERT + " on conflict do nothing", rows).rowcount


def row(
    event: Enriched,
    *,
    name_id: int,
    visitor_id: int,
    browser_id: int,
    page_id: int,
    answered_id: str | None = None,
    caused_by: int | None = None,
) -> Row:
    """An event as it stands in the table, its values in the order of `_INSERT`."""
    return (
        event.list_id,
        event.unique_id,
        visitor_id,
        name_id,
        browser_id,
        page_id,
        event.happened_at_ms,
        event.sent_at_ms,
        event.received_at_ms,
        event.door,
        event.silent,
        FORMAT,
        _encode(event.own).decode() if event.own else "{}",
        answered_id,
        caused_by,
        # An event of our own making is no count of the tracker's.
        None if caused_by else event.tab,
        None if caused_by else event.seq,
    )


# Values by place and not by name: of all statements this is the one that runs most.
_INSERT = """
    insert into events (list_id, unique_id, visitor_id, name_id, browser_id, page_id,
        happened_at_ms, sent_at_ms, received_at_ms, door, silent, format, properties,
        answered_id, caused_by, tab, seq)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def name_id(db: sqlite3.Connection, list_id: int, name: str, kind: Kind) -> tuple[int, bool]:
    """The id of an event name on a list, and whether this is its first event."""
    found = db.execute(
        "select id from event_names where list_id = :list_id and name = :name",
        {"list_id": list_id, "name": name},
    ).fetchone()
    if found:
        return found["id"], False
    made = db.execute(
        "insert into event_names (list_id, name, kind) values (:list_id, :name, :kind)",
        {"list_id": list_id, "name": name, "kind": int(kind)},
    )
    assert made.lastrowid is not None
    return made.lastrowid, True


def names(db: sqlite3.Connection, list_id: int, rows: int = PAGE_ROWS) -> list[str]:
    """The names of a list's events, in alphabetical order."""
    found = db.execute(
        "select name from event_names where list_id = :list_id order by name limit :rows",
        {"list_id": list_id, "rows": rows},
    )
    return [row["name"] for row in found]


def context_id(db: sqlite3.Connection, properties: Properties) -> int:
    """The id of properties that many events share, by a digest of their JSON in one spelling."""
    text = msgspec.json.encode(properties, order="deterministic")
    digest = hashlib.blake2b(text, digest_size=12).digest()
    found = db.execute("select id from contexts where digest = ?", (digest,)).fetchone()
    if found:
        return int(found["id"])
    made = db.execute(
        "insert into contexts (digest, properties) values (?, ?)", (digest, text.decode())
    )
    assert made.lastrowid is not None
    return made.lastrowid


def after(
    db: sqlite3.Connection, after_id: int, *, list_id: int | None = None, rows: int = PAGE_ROWS
) -> list[StoredEvent]:
    """The next events behind `after_id`, oldest first; of one list, or of all."""
    found = db.execute(
        f"{_SELECT} where e.id > :after_id and (:list_id is null or e.list_id = :list_id)"
        " order by e.id limit :rows",
        {"after_id": after_id, "list_id": list_id, "rows": rows},
    )
    return [_stored(row) for row in found]


def get(db: sqlite3.Connection, event_id: int) -> StoredEvent | None:
    row = db.execute(f"{_SELECT} where e.id = :id", {"id": event_id}).fetchone()
    return _stored(row) if row else None


def named(db: sqlite3.Connection, list_id: int, said: str) -> StoredEvent | None:
    """An event of the list by its number, or else by its id as its sender gave it."""
    found = None
    if said.isascii() and said.isdecimal() and len(said) < 19:
        found = get(db, int(said))
    if found is None or found.list_id != list_id:
        logged = find(db, list_id, unique_id(said))
        found = get(db, logged.id) if logged else None
    return found


def of_visitor(
    db: sqlite3.Connection, visitor_id: int, after_id: int = 0, *, rows: int = PAGE_ROWS
) -> list[StoredEvent]:
    """The next events of one browser behind `after_id`, oldest first."""
    found = db.execute(
        f"{_SELECT} where e.visitor_id = :visitor_id and e.id > :after_id"
        " order by e.id limit :rows",
        {"visitor_id": visitor_id, "after_id": after_id, "rows": rows},
    )
    return [_stored(row) for row in found]


def latest(
    db: sqlite3.Connection, *, list_id: int | None = None, rows: int = PAGE_ROWS
) -> list[StoredEvent]:
    """The newest events, oldest of them first."""
    found = db.execute(
        f"{_SELECT} where :list_id is null or e.list_id = :list_id order by e.id desc limit :rows",
        {"list_id": list_id, "rows": rows},
    )
    return [_stored(row) for row in found][::-1]


def is_second(db: sqlite3.Connection, event_id: int, visitor_id: int) -> bool:
    """Whether the event before this one of its browser happened at the same instant."""
    row = db.execute(
        """select happened_at_ms = (select happened_at_ms from events where id = :event_id)
           from events where visitor_id = :visitor_id and id < :event_id
           order by id desc limit 1""",
        {"event_id": event_id, "visitor_id": visitor_id},
    ).fetchone()
    return row is not None and bool(row[0])


def each(db: sqlite3.Connection, list_id: int) -> Iterator[StoredEvent]:
    """Every event of a list, oldest first, a page of them in memory at a time."""
    last_id = 0
    while page := after(db, last_id, list_id=list_id):
        yield from page
        last_id = page[-1].id


def newest_of_subscriber(
    db: sqlite3.Connection,
    subscriber_id: int,
    *,
    rows: int,
    offset: int = 0,
    before_id: int = ID_MAX,
) -> list[StoredEvent]:
    """A page of a person's events, newest first, whichever browsers they came from.

    Each browser's newest are read by its index and merged, so that what it costs depends on the
    page, not on how many events there are. Of many browsers those count that were active last.
    """
    visitors = db.execute(
        """select id from visitors where subscriber_id = :id
           order by (select max(id) from events
                     where visitor_id = visitors.id and id < :before_id) desc
           limit :most""",
        {"id": subscriber_id, "before_id": before_id, "most": offset + rows},
    ).fetchall()
    newest = newest_ids(db, [row["id"] for row in visitors], before_id)
    return some(db, list(itertools.islice(newest, offset, offset + rows)))


def newest_of_visitor(
    db: sqlite3.Connection, visitor_id: int, *, rows: int, before_id: int = ID_MAX
) -> list[StoredEvent]:
    """A page of one browser's events, newest first."""
    return some(db, list(itertools.islice(_newest_ids(db, visitor_id, before_id), rows)))


def newest_ids(
    db: sqlite3.Connection, visitor_ids: Sequence[int], before_id: int = ID_MAX
) -> Iterator[int]:
    """Of all events of these browsers, the newest first; read as they are taken."""
    each = (_newest_ids(db, visitor_id, before_id) for visitor_id in visitor_ids)
    return heapq.merge(*each, reverse=True)


def some(db: sqlite3.Connection, ids: Sequence[int]) -> list[StoredEvent]:
    """The events of these ids, newest first."""
    found = db.execute(
        f"{_SELECT} where e.id in (select value from json_each(:ids))"  # noqa: S608 - as above
        " order by e.id desc",
        {"ids": json.dumps(list(ids))},
    )
    return [_stored(row) for row in found]


def ids_of(db: sqlite3.Connection, list_id: int, event_ids: Iterable[str]) -> dict[str, int]:
    """Where in the log the events are that have these ids of their own; of those there are."""
    found = {each: find(db, list_id, uuids.UUID(each).bytes) for each in event_ids}
    return {each: logged.id for each, logged in found.items() if logged}


def _newest_ids(db: sqlite3.Connection, visitor_id: int, before_id: int) -> Iterator[int]:
    rows = db.execute(
        "select id from events where visitor_id = :id and id < :before_id order by id desc",
        {"id": visitor_id, "before_id": before_id},
    )
    return (row["id"] for row in rows)


def newest_of_name(
    db: sqlite3.Connection,
    list_id: int,
    name: str,
    kind: Kind,
    *,
    since_ms: int = 0,
    rows: int,
) -> list[StoredEvent]:
    """The newest events of a kind since an instant, of the custom kind those of this name; the
    newest first. Read by the index of the names, so it depends on `rows` only."""
    names = db.execute(
        """select id from event_names where list_id = :list_id
           and iif(:kind = 0, name = :name, kind = :kind)""",
        {"list_id": list_id, "kind": int(kind), "name": name},
    ).fetchall()
    newest = heapq.merge(*(_newest_of(db, row["id"], since_ms) for row in names), reverse=True)
    ids = [event_id for _, event_id in itertools.islice(newest, rows)]
    found = db.execute(
        f"{_SELECT} where e.id in (select value from json_each(:ids))"  # noqa: S608 - as above
        " order by e.happened_at_ms desc, e.id desc",
        {"ids": json.dumps(ids)},
    )
    return [_stored(row) for row in found]


def _newest_of(db: sqlite3.Connection, name_id: int, since_ms: int) -> Iterator[tuple[int, int]]:
    rows = db.execute(
        """select happened_at_ms, id from events indexed by events_by_name
           where name_id = :name_id and happened_at_ms >= :since_ms
           order by happened_at_ms desc, id desc""",
        {"name_id": name_id, "since_ms": since_ms},
    )
    return ((row["happened_at_ms"], row["id"]) for row in rows)


def last_happened_at_ms(db: sqlite3.Connection, list_id: int) -> int | None:
    """When the latest event of a list happened: the last entry of each event name's index."""
    row = db.execute(
        """select max((select max(happened_at_ms) from events where name_id = event_names.id))
           from event_names where list_id = :list_id""",
        {"list_id": list_id},
    )
    newest = row.fetchone()[0]
    return None if newest is None else int(newest)


def newest_of_list(db: sqlite3.Connection, list_id: int) -> StoredEvent | None:
    """The event of a list that happened last: of each event name's last ones the latest."""
    row = db.execute(
        """select (select id from events where name_id = event_names.id
                   order by happened_at_ms desc limit 1) as id,
                  (select max(happened_at_ms) from events
                   where name_id = event_names.id) as happened_at_ms
           from event_names where list_id = :list_id
           order by happened_at_ms desc limit 1""",
        {"list_id": list_id},
    ).fetchone()
    return get(db, row["id"]) if row and row["id"] else None


def last_id(db: sqlite3.Connection) -> int:
    """The newest event's id; 0 when there is none."""
    return int(db.execute("select coalesce(max(id), 0) from events").fetchone()[0])


def count(db: sqlite3.Connection, list_id: int) -> int:
    row = db.execute("select count(*) from events where list_id = :list_id", {"list_id": list_id})
    return int(row.fetchone()[0])


_SELECT = """
    select e.id, e.unique_id, e.list_id, n.name, n.kind, e.door, v.uuid, s.email,
           e.happened_at_ms, e.sent_at_ms, e.received_at_ms, e.silent, e.properties,
           b.properties as browser, p.properties as page
    from events e
    join event_names n on n.id = e.name_id
    join visitors v on v.id = e.visitor_id
    join contexts b on b.id = e.browser_id
    join contexts p on p.id = e.page_id
    left join subscribers s on s.id = v.subscriber_id"""

_UNKNOWN: Properties = dict.fromkeys(STANDARD_PROPERTIES)
KIND_WORDS = {kind: kind.name.lower().replace("_", " ") for kind in Kind}
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def _stored(row: sqlite3.Row) -> StoredEvent:
    uuid = str(uuids.UUID(bytes=row["uuid"]))
    sent_at_ms = row["sent_at_ms"]
    facts = {
        "$uuid": uuid,
        "$list_id": row["list_id"],
        "$sent_at": None if sent_at_ms is None else clock.iso(sent_at_ms),
    }
    said = _decode(row["browser"]) | _decode(row["page"]) | _decode(row["properties"])
    return StoredEvent(
        id=row["id"],
        event_id=str(uuids.UUID(bytes=row["unique_id"])),
        list_id=row["list_id"],
        event=row["name"],
        kind=KIND_WORDS[Kind(row["kind"])],
        source=Door(row["door"]).name.lower(),
        uuid=uuid,
        email=row["email"],
        happened_at_ms=row["happened_at_ms"],
        sent_at_ms=sent_at_ms,
        received_at_ms=row["received_at_ms"],
        silent=bool(row["silent"]),
        properties=_UNKNOWN | said | facts,
    )
