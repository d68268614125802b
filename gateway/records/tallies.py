"""What a number of events add up to, by list, day, facet and value: how many, of which visitors.

Reads events, and what they point to; writes nothing. What is to be kept of it is `figures`' affair.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap

from gateway.events import facets
from gateway.events.days import HOUR_MS, day_of, start_ms
from gateway.events.facets import Facet
from gateway.events.vocabulary import Kind
from gateway.records.run import Breathe, hold_breath

VALUES_MAX = 1_000  # of a facet on a day
REST = ""
"""The value that stands for all beyond VALUES_MAX; also the only one of Facet.ALL."""

PAGE_ROWS = 250  # events that are read, and told apart, without a breath between


@dataclass(slots=True)
class Count:
    events: int = 0
    visitors: BitMap = field(default_factory=BitMap)


Values = dict[str, Count]
Tallies = defaultdict[tuple[int, int], defaultdict[Facet, Values]]
"""By list and day."""

_Row = tuple[int, int, int, int, int, int]
"""list_id, visitor_id, name_id, browser_id, page_id, happened_at_ms"""
_Zones = Mapping[int, str]

_COLUMNS = "e.list_id, e.visitor_id, e.name_id, e.browser_id, e.page_id, e.happened_at_ms"


def between(
    db: sqlite3.Connection, low: int, high: int, zones: _Zones, breathe: Breathe = hold_breath
) -> Tallies:
    """Of the events after `low` up to `high`; of the lists whose zones are given. By their ids: the
    sign before `list_id` keeps SQLite from reading all events of these lists."""
    found = _cursor(db).execute(
        f"select {_COLUMNS} from events e where id > :low and id <= :high"  # noqa: S608 - as above
        " and +list_id in (select value from json_each(:list_ids)) order by id",
        {"low": low, "high": high, "list_ids": json.dumps(list(zones))},
    )
    return _tallied(db, found, zones, breathe)


def of_days(
    db: sqlite3.Connection, list_id: int, zone: str, days: range, upto: int, breathe: Breathe
) -> Tallies:
    """Of a list's events on these days, up to an event. Read name by name, each in its index."""
    found = _cursor(db).execute(
        f"""select {_COLUMNS} from event_names n join events e on e.name_id = n.id
            where n.list_id = :list_id and e.id <= :upto
                and e.happened_at_ms >= :start and e.happened_at_ms < :stop""",  # noqa: S608
        {
            "list_id": list_id,
            "upto": upto,
            "start": start_ms(days.start, zone),
            "stop": start_ms(days.stop, zone),
        },
    )
    return _tallied(db, found, {list_id: zone}, breathe)


def add(values: Values, value: str, count: Count) -> None:
    """Count a value besides, as itself or, where there are many already, with the rest."""
    if value not in values:
        value = value if len(values) < VALUES_MAX else REST
        values.setdefault(value, Count())
    values[value].events += count.events
    values[value].visitors |= count.visitors


def _cursor(db: sqlite3.Connection) -> sqlite3.Cursor:
    """Of plain tuples, which cost less."""
    cursor = db.cursor()
    cursor.row_factory = None
    return cursor


def _tallied(
    db: sqlite3.Connection, found: sqlite3.Cursor, zones: _Zones, breathe: Breathe
) -> Tallies:
    tallies: Tallies = defaultdict(lambda: defaultdict(dict))
    while rows := found.fetchmany(PAGE_ROWS):
        for list_id, day, facet, value, visitors in _told_apart(db, rows, zones):
            add(tallies[list_id, day][facet], value, Count(len(visitors), BitMap(visitors)))
        breathe()
    return tallies


_Part = tuple[int, int, Facet, str, list[int]]
_Groups = defaultdict[tuple[int, int, int], list[int]]
"""Visitors, one for each event, by list, day, and what the group is of."""


def _told_apart(db: sqlite3.Connection, rows: Sequence[_Row], zones: _Zones) -> Iterator[_Part]:
    """Sorted by what they point to first: what that means is looked up once for all of them."""
    names = _names(db, {row[2] for row in rows})
    hours: _Groups = defaultdict(list)
    named: _Groups = defaultdict(list)
    browsers: _Groups = defaultdict(list)
    pages: _Groups = defaultdict(list)
    for list_id, visitor_id, name_id, browser_id, page_id, at_ms in rows:
        zone = zones[list_id]
        day = day_of(at_ms, zone)
        hours[list_id, day, (at_ms - start_ms(day, zone)) // HOUR_MS].append(visitor_id)
        named[list_id, day, name_id].append(visitor_id)
        browsers[list_id, day, browser_id].append(visitor_id)
        if names[name_id][1] == Kind.PAGE_VIEW:
            pages[list_id, day, page_id].append(visitor_id)
    contexts = _contexts(db, {key[2] for key in (*browsers, *pages)})
    for (list_id, day, hour), visitors in hours.items():
        yield list_id, day, Facet.ALL, REST, visitors
        yield list_id, day, Facet.HOUR, str(hour), visitors
    for (list_id, day, name_id), visitors in named.items():
        yield list_id, day, Facet.EVENT, names[name_id][0], visitors
    for (list_id, day, context_id), visitors in browsers.items():
        for facet, value in facets.of_browser(contexts[context_id]):
            yield list_id, day, facet, value, visitors
    for (list_id, day, context_id), visitors in pages.items():
        for facet, value in facets.of_page(contexts[context_id]):
            yield list_id, day, facet, value, visitors


def _names(db: sqlite3.Connection, ids: Collection[int]) -> dict[int, tuple[str, int]]:
    """Id → an event's name and kind."""
    rows = db.execute(
        "select id, name, kind from event_names where id in (select value from json_each(:ids))",
        {"ids": json.dumps(list(ids))},
    )
    return {row["id"]: (row["name"], row["kind"]) for row in rows}


def _contexts(db: sqlite3.Connection, ids: Collection[int]) -> dict[int, bytes]:
    rows = db.execute(
        "select id, properties from contexts where id in (select value from json_each(:ids))",
        {"ids": json.dumps(list(ids))},
    )
    return {row["id"]: row["properties"].encode() for row in rows}
