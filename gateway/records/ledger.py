"""What was lost between browsers and us: read from the numbers that each browser tab gives its
events. Writes nothing.

A tab counts from 1, so its highest number says how many events it made up to then, and how many
of them are here is counted. What cannot be seen: a tab of which nothing arrived, and the end of
one whose last events are missing. A number may also be missing because its event was dropped or
rejected on arrival, or because it still waits in a browser that will come back.
"""

import sqlite3

import msgspec

OLDER_EVENTS = 1_000  # of a browser, looked through for a tab that was there before


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """How many events the tabs of one browser family made and how many of them are stored."""

    list_id: int
    browser: str | None
    tabs: int
    made: int
    stored: int

    @property
    def missing(self) -> int:
        return self.made - self.stored

    @property
    def rate(self) -> float:
        return self.missing / self.made


def loss(
    db: sqlite3.Connection, *, list_id: int | None, since_ms: int, now_ms: int, after_id: int = 0
) -> list[Loss]:
    """By list and browser, of the tabs whose first stored event came at `since_ms` or later; and
    later than what retention may have taken away, by a day, for tabs that were open then.

    Only events behind `after_id` are read. A tab whose first number is not among them is left out
    where one of its browser's last events before that is of it.
    """
    rows = db.execute(
        """with tabs as (
               select list_id, tab, max(seq) as made, count(distinct seq) as stored,
                      min(seq) as first_seq, min(received_at_ms) as begun_ms,
                      max(browser_id) as browser_id, max(visitor_id) as visitor_id
               from events not indexed
               where id > :after_id and tab is not null and seq is not null
                   and (:list_id is null or list_id = :list_id)
               group by list_id, tab)
           select list_id, json_extract(contexts.properties, '$."$browser"') as browser,
                  count(*) as tabs, sum(made) as made, sum(stored) as stored
           from tabs join contexts on contexts.id = browser_id
           where begun_ms >= :since_ms
               and begun_ms >= coalesce((select :now_ms - (min(days) - 1) * 86400000 from retention
                                         where retention.list_id = tabs.list_id), 0)
               and (first_seq = 1 or not exists (
                   select 1 from (select tab from events where visitor_id = tabs.visitor_id
                                      and id <= :after_id order by id desc limit :older) as old
                   where old.tab = tabs.tab))
           group by list_id, browser
           order by list_id, made desc""",
        {
            "list_id": list_id,
            "since_ms": since_ms,
            "now_ms": now_ms,
            "after_id": after_id,
            "older": OLDER_EVENTS,
        },
    )
    return [Loss(**dict(row)) for row in rows]


def last_before(db: sqlite3.Connection, since_ms: int, events: int) -> tuple[int, int | None]:
    """Behind which id to read for what came at `since_ms` or later, so many events at most; and
    since when that is, if it had to be later. Ids grow with time but for what was replayed."""
    last_id = int(db.execute("select coalesce(max(id), 0) from events").fetchone()[0])
    low, high = max(last_id - events, 0), last_id
    first_at_ms = _received_at_ms(db, low + 1) if low else None
    if first_at_ms is not None and first_at_ms > since_ms:
        return low, first_at_ms
    while low < high:
        middle = (low + high + 1) // 2
        at_ms = _received_at_ms(db, middle)
        if at_ms is not None and at_ms < since_ms:
            low = middle
        else:
            high = middle - 1
    return low, None


def _received_at_ms(db: sqlite3.Connection, event_id: int) -> int | None:
    """Of that event, or of the last before it that is still there."""
    row = db.execute(
        "select received_at_ms from events where id <= :id order by id desc limit 1",
        {"id": event_id},
    ).fetchone()
    return int(row["received_at_ms"]) if row else None
