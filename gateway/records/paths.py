"""The path of a conversion: what its browser did before, and all others of the person whose it is
now, from the first visit to the purchase. Read-only.

Of a long history its beginning and its end are read, so that a path costs the same however much
there is between.
"""

import heapq
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.records import clicks, event_log
from gateway.records.clicks import Opened
from gateway.records.conversions import Conversion
from gateway.records.event_log import StoredEvent

PAUSE_MS = 30 * 60_000  # a longer one begins another visit
BROWSERS_MAX = 50
HEAD_EVENTS, TAIL_EVENTS = 100, 500
HEAD_STEPS, TAIL_STEPS = 50, 150
LATE_EVENTS = 100  # stored after the conversion, but happened before
CLICKS_MAX = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One event, or page views in a row. `pause_ms` is the time since the step before; `click` a
    recipient's link that was opened with it."""

    events: tuple[StoredEvent, ...]
    begins_visit: bool
    pause_ms: int | None
    click: Opened | None

    @property
    def first(self) -> StoredEvent:
        return self.events[0]


@dataclass(frozen=True, slots=True)
class Path:
    """`end` is empty unless something between was left out. `clicks`: all that could be credited
    or could not, newest first."""

    beginning: list[Step]
    end: list[Step]
    clicks: list[Opened]


def of(db: sqlite3.Connection, conversion: Conversion) -> Path:
    opened = clicks.up_to(
        db,
        conversion.visitor_id,
        conversion.subscriber_id,
        conversion.happened_at_ms,
        rows=CLICKS_MAX,
    )
    head, tail = _events(db, conversion)
    by_moment = {(each.uuid, each.clicked_at_ms): each for each in opened}
    beginning, end = _steps(head, by_moment), _steps(tail, by_moment)
    if not end and len(beginning) > HEAD_STEPS + TAIL_STEPS:
        beginning, end = beginning[:HEAD_STEPS], beginning[HEAD_STEPS:]
    if end:
        beginning, end = beginning[:HEAD_STEPS], end[-TAIL_STEPS:]
    return Path(beginning, end, opened)


def _events(
    db: sqlite3.Connection, conversion: Conversion
) -> tuple[list[StoredEvent], list[StoredEvent]]:
    """What happened before it and itself, in the order it happened; in two parts where something
    between them is left out, else in one."""
    visitor_ids, last_id = _browsers(db, conversion), conversion.event_id
    before = "id <= :event_id and happened_at_ms <= :at_ms order by id"
    first = _ids(db, visitor_ids, before, conversion, HEAD_EVENTS)
    last = _ids(db, visitor_ids, before + " desc", conversion, TAIL_EVENTS)
    late = _ids(db, visitor_ids, "id > :event_id order by id", conversion, LATE_EVENTS)
    is_whole = not last or last[-1] <= first[-1]

    def told(ids: Sequence[int]) -> list[StoredEvent]:
        found = event_log.some(db, ids)
        before = [each for each in found if each.happened_at_ms <= conversion.happened_at_ms]
        return sorted(before, key=lambda each: (each.id == last_id, each.happened_at_ms, each.id))

    if is_whole:
        return told([*{*first, *last, *late}]), []
    return told(first), told([*last, *late])


def _browsers(db: sqlite3.Connection, conversion: Conversion) -> list[int]:
    """The conversion's own, and the person's that were active last before it."""
    rows = db.execute(
        """select id from visitors where subscriber_id = :subscriber_id and id != :visitor_id
           order by (select max(id) from events
                     where visitor_id = visitors.id and id <= :event_id) desc limit :most""",
        {
            "subscriber_id": conversion.subscriber_id,
            "visitor_id": conversion.visitor_id,
            "event_id": conversion.event_id,
            "most": BROWSERS_MAX,
        },
    )
    return [conversion.visitor_id, *(row["id"] for row in rows)]


def _ids(
    db: sqlite3.Connection,
    visitor_ids: Sequence[int],
    where: str,
    conversion: Conversion,
    most: int,
) -> list[int]:
    """The first so many events of all these browsers, in the order that `where` ends with."""

    def of_one(visitor_id: int) -> Iterator[int]:
        rows = db.execute(
            f"select id from events where visitor_id = :visitor_id and {where}",  # noqa: S608 - one of the texts above
            {
                "visitor_id": visitor_id,
                "event_id": conversion.event_id,
                "at_ms": conversion.happened_at_ms,
            },
        )
        return (row["id"] for row in rows)

    streams = [of_one(each) for each in visitor_ids]
    merged = heapq.merge(*streams, reverse=where.endswith("desc"))
    return list(itertools.islice(merged, most))


def _steps(events: Sequence[StoredEvent], opened: dict[tuple[str, int], Opened]) -> list[Step]:
    steps: list[Step] = []
    before: StoredEvent | None = None
    for group in _groups(events):
        first = group[0]
        clicked = (opened.get((event.uuid, event.happened_at_ms)) for event in group)
        steps.append(
            Step(
                events=tuple(group),
                begins_visit=_begins_visit(before, first),
                pause_ms=first.happened_at_ms - before.happened_at_ms if before else None,
                click=next(filter(None, clicked), None),
            )
        )
        before = group[-1]
    return steps


def _groups(events: Sequence[StoredEvent]) -> list[list[StoredEvent]]:
    """Page views of one visit that follow each other are together."""
    groups: list[list[StoredEvent]] = []
    for event in events:
        before = groups[-1][-1] if groups else None
        is_next_page = before and before.kind == event.kind == "page view"
        if is_next_page and not _begins_visit(before, event):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _begins_visit(before: StoredEvent | None, event: StoredEvent) -> bool:
    return (
        before is None
        or event.uuid != before.uuid
        or event.happened_at_ms - before.happened_at_ms > PAUSE_MS
    )
