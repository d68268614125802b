"""The catalog with its figures, as it is looked at: events, their properties, and what is odd about
those. Reads what `sightings` has counted, and writes nothing.

Odd is a property of more than one type, and one that its event came without for longer than chance
explains.
"""

import json
import sqlite3
from collections.abc import Sequence
from itertools import groupby

import msgspec

from gateway.events.vocabulary import STANDARD_PROPERTIES, Door, Kind

MISSED = 10  # times that a property was to be expected and did not come: then it is gone
BEHIND_MAX = 10_000  # events that are not counted yet are told up to here
NULL = "null"


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """Until when the figures reach, and how many of the list's events they lack: `events` of the
    next BEHIND_MAX of all lists, which are `all_told` where there are no more."""

    received_at_ms: int | None
    events: int
    all_told: bool


class SeenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event name and what was seen of it."""

    id: int
    name: str
    kind: Kind
    by_tracker: int
    by_pixel: int
    by_api: int
    first_at_ms: int
    last_at_ms: int

    @property
    def count(self) -> int:
        return self.by_tracker + self.by_pixel + self.by_api

    @property
    def senders(self) -> list[tuple[str, int]]:
        """Who sends it and how often, those who do."""
        by = (("tracker", self.by_tracker), ("pixel", self.by_pixel), ("API", self.by_api))
        return [(sender, count) for sender, count in by if count]


class SeenType(msgspec.Struct, frozen=True, kw_only=True):
    """How a property came as values of one type. `first_nth` and `last_nth` count its event's."""

    type: str
    doors: int
    count: int
    first_at_ms: int
    last_at_ms: int
    first_nth: int
    last_nth: int
    examples: list[str]


class SeenProperty(msgspec.Struct, frozen=True, kw_only=True):
    """A property of an event, `of_events` of which were seen. Without `types`: none was counted,
    or only the gateway says it."""

    name: str
    noted_at_ms: int
    of_events: int
    types: Sequence[SeenType]

    @property
    def is_standard(self) -> bool:
        return self.name in _STANDARD

    @property
    def count(self) -> int:
        return sum(each.count for each in self.types)

    @property
    def first_at_ms(self) -> int:
        return min((each.first_at_ms for each in self.types), default=self.noted_at_ms)

    @property
    def last_at_ms(self) -> int | None:
        return max((each.last_at_ms for each in self.types), default=None)

    @property
    def senders(self) -> list[str]:
        words = {Door.TRACKER: "tracker", Door.PIXEL: "pixel", Door.API: "API"}
        return [
            word for door, word in words.items() if any(t.doors >> door & 1 for t in self.types)
        ]

    @property
    def examples(self) -> list[str]:
        return [example for each in self.types for example in each.examples]

    @property
    def missing_since(self) -> int:
        """How many events came without it since it was last seen; 0 where that may be chance."""
        missed = self.of_events - max((each.last_nth for each in self.types), default=0)
        if not self.types or missed < MISSED:
            return 0
        came_over = self.of_events - missed - min(each.first_nth for each in self.types) + 1
        return missed if missed * self.count >= MISSED * came_over else 0

    @property
    def is_mixed(self) -> bool:
        """Whether it comes as more than one type, null aside."""
        return len(self._of_values) > 1 and self.changed_to is None

    @property
    def changed_to(self) -> SeenType | None:
        """The type that it has now, where it was another before and never since."""
        if len(self._of_values) < 2:
            return None
        *before, now = sorted(self._of_values, key=lambda each: each.last_nth)
        return now if now.first_nth > max(each.last_nth for each in before) else None

    @property
    def is_odd(self) -> bool:
        return len(self._of_values) > 1 or self.missing_since > 0

    @property
    def _of_values(self) -> list[SeenType]:
        return [each for each in self.types if each.type != NULL]


def behind(db: sqlite3.Connection, list_id: int) -> Behind:
    row = db.execute(
        """select received_at_ms, event_id + :most >= coalesce((select max(id) from events), 0)
                      as all_told,
                  (select count(*) from events where id > event_id and id <= event_id + :most
                       and list_id = :list_id) as events
           from seen_upto""",
        {"list_id": list_id, "most": BEHIND_MAX},
    ).fetchone()
    return Behind(
        received_at_ms=row["received_at_ms"], events=row["events"], all_told=bool(row["all_told"])
    )


def events(
    db: sqlite3.Connection, list_id: int, *, rows: int, offset: int = 0
) -> tuple[list[SeenEvent], int]:
    """Some of a list's events by name, and how many there are."""
    found = db.execute(
        f"{_EVENTS} where e.list_id = :list_id order by n.name limit :rows offset :offset",
        {"list_id": list_id, "rows": rows, "offset": offset},
    )
    total = db.execute(
        "select count(*) from seen_events where list_id = :list_id", {"list_id": list_id}
    )
    return [_event(row) for row in found], int(total.fetchone()[0])


def event(db: sqlite3.Connection, list_id: int, name_id: int) -> SeenEvent | None:
    row = db.execute(
        f"{_EVENTS} where e.list_id = :list_id and e.name_id = :name_id",
        {"list_id": list_id, "name_id": name_id},
    ).fetchone()
    return _event(row) if row else None


def search(
    db: sqlite3.Connection, list_id: int, text: str, *, rows: int, offset: int = 0
) -> tuple[list[tuple[SeenEvent, frozenset[str]]], int]:
    """Some of the events that have the text in their name or in a property's, in any case, each
    with the properties found; and how many such events there are."""
    sought = text.casefold()
    found = db.execute(
        """select n.id, n.name, c.property from seen_events e join event_names n on n.id = e.name_id
           left join catalog c on c.name_id = n.id where e.list_id = :list_id
           order by n.name, c.property""",
        {"list_id": list_id},
    )
    hits: list[tuple[int, frozenset[str]]] = []
    for (name_id, name), rows_of in groupby(found, key=lambda row: (row["id"], row["name"])):
        properties = frozenset(
            row["property"] for row in rows_of if sought in (row["property"] or "").casefold()
        )
        if properties or sought in name.casefold():
            hits.append((name_id, properties))
    shown = hits[offset : offset + rows]
    known = {
        row["id"]: _event(row)
        for row in db.execute(
            f"{_EVENTS} where e.name_id in (select value from json_each(:ids))",  # noqa: S608 - ours
            {"ids": json.dumps([name_id for name_id, _ in shown])},
        )
    }
    return [(known[name_id], properties) for name_id, properties in shown], len(hits)


def properties(db: sqlite3.Connection, of: SeenEvent) -> list[SeenProperty]:
    """All properties of an event, by name."""
    rows = db.execute(
        """select c.property, c.first_seen_at_ms as noted_at_ms, p.type, p.doors, p.count,
                  p.first_at_ms, p.last_at_ms, p.first_nth, p.last_nth, p.examples
           from catalog c left join seen_properties p using (name_id, property)
           where c.name_id = :name_id order by c.property""",
        {"name_id": of.id},
    )
    return [
        _property(of, [*rows_of]) for _, rows_of in groupby(rows, key=lambda row: row["property"])
    ]


_STANDARD = frozenset(STANDARD_PROPERTIES)
_EVENTS = """
    select n.id, n.name, n.kind, e.by_tracker, e.by_pixel, e.by_api, e.first_at_ms, e.last_at_ms
    from seen_events e join event_names n on n.id = e.name_id"""
_texts = msgspec.json.Decoder(list[str]).decode


def _event(row: sqlite3.Row) -> SeenEvent:
    return SeenEvent(**{**row, "kind": Kind(row["kind"])})


def _property(of: SeenEvent, rows: Sequence[sqlite3.Row]) -> SeenProperty:
    types = [
        SeenType(
            type=row["type"],
            doors=row["doors"],
            count=row["count"],
            first_at_ms=row["first_at_ms"],
            last_at_ms=row["last_at_ms"],
            first_nth=row["first_nth"],
            last_nth=row["last_nth"],
            examples=_texts(row["examples"]),
        )
        for row in rows
        if row["type"]
    ]
    return SeenProperty(
        name=rows[0]["property"],
        noted_at_ms=rows[0]["noted_at_ms"],
        of_events=of.count,
        types=sorted(types, key=lambda each: -each.count),
    )
