"""What was seen of the events and properties in the catalog: how often, when, by whom, of which
types, for example. Writes `seen_events`, `seen_properties`, `seen_upto`.

Counted from the log afterwards. Reading events and making sense of them (`gather`) takes no writer;
`add` puts in what came out, unless others were counted or examples were forgotten meanwhile. So
each event counts once, and no example outlives an erasure that ran beside it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from gateway.events.event import Properties
from gateway.events.example import example_of, type_of
from gateway.events.vocabulary import Door
from gateway.records.run import Breathe, hold_breath

FORMAT = 1  # of `examples`: a JSON list of texts
EXAMPLES = 3  # kept of each type
# Gathered at a time: of properties, and how many of them are touched at all, each a row or two for
# the writer.
BYTES_MAX = 1_000_000
TOUCHED_MAX = 300
BREATH_EVENTS = 20  # that are read without a breath between

Change = tuple[int, str, str]
"""Of an event name's id a property and a type."""


@dataclass(slots=True)
class Seen:
    """What some events say of a name, or of a property and type on it."""

    count: int = 0
    doors: dict[int, int] = field(default_factory=dict)
    first_at_ms: int = 0
    last_at_ms: int = 0
    first_nth: int = 0
    last_nth: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, door: int, at_ms: int, nth: int) -> None:
        """One more event, the `nth` of its name."""
        if not self.count:
            self.first_nth, self.first_at_ms, self.last_at_ms = nth, at_ms, at_ms
        self.count += 1
        self.doors[door] = self.doors.get(door, 0) + 1
        self.first_at_ms = min(self.first_at_ms, at_ms)
        self.last_at_ms = max(self.last_at_ms, at_ms)
        self.last_nth = nth

    def join(self, other: "Seen") -> None:
        """What other events say besides."""
        if not self.count:
            self.first_nth, self.first_at_ms = other.first_nth, other.first_at_ms
        self.count += other.count
        for door, count in other.doors.items():
            self.doors[door] = self.doors.get(door, 0) + count
        self.first_at_ms = min(self.first_at_ms, other.first_at_ms)
        self.last_at_ms = max(self.last_at_ms, other.last_at_ms)
        self.first_nth = min(self.first_nth, other.first_nth)
        self.last_nth = max(self.last_nth, other.last_nth)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the `events` events after one id say, up to another."""

    after_id: int
    forgotten: int
    last_id: int
    last_at_ms: int
    events: int
    names: Mapping[int, Seen]
    properties: Mapping[Change, Seen]


def is_behind(db: sqlite3.Connection) -> bool:
    row = db.execute(
        "select event_id < (select coalesce(max(id), 0) from events) as behind from seen_upto"
    )
    return bool(row.fetchone()["behind"])


def gather(db: sqlite3.Connection, events: int, breathe: Breathe = hold_breath) -> Gathered | None:
    """What the next events say, so many at most, and fewer where they say much; None when there are
    none. Reads only."""
    upto = db.execute("select event_id, forgotten from seen_upto").fetchone()
    found = db.execute(
        """select id, name_id, door, browser_id, page_id, received_at_ms, properties from events
           where id > :after_id order by id limit :events""",
        {"after_id": upto["event_id"], "events": events},
    )
    reading = _Reading(db, breathe)
    for row in found:
        reading.take(row)
        if reading.is_full:
            break
    found.close()
    if not reading.events:
        return None
    return Gathered(
        after_id=upto["event_id"],
        forgotten=upto["forgotten"],
        last_id=row["id"],
        last_at_ms=row["received_at_ms"],
        events=reading.events,
        names=reading.names,
        properties=reading.properties(),
    )


def add(db: sqlite3.Connection, gathered: Gathered) -> bool:
    """Count what was gathered. False, and nothing is, where it is to be gathered anew."""
    moved = db.execute(
        """update seen_upto set event_id = :last_id, received_at_ms = :last_at_ms
           where event_id = :after_id and forgotten = :forgotten""",
        {
            "after_id": gathered.after_id,
            "forgotten": gathered.forgotten,
            "last_id": gathered.last_id,
            "last_at_ms": gathered.last_at_ms,
        },
    ).rowcount
    if moved:
        db.executemany(_ADD_EVENT, [_event_row(*each) for each in gathered.names.items()])
        db.executemany(
            _ADD_PROPERTY, [_property_row(*each) for each in gathered.properties.items()]
        )
    return bool(moved)


def forget_examples(db: sqlite3.Connection, list_id: int, rows: int) -> int:
    """Take the examples of some of a list's properties away. How many: 0 at the end."""
    db.execute("update seen_upto set forgotten = forgotten + 1")
    return db.execute(
        """update seen_properties set examples = '[]' where (name_id, property, type) in (
               select p.name_id, p.property, p.type from seen_events e
               join seen_properties p on p.name_id = e.name_id
               where e.list_id = :list_id and p.examples <> '[]' limit :rows)""",
        {"list_id": list_id, "rows": rows},
    ).rowcount


class _Reading:
    """Events that say the same are taken together: what many share is read once."""

    def __init__(self, db: sqlite3.Connection, breathe: Breathe) -> None:
        self.events = 0
        self.names: defaultdict[int, Seen] = defaultdict(Seen)
        self._db = db
        self._breathe = breathe
        self._example_of_text = cache(example_of)  # which takes long, and most come again and again
        self._counted: dict[int, int] = {}
        self._contexts: dict[int, Properties] = {}
        self._alike: dict[tuple[int, int | str], tuple[Properties, Seen]] = {}
        self._touched: set[tuple[int, str]] = set()
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self._touched) > TOUCHED_MAX or self._bytes > BYTES_MAX

    def take(self, row: sqlite3.Row) -> None:
        _, name_id, door, browser_id, page_id, at_ms, own = row
        name = self.names[name_id]
        nth = self._counted_before(name_id) + name.count + 1
        name.add(door, at_ms, nth)
        for said in (browser_id, page_id, own):
            self._said(name_id, said).add(door, at_ms, nth)
        self.events += 1
        self._bytes += len(own)
        if self.events % BREATH_EVENTS == 0:
            self._breathe()

    def properties(self) -> dict[Change, Seen]:
        """What the events say of the properties that are in the catalog."""
        said: defaultdict[Change, Seen] = defaultdict(Seen)
        kept = {touched: _kept(self._db, *touched) for touched in self._touched}
        for (name_id, _), (properties, seen) in self._alike.items():
            for name, value in properties.items():
                if kept[name_id, name] is not None:
                    change = said[name_id, name, type_of(value)]
                    change.join(seen)
                    self._exemplify(change.examples, name, value)
            self._breathe()
        for (name_id, name, kind), change in said.items():
            older = (kept[name_id, name] or {}).get(kind, [])
            change.examples += [each for each in older if each not in change.examples]
            del change.examples[EXAMPLES:]
        return said

    def _exemplify(self, examples: list[str], name: str, value: Any) -> None:
        if value is not None and len(examples) < EXAMPLES:
            shown = self._example_of_text if isinstance(value, str) else example_of
            example = shown(name, value)
            if example not in examples:
                examples.append(example)

    def _said(self, name_id: int, where: int | str) -> Seen:
        """Of events of this name with this context, or with these properties of their own."""
        known = self._alike.get((name_id, where))
        if known is None:
            properties = self._context(where) if isinstance(where, int) else _decode(where)
            known = self._alike[name_id, where] = properties, Seen()
            self._touched.update((name_id, name) for name in properties)
        return known[1]

    def _context(self, context_id: int) -> Properties:
        if context_id not in self._contexts:
            row = self._db.execute("select properties from contexts where id = ?", (context_id,))
            text = row.fetchone()["properties"]
            self._contexts[context_id] = _decode(text)
            self._bytes += len(text)
        return self._contexts[context_id]

    def _counted_before(self, name_id: int) -> int:
        if name_id not in self._counted:
            row = self._db.execute(
                "select by_tracker + by_pixel + by_api from seen_events where name_id = ?",
                (name_id,),
            ).fetchone()
            self._counted[name_id] = row[0] if row else 0
        return self._counted[name_id]


def _kept(db: sqlite3.Connection, name_id: int, name: str) -> dict[str, list[str]] | None:
    """Type → the examples there are, of a property; None where the catalog has no such."""
    rows = db.execute(
        """select type, examples from catalog left join seen_properties using (name_id, property)
           where name_id = ? and property = ?""",
        (name_id, name),
    ).fetchall()
    if not rows:
        return None
    return {row["type"]: _decode_texts(row["examples"]) for row in rows if row["type"]}


def _event_row(name_id: int, seen: Seen) -> dict[str, int]:
    return {
        "name_id": name_id,
        "by_tracker": seen.doors.get(Door.TRACKER, 0),
        "by_pixel": seen.doors.get(Door.PIXEL, 0),
        "by_api": seen.doors.get(Door.API, 0),
        "first_at_ms": seen.first_at_ms,
        "last_at_ms": seen.last_at_ms,
    }


def _property_row(change: Change, seen: Seen) -> dict[str, Any]:
    name_id, name, kind = change
    return {
        "name_id": name_id,
        "property": name,
        "type": kind,
        "doors": sum(1 << door for door in seen.doors),
        "count": seen.count,
        "first_at_ms": seen.first_at_ms,
        "last_at_ms": seen.last_at_ms,
        "first_nth": seen.first_nth,
        "last_nth": seen.last_nth,
        "format": FORMAT,
        "examples": msgspec.json.encode(seen.examples).decode(),
    }


_ADD_EVENT = """
    insert into seen_events
    select id, list_id, :by_tracker, :by_pixel, :by_api, :first_at_ms, :last_at_ms
    from event_names where id = :name_id
        and exists (select 1 from catalog where name_id = :name_id)
    on conflict do update set
        by_tracker = by_tracker + excluded.by_tracker,
        by_pixel = by_pixel + excluded.by_pixel,
        by_api = by_api + excluded.by_api,
        first_at_ms = min(first_at_ms, excluded.first_at_ms),
        last_at_ms = max(last_at_ms, excluded.last_at_ms)"""
_ADD_PROPERTY = """
    insert into seen_properties
    select :name_id, :property, :type, :doors, :count, :first_at_ms, :last_at_ms, :first_nth,
        :last_nth, :format, :examples
    where exists (select 1 from catalog where name_id = :name_id and property = :property)
    on conflict do update set
        doors = doors | excluded.doors,
        count = count + excluded.count,
        first_at_ms = min(first_at_ms, excluded.first_at_ms),
        last_at_ms = max(last_at_ms, excluded.last_at_ms),
        last_nth = excluded.last_nth,
        format = excluded.format,
        examples = excluded.examples"""
_decode = msgspec.json.Decoder(Properties).decode
_decode_texts = msgspec.json.Decoder(list[str]).decode
