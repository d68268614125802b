"""What a list's events add up to, day by day: how many events and which visitors there were in all,
and of each page, referrer, browser and so on. Writes `figures`, `figures_upto`, `figures_stale`.

Events are counted afterwards, in steps: a step is read and worked out beside the writer
(`next_step`, `recount`) and written down by it (`apply`), if what it was worked out from still
stands. A question (`Figures`) reads what is counted and, besides, the events that are not yet, so
an event shows the moment it is stored. Visitors are sets, not numbers, so those of any range of
days are known exactly. Triggers mark the days that events were taken from, and all days of a list
whose time zone changed; they are counted anew.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pyroaring import BitMap

from gateway.events.days import DAY_MS, HOUR_MS, day_of, start_ms
from gateway.events.facets import Facet
from gateway.records import event_log, tallies
from gateway.records.run import Breathe, hold_breath
from gateway.records.tallies import REST, Count, Values

FORMAT = 1  # of `figures.counts`: msgpack of `_Packed`
FOLD_LEAST = 2_000  # events that may wait: a question reads so many in some milliseconds
READ_MOST = 10_000  # events a question reads, where more wait
STEP_EVENTS = 5_000
STEP_BYTES_MAX = 1_000_000  # what the writer is to write at once: some milliseconds of its time
MARKS_MAX = 1_000  # looked at together


@dataclass(frozen=True, slots=True)
class Ranked:
    """A value of a facet, and how often it was there. `REST` is all that were not told apart."""

    value: str
    events: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A day by UTC that has to be counted anew; `marks` is how often that was said."""

    list_id: int
    day: int
    marks: int


_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be written, and what it was worked out from: the events up to `high` (or, for a
    mark, on the days it means), the zones of their lists, and figures that had been written down so
    many times."""

    written: int
    high: int
    zones: Mapping[int, str]
    rows: list[_Row]
    mark: Mark | None = None
    days: range = range(0)


class _Packed(msgspec.Struct, array_like=True):
    """The values of a facet's day as they are stored: column by column, for so they are read
    fastest. Visitors as roaring bitmaps of their ids."""

    values: list[str]
    events: list[int]
    visitors: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def is_behind(db: sqlite3.Connection) -> bool:
    """Whether so much is to be counted that it is worth a step."""
    return event_log.last_id(db) - _upto(db) >= FOLD_LEAST or bool(stale(db, 1))


def stale(db: sqlite3.Connection, rows: int = MARKS_MAX) -> list[Mark]:
    """Days that have to be counted anew."""
    found = db.execute(
        """select list_id, day, marks from figures_stale join lists on lists.id = list_id
           where deleted_at_ms is null limit :rows""",
        {"rows": rows},
    )
    return [Mark(**row) for row in found]


def next_step(
    db: sqlite3.Connection, events: int = STEP_EVENTS, breathe: Breathe = hold_breath
) -> Step | None:
    """The next events, added to what is known of their days; None when few are left. Fewer than
    asked for where they belong to many days."""
    low, last = _upto(db), event_log.last_id(db)
    if last - low < FOLD_LEAST:
        return None
    high, zones = min(low + events, last), _zones(db)
    counted = tallies.between(db, low, high, zones, breathe)
    touched = {list_id: zones[list_id] for list_id, _ in counted}
    rows = []
    for (list_id, day), of_facets in counted.items():
        for facet, values in of_facets.items():
            rows.append(_row(list_id, facet, day, _joined(_kept(db, list_id, facet, day), values)))
            breathe()
    if sum(len(row["counts"]) for row in rows) > STEP_BYTES_MAX and events > 1:
        return next_step(db, events // 4, breathe)
    return Step(_written(db), high, touched, rows)


def recount(db: sqlite3.Connection, mark: Mark, breathe: Breathe = hold_breath) -> Step | None:
    """The days that a mark means, from their events; None for a list that is no more."""
    zone = _zones(db).get(mark.list_id)
    if zone is None:
        return None
    last_ms = (mark.day + 1) * DAY_MS - 1
    days = range(day_of(mark.day * DAY_MS, zone), day_of(last_ms, zone) + 1)
    upto = _upto(db)
    counted = tallies.of_days(db, mark.list_id, zone, days, upto, breathe)
    rows = [
        _row(list_id, facet, day, values)
        for (list_id, day), of_facets in counted.items()
        for facet, values in of_facets.items()
    ]
    return Step(_written(db), upto, {mark.list_id: zone}, rows, mark, days)


def apply(db: sqlite3.Connection, step: Step) -> bool:
    """Write a step down. False where it does not stand any more: then nothing is written."""
    if not _stands(db, step):
        return False
    if step.mark:
        _forget(db, step.mark, step.days)
    db.executemany(
        """insert into figures (list_id, facet, day, format, counts)
           values (:list_id, :facet, :day, :format, :counts)
           on conflict do update set format = excluded.format, counts = excluded.counts""",
        step.rows,
    )
    db.execute(
        "update figures_upto set event_id = :high, written = written + 1", {"high": step.high}
    )
    return True


class Figures:
    """What is known of a list's days, in one snapshot. `uncounted` events, of all lists together,
    are not in it yet; `stale` days may be wrong until they are counted anew."""

    def __init__(self, db: sqlite3.Connection, list_id: int, zone: str) -> None:
        low, last = _upto(db), event_log.last_id(db)
        high = min(last, low + READ_MOST)
        self._db = db
        self._list_id = list_id
        self._zone = zone
        self._fresh = tallies.between(db, low, high, {list_id: zone})
        self.uncounted = last - high
        self.stale = _stale_days(db, list_id)

    def by_day(self, days: range) -> list[Count]:
        """All events of each day."""
        counts: Values = {str(day): Count() for day in days}
        for day, found in self._found(Facet.ALL, days):
            _joined(counts, {str(day): _unpacked(found)[REST]})
        return list(counts.values())

    def by_hour(self, day: int) -> list[Count]:
        """All events of each of a day's hours, of which there may be 23 or 25."""
        lasts_ms = start_ms(day + 1, self._zone) - start_ms(day, self._zone)
        hours: Values = {str(hour): Count() for hour in range(-(-lasts_ms // HOUR_MS))}
        for _, found in self._found(Facet.HOUR, range(day, day + 1)):
            _joined(hours, _unpacked(found))
        return list(hours.values())

    def top(self, facet: Facet, days: range, most: int) -> list[Ranked]:
        """The values with the most events, most first; last, what was not told apart."""
        found = [each for _, each in self._found(facet, days)]
        events: defaultdict[str, int] = defaultdict(int)
        for each in found:
            for value, number in zip(each.values, each.events, strict=True):
                events[value] += number
        rest = events.pop(REST, 0)
        ranked = [*Counter(events).most_common(most), *[(REST, rest)] * bool(rest)]
        visitors = _visitors(found, {value for value, _ in ranked})
        return [Ranked(value, number, len(visitors[value])) for value, number in ranked]

    def _found(self, facet: Facet, days: range) -> Iterator[tuple[int, _Packed]]:
        """By day, what is kept of it, and what is not counted yet."""
        rows = self._db.execute(
            """select day, counts from figures
               where list_id = :list_id and facet = :facet and day >= :first and day < :stop""",
            {
                "list_id": self._list_id,
                "facet": int(facet),
                "first": days.start,
                "stop": days.stop,
            },
        )
        yield from ((row["day"], _decode(row["counts"])) for row in rows)
        for (_, day), of_facets in self._fresh.items():
            if day in days and facet in of_facets:
                yield day, _packed(of_facets[facet])


def _visitors(found: Sequence[_Packed], wanted: Collection[str]) -> dict[str, BitMap]:
    """Of each of the wanted values, all."""
    visitors = {value: BitMap() for value in wanted}
    for each in found:
        bitmaps = dict(zip(each.values, each.visitors, strict=True))
        for value in wanted:
            if value in bitmaps:
                visitors[value] |= BitMap.deserialize(bitmaps[value])
    return visitors


def _stands(db: sqlite3.Connection, step: Step) -> bool:
    zones = _zones(db)
    return (
        _written(db) == step.written
        and all(zones.get(list_id) == zone for list_id, zone in step.zones.items())
        and (step.mark is None or step.mark == _mark(db, step.mark.list_id, step.mark.day))
    )


def _forget(db: sqlite3.Connection, mark: Mark, days: range) -> None:
    db.execute(
        """delete from figures where list_id = :list_id and day >= :first and day < :stop
               and facet in (select value from json_each(:facets))""",
        {
            "list_id": mark.list_id,
            "first": days.start,
            "stop": days.stop,
            "facets": json.dumps(list(Facet)),
        },
    )
    db.execute(
        "delete from figures_stale where list_id = :list_id and day = :day",
        {"list_id": mark.list_id, "day": mark.day},
    )


def _joined(values: Values, more: Values) -> Values:
    """The first, with what is in the other besides."""
    for value, count in more.items():
        tallies.add(values, value, count)
    return values


def _packed(values: Values) -> _Packed:
    for count in values.values():
        count.visitors.run_optimize()
    return _Packed(
        list(values),
        [count.events for count in values.values()],
        [count.visitors.serialize() for count in values.values()],
    )


def _unpacked(packed: _Packed) -> Values:
    columns = zip(packed.values, packed.events, packed.visitors, strict=True)
    return {value: Count(events, BitMap.deserialize(bitmap)) for value, events, bitmap in columns}


def _kept(db: sqlite3.Connection, list_id: int, facet: Facet, day: int) -> Values:
    row = db.execute(
        """select counts from figures
           where list_id = :list_id and facet = :facet and day = :day""",
        {"list_id": list_id, "facet": int(facet), "day": day},
    ).fetchone()
    return _unpacked(_decode(row["counts"])) if row else {}


def _row(list_id: int, facet: Facet, day: int, values: Values) -> _Row:
    return {
        "list_id": list_id,
        "facet": int(facet),
        "day": day,
        "format": FORMAT,
        "counts": _encode(_packed(values)),
    }


def _mark(db: sqlite3.Connection, list_id: int, day: int) -> Mark | None:
    row = db.execute(
        "select list_id, day, marks from figures_stale where list_id = :list_id and day = :day",
        {"list_id": list_id, "day": day},
    ).fetchone()
    return Mark(**row) if row else None


def _stale_days(db: sqlite3.Connection, list_id: int) -> int:
    row = db.execute(
        "select count(*) from figures_stale where list_id = :list_id", {"list_id": list_id}
    )
    return int(row.fetchone()[0])


def _zones(db: sqlite3.Connection) -> dict[int, str]:
    """List → its time zone."""
    rows = db.execute("select id, time_zone from lists where deleted_at_ms is null")
    return {row["id"]: row["time_zone"] for row in rows}


def _upto(db: sqlite3.Connection) -> int:
    """The last event that is counted."""
    return int(db.execute("select event_id from figures_upto").fetchone()[0])


def _written(db: sqlite3.Connection) -> int:
    """How often figures were written down. The last event that is counted does not tell: a day that
    is counted anew leaves it as it was."""
    return int(db.execute("select written from figures_upto").fetchone()[0])
