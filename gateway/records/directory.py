"""The people of a list as they are looked through and looked for. Read-only.

Every way to somebody goes by an index, or through a bounded number of rows.
"""

import sqlite3
from dataclasses import dataclass

from gateway.records import people
from gateway.records.people import Subscriber, Visitor

LOOKED_THROUGH = 20_000
"""The newest subscribers, for an address that has a text in it: there is no index for that."""

_BEHIND_ALL = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscriber as one line: with how many browsers, and when the last of them was seen."""

    subscriber: Subscriber
    browsers: int
    seen_at_ms: int | None


def newest(
    db: sqlite3.Connection, list_id: int, *, before_id: int | None = None, rows: int
) -> list[Subscriber]:
    """The next of a list before this one, newest first."""
    found = db.execute(
        """select id from subscribers
           where list_id = :list_id and (:before_id is null or id < :before_id)
           order by id desc limit :rows""",
        {"list_id": list_id, "before_id": before_id, "rows": rows},
    )
    return [people.subscriber(db, row["id"]) for row in found.fetchall()]


def beginning_with(
    db: sqlite3.Connection, list_id: int, text: str, *, after: str = "", rows: int
) -> list[Subscriber]:
    """Whose address begins so, in the order of the addresses; those behind `after`."""
    key = text.casefold()
    found = db.execute(
        """select id from subscribers
           where list_id = :list_id and email_key >= :key and email_key < :key || :behind_all
               and email_key > :after
           order by email_key limit :rows""",
        {
            "list_id": list_id,
            "key": key,
            "behind_all": _BEHIND_ALL,
            "after": after.casefold(),
            "rows": rows,
        },
    )
    return [people.subscriber(db, row["id"]) for row in found.fetchall()]


def containing(db: sqlite3.Connection, list_id: int, text: str, *, rows: int) -> list[Subscriber]:
    """Whose address has this in it, newest first, among the newest LOOKED_THROUGH."""
    found = db.execute(
        """select id from (select id, email_key from subscribers where list_id = :list_id
                           order by id desc limit :looked_through)
           where instr(email_key, :key) > 0 limit :rows""",
        {
            "list_id": list_id,
            "key": text.casefold(),
            "looked_through": LOOKED_THROUGH,
            "rows": rows,
        },
    )
    return [people.subscriber(db, row["id"]) for row in found.fetchall()]


def of_external_id(
    db: sqlite3.Connection, list_id: int, external_id: str, *, rows: int
) -> tuple[list[Subscriber], list[Visitor]]:
    """Who has this id of the account's own: people, and browsers that are nobody's yet."""
    named = {"list_id": list_id, "external_id": external_id, "rows": rows}
    subscribers = db.execute(
        """select id from subscribers where list_id = :list_id and external_id = :external_id
           order by id limit :rows""",
        named,
    ).fetchall()
    visitors = db.execute(
        """select id from visitors where list_id = :list_id and external_id = :external_id
               and subscriber_id is null order by id limit :rows""",
        named,
    ).fetchall()
    return (
        [people.subscriber(db, row["id"]) for row in subscribers],
        [people.visitor(db, row["id"]) for row in visitors],
    )


def entries(db: sqlite3.Connection, subscribers: list[Subscriber]) -> list[Entry]:
    return [_entry(db, each) for each in subscribers]


def count(db: sqlite3.Connection, list_id: int, most: int) -> int:
    """How many people there are; counted up to `most`."""
    row = db.execute(
        "select count(*) from (select 1 from subscribers where list_id = :list_id limit :most)",
        {"list_id": list_id, "most": most},
    )
    return int(row.fetchone()[0])


def _entry(db: sqlite3.Connection, subscriber: Subscriber) -> Entry:
    row = db.execute(
        """select count(*) as browsers,
                  max((select max(id) from events where visitor_id = visitors.id)) as last_id
           from visitors where subscriber_id = :id""",
        {"id": subscriber.id},
    ).fetchone()
    seen = db.execute(
        "select happened_at_ms from events where id = :id", {"id": row["last_id"]}
    ).fetchone()
    return Entry(subscriber, row["browsers"], seen["happened_at_ms"] if seen else None)
