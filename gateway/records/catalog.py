"""Every property name seen with each event name of a list. Writes `catalog`, and the two counters
of it on `lists`.

Bounded per list: what comes once it is full is counted; its event is stored all the same.
"""

import sqlite3
from collections.abc import Iterable

from gateway.events.event import Enriched
from gateway.events.vocabulary import STANDARD_PROPERTIES

_STANDARD = frozenset(STANDARD_PROPERTIES)


def observe(
    db: sqlite3.Connection, event: Enriched, *, name_id: int, first: bool, names_max: int
) -> set[str]:
    """Note the property names of an event; those of them that are in the catalog now.

    `first`: nothing was seen under this name before.
    """
    beyond = [
        name
        for part in (event.own, event.page, event.browser)
        for name in part
        if name not in _STANDARD
    ]
    if first:
        # Every event carries the standard properties, so they are noted once and for all.
        unseen = [*STANDARD_PROPERTIES, *beyond]
    else:
        unseen = [name for name in beyond if not _seen(db, name_id, name)]
    lost = _add(db, event, name_id, unseen, names_max) if unseen else []
    return {*STANDARD_PROPERTIES, *beyond}.difference(lost)


def for_list(db: sqlite3.Connection, list_id: int) -> dict[str, list[str]]:
    """Event name → its property names, both in ASCII (code point) order."""
    rows = db.execute(
        """select name, property from catalog join event_names on event_names.id = name_id
           where list_id = :list_id order by name, property""",
        {"list_id": list_id},
    )
    answer: dict[str, list[str]] = {}
    for row in rows:
        answer.setdefault(row["name"], []).append(row["property"])
    return answer


def properties(db: sqlite3.Connection, list_id: int, name: str, rows: int) -> list[str]:
    """The first property names of an event of a list, in the order of their letters, those that
    every event has behind the ones of its own."""
    found = db.execute(
        """select property from catalog where name_id = (
               select id from event_names where list_id = :list_id and name = :name)
           order by property like '$%', property limit :rows""",
        {"list_id": list_id, "name": name, "rows": rows},
    )
    return [row["property"] for row in found]


def _seen(db: sqlite3.Connection, name_id: int, name: str) -> bool:
    row = db.execute(
        "select 1 from catalog where name_id = :name_id and property = :name",
        {"name_id": name_id, "name": name},
    )
    return row.fetchone() is not None


def _add(
    db: sqlite3.Connection, event: Enriched, name_id: int, unseen: Iterable[str], names_max: int
) -> list[str]:
    """The names there was no room for."""
    unseen = sorted(set(unseen))
    row = db.execute(
        "select catalog_names from lists where id = :list_id", {"list_id": event.list_id}
    ).fetchone()
    room = max(names_max - row["catalog_names"], 0)
    kept, lost = unseen[:room], unseen[room:]
    db.executemany(
        """insert into catalog (name_id, property, first_seen_at_ms)
           values (:name_id, :property, :first_seen_at_ms)""",
        [
            {"name_id": name_id, "property": name, "first_seen_at_ms": event.received_at_ms}
            for name in kept
        ],
    )
    db.execute(
        """update lists set catalog_names = catalog_names + :kept,
               catalog_overflow = catalog_overflow + :lost where id = :list_id""",
        {"kept": len(kept), "lost": len(lost), "list_id": event.list_id},
    )
    return lost
