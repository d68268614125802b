"""Which browser did what last when: a summary of the event log, so that a question about 50,000
people need not read their million events. Writes `happenings`, `happenings_upto`.

Events are folded in afterwards, in bounded steps; a question reads the summary and, besides, the
events that are not in it yet. So it is right the moment an event is stored, only slower while
many are left. A trigger keeps the summary right when events are deleted.
"""

import sqlite3
from dataclasses import dataclass

FOLD_EVENTS = 2_000  # a step's: some ten milliseconds of the writer
BEHIND_EVENTS = 50_000  # from here on reading what is left is felt


@dataclass(frozen=True, slots=True)
class Difference:
    """What the summary says of a browser and an event, and what the events say; None: never."""

    name_id: int
    visitor_id: int
    summary_ms: int | None
    events_ms: int | None


def is_behind(db: sqlite3.Connection) -> bool:
    row = db.execute(
        """select event_id + :many < (select coalesce(max(id), 0) from events)
           from happenings_upto""",
        {"many": BEHIND_EVENTS},
    )
    return bool(row.fetchone()[0])


def fold_some(db: sqlite3.Connection, events: int = FOLD_EVENTS) -> bool:
    """Take the next events into the summary. True while there are more."""
    low = int(db.execute("select event_id from happenings_upto").fetchone()[0])
    last = int(db.execute("select coalesce(max(id), 0) from events").fetchone()[0])
    high = min(low + events, last)
    if high <= low:
        return False
    db.execute(
        """insert into happenings (name_id, visitor_id, last_at_ms)
           select name_id, visitor_id, max(happened_at_ms) from events
           where id > :low and id <= :high group by name_id, visitor_id
           on conflict do update set last_at_ms = max(last_at_ms, excluded.last_at_ms)""",
        {"low": low, "high": high},
    )
    db.execute("update happenings_upto set event_id = :high", {"high": high})
    return high < last


def differences(db: sqlite3.Connection, list_id: int) -> list[Difference]:
    """Where the summary is not what a reading of all events says. There should be none; the
    events that are not folded in yet do not count."""
    rows = db.execute(
        """select name_id, visitor_id, max(summary_ms) as summary_ms, max(events_ms) as events_ms
           from (
               select name_id, visitor_id, last_at_ms as summary_ms, null as events_ms,
                      null as folded_ms
               from happenings
               where name_id in (select id from event_names where list_id = :list_id)
               union all
               select name_id, visitor_id, null, max(happened_at_ms),
                      max(iif(id <= (select event_id from happenings_upto), happened_at_ms, null))
               from events not indexed where list_id = :list_id group by name_id, visitor_id
           )
           group by name_id, visitor_id
           having coalesce(max(summary_ms), -1) not between coalesce(max(folded_ms), -1)
                  and coalesce(max(events_ms), -1)""",
        {"list_id": list_id},
    )
    return [Difference(**row) for row in rows]
