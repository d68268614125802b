"""What was lost between browsers and us: read from the numbers that each browser tab gives its
events. Writes nothing.

A tab counts from 1, so its highest number says how many events it made up to then, and how many
of them are here is counted. What cannot be seen: a tab of which nothing arrived, and the end of
one whose last events are missing. A number may also be missing because its event was dropped or
rejected on arrival, or because it still waits in a browser that will come back.
"""

import sqlite3

import msgspec


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


def loss(db: sqlite3.Connection, *, list_id: int | None, since_ms: int, now_ms: int) -> list[Loss]:
    """By list and browser, of the tabs whose first stored event came at `since_ms` or later; and
    later than what retention may have taken away, by a day, for tabs that were open then."""
    rows = db.execute(
        """select list_id, json_extract(contexts.properties, '$."$browser"') as browser,
                  count(*) as tabs, sum(made) as made, sum(stored) as stored
           from (select list_id, max(seq) as made, count(distinct seq) as stored,
                        max(browser_id) as browser_id
                 from events
                 where tab is not null and seq is not null
                   and (:list_id is null or list_id = :list_id)
                 group by list_id, tab
                 having min(received_at_ms) >= :since_ms and min(received_at_ms) >=
                     coalesce((select :now_ms - (min(days) - 1) * 86400000 from retention
                               where retention.list_id = events.list_id), 0)) as tabs
           join contexts on contexts.id = browser_id
           group by list_id, browser
           order by list_id, made desc""",
        {"list_id": list_id, "since_ms": since_ms, "now_ms": now_ms},
    )
    return [Loss(**dict(row)) for row in rows]
