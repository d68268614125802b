"""Visitors as they are shown: what browser it is, whose, and when it was seen. Read-only."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from gateway.records import people
from gateway.records.bindings import By
from gateway.records.people import Visitor


@dataclass(frozen=True, slots=True)
class Browser:
    """What the visitor's latest event from a browser said of it; None what is not known."""

    visitor: Visitor
    browser: str | None
    os: str | None
    device: str | None
    first_seen_ms: int
    last_seen_ms: int | None

    @property
    def uuid(self) -> str:
        return str(self.visitor.uuid)

    @property
    def bound_by(self) -> str | None:
        by = self.visitor.bound_by
        return None if by is None else By(by).name.lower()


def of_subscriber(db: sqlite3.Connection, subscriber_id: int, rows: int) -> list[Browser]:
    """A person's browsers, those seen last first."""
    return _found(db, "subscriber_id = :id", subscriber_id, rows)


def of_visitor(db: sqlite3.Connection, visitor: Visitor) -> Browser:
    return _found(db, "id = :id", visitor.id, 1)[0]


def _found(db: sqlite3.Connection, where: str, id: int, rows: int) -> list[Browser]:
    found = db.execute(
        f"""select v.id, v.created_at_ms, last.happened_at_ms, c.properties
            from (select id, created_at_ms,
                         (select max(id) from events where visitor_id = visitors.id) as last_id
                  from visitors where {where} order by last_id desc limit :rows) v
            left join events last on last.id = last_id
            left join contexts c on c.id = ({_LATEST_CONTEXT})
            order by last_id desc""",  # noqa: S608 - texts of this file
        {"id": id, "rows": rows},
    )
    return [_browser(db, row) for row in found.fetchall()]


# A server's events say nothing of the browser, so one of the latest that is not a server's.
_LATEST_CONTEXT = """
    select browser_id from (
        select id, browser_id, door from events where visitor_id = v.id order by id desc limit 20)
    order by door = 3, id desc limit 1"""


def _browser(db: sqlite3.Connection, row: sqlite3.Row) -> Browser:
    said: dict[str, Any] = json.loads(row["properties"] or "{}")
    return Browser(
        visitor=people.visitor(db, row["id"]),
        browser=said.get("$browser"),
        os=said.get("$os"),
        device=said.get("$device_type"),
        first_seen_ms=row["created_at_ms"],
        last_seen_ms=row["happened_at_ms"],
    )
