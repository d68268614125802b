"""Takes away contexts that no event uses any more: marks those in use, then sweeps the others.

Nothing leads from a context to its events: an index on the two pointers of every event would
cost more than it is worth. So all events are read, a page at a time, and who deletes asks
once more for the events that came since. The foreign keys of `events` are right all the time but
not asked here, for each row would have them read all events again: `run` is of a connection that
does not enforce them.
"""

import asyncio
import json
import sqlite3
from functools import partial

from gateway.records.run import Run

EVENTS = 5_000  # of a page: some milliseconds of a reader
ROWS = 200  # of contexts deleted in one transaction


def may_be_unused(db: sqlite3.Connection) -> bool:
    """Whether events were ever taken away: by retention, by an erasure, with a list."""
    row = db.execute(
        """select exists (select 1 from retention) or exists (select 1 from erasures)
               or (select seq from sqlite_sequence where name = 'lists')
                   > (select count(*) from lists where deleted_at_ms is null)"""
    )
    return bool(row.fetchone()[0])


async def sweep(read: Run, run: Run) -> int:
    """Delete the contexts that no event uses. How many there were."""
    used = _Marks(await read(_last_id))
    removed, after_id = 0, 0
    while ids := await read(partial(_ids_after, after_id=after_id)):
        after_id = ids[-1]
        await used.catch_up(read)
        unused = [each for each in ids if not used.holds(each)]
        if unused:
            delete = partial(_delete, ids=unused, unread_after_id=used.read_to_id)
            removed += await run(delete)
    return removed


class _Marks:
    """Which contexts are used by the events read so far. A newer context is not ours to judge."""

    def __init__(self, last_id: int) -> None:
        self.read_to_id = 0
        self._marks = bytearray(last_id + 1)

    def holds(self, context_id: int) -> bool:
        return context_id >= len(self._marks) or bool(self._marks[context_id])

    async def catch_up(self, read: Run) -> None:
        """Read the events that are not read yet, with a rest after each page."""
        while page := await read(partial(_used_after, event_id=self.read_to_id)):
            self.read_to_id, ids = page
            for context_id in ids:
                if context_id < len(self._marks):
                    self._marks[context_id] = 1
            await asyncio.sleep(0.005)


def _last_id(db: sqlite3.Connection) -> int:
    return int(db.execute("select coalesce(max(id), 0) from contexts").fetchone()[0])


def _ids_after(db: sqlite3.Connection, after_id: int) -> list[int]:
    rows = db.execute(
        "select id from contexts where id > :after_id order by id limit :rows",
        {"after_id": after_id, "rows": ROWS},
    )
    return [row["id"] for row in rows]


def _used_after(db: sqlite3.Connection, event_id: int) -> tuple[int, list[int]] | None:
    """The next page of events: its last id, and the contexts it uses. Counted out by SQLite
    itself, which lets other threads run meanwhile."""
    row = db.execute(
        """select max(id) as last_id, json_group_array(distinct browser_id) as browsers,
                  json_group_array(distinct page_id) as pages
           from (select id, browser_id, page_id from events where id > :event_id
                 order by id limit :rows)""",
        {"event_id": event_id, "rows": EVENTS},
    ).fetchone()
    if row["last_id"] is None:
        return None
    return row["last_id"], json.loads(row["browsers"]) + json.loads(row["pages"])


def _delete(db: sqlite3.Connection, ids: list[int], unread_after_id: int) -> int:
    """Of these, all that no event uses which came after the last one read: while this transaction
    holds the file, no other can come."""
    return db.execute(
        """delete from contexts where id in (select value from json_each(:ids))
               and id not in (select browser_id from events where id > :unread_after_id
                              union all select page_id from events where id > :unread_after_id)""",
        {"ids": json.dumps(ids), "unread_after_id": unread_after_id},
    ).rowcount
