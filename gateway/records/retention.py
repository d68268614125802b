"""How long events are kept, by list and kind, and taking away those past their time. Writes
`retention`, and deletes across tables like `erasure` and `removal`.

An event's age is counted from when it happened. It goes in steps, oldest first, each a
transaction of its own, with what would be nothing without it: its conversion (and so its revenue
and the promise that a conversion id counts once), and a visitor who was never anybody and of
whom nothing is left. The identify it brought along is of another kind: it stays for its own
time and points to nothing. Contexts go later, see `contexts`.
"""

import sqlite3

import msgspec

from gateway.events.vocabulary import Kind

DAY_MS = 86_400_000
DAYS_MAX = 36_500
KINDS = {kind.name.lower().replace("_", " "): kind for kind in Kind}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a list's setting for a kind means now: how many events are past their time, how many
    stay, and when the first and the last of those happened."""

    list_id: int
    kind: str
    days: int | None
    go: int
    stay: int
    oldest_ms: int | None
    newest_ms: int | None


def days(db: sqlite3.Connection, list_id: int) -> dict[str, int | None]:
    """Kind → days its events are kept; None: for ever."""
    rows = db.execute(
        "select kind, days from retention where list_id = :list_id", {"list_id": list_id}
    )
    chosen = {row["kind"]: row["days"] for row in rows}
    return {word: chosen.get(kind) for word, kind in KINDS.items()}


def keep(db: sqlite3.Connection, list_id: int, kind: str, days: int | None) -> None:
    """From now on keep events of a kind for so many days; None: for ever."""
    of = {"list_id": list_id, "kind": int(KINDS[kind])}
    db.execute("delete from retention where list_id = :list_id and kind = :kind", of)
    if days is not None:
        db.execute(
            "insert into retention (list_id, kind, days) values (:list_id, :kind, :days)",
            of | {"days": days},
        )


def outlook(db: sqlite3.Connection, list_id: int, now_ms: int) -> list[Kept]:
    """What would go now, by kind, and what would stay."""
    return [_kept(db, list_id, word, kept, now_ms) for word, kept in days(db, list_id).items()]


def names_past(db: sqlite3.Connection, now_ms: int) -> list[int]:
    """The event names that have events past their time."""
    rows = db.execute(
        """select n.id from retention r
           join lists l on l.id = r.list_id and l.deleted_at_ms is null
           join event_names n on n.list_id = r.list_id and n.kind = r.kind
           where exists (select 1 from events e where e.name_id = n.id
                             and e.happened_at_ms < :now_ms - r.days * :day_ms)
           order by n.id""",
        {"now_ms": now_ms, "day_ms": DAY_MS},
    )
    return [row["id"] for row in rows]


def remove_some(db: sqlite3.Connection, name_id: int, now_ms: int, rows: int) -> int:
    """Take the oldest events of a name that are past their time, so many at most. How many went.

    The setting counts as it stands in this very transaction.
    """
    found = db.execute(
        """select json_group_array(id) as ids, json_group_array(distinct visitor_id) as visitor_ids
           from (select e.id, e.visitor_id from event_names n
                 join retention r on r.list_id = n.list_id and r.kind = n.kind
                 join events e on e.name_id = n.id
                     and e.happened_at_ms < :now_ms - r.days * :day_ms
                 where n.id = :name_id order by e.happened_at_ms limit :rows)""",
        {"name_id": name_id, "now_ms": now_ms, "day_ms": DAY_MS, "rows": rows},
    ).fetchone()
    removed = 0
    for statement in _REMOVE_EVENTS:
        removed = db.execute(statement, {"ids": found["ids"]}).rowcount
    db.execute(_REMOVE_VISITORS, {"ids": found["visitor_ids"]})
    return removed


# What points to an event before the event, which is the last.
_REMOVE_EVENTS = (
    "delete from conversions where event_id in (select value from json_each(:ids))",
    "update events set caused_by = null where caused_by in (select value from json_each(:ids))",
    "delete from events where id in (select value from json_each(:ids))",
)

# Who was somebody, or clicked a link, stays: the journal and the credit for what comes need them;
# and who is being erased goes with all that is left of them.
_REMOVE_VISITORS = """
    delete from visitors where id in (select value from json_each(:ids)) and subscriber_id is null
        and not exists (select 1 from events where visitor_id = visitors.id)
        and not exists (select 1 from bindings where visitor_id = visitors.id)
        and not exists (select 1 from clicks where visitor_id = visitors.id)
        and not exists (select 1 from conversions where visitor_id = visitors.id)
        and not exists (select 1 from erasures where visitor_id = visitors.id)"""


def _kept(db: sqlite3.Connection, list_id: int, word: str, days: int | None, now_ms: int) -> Kept:
    """Counted name by name, each in its index."""
    of = {
        "list_id": list_id,
        "kind": int(KINDS[word]),
        "since_ms": now_ms - (days or 0) * DAY_MS if days is not None else None,
    }
    go = 0
    if days is not None:
        go = db.execute(
            """select count(*) from event_names n join events e on e.name_id = n.id
               where n.list_id = :list_id and n.kind = :kind and e.happened_at_ms < :since_ms""",
            of,
        ).fetchone()[0]
    stay = db.execute(
        """select count(*) as events, min(happened_at_ms) as oldest, max(happened_at_ms) as newest
           from event_names n join events e on e.name_id = n.id
           where n.list_id = :list_id and n.kind = :kind
               and e.happened_at_ms >= coalesce(:since_ms, e.happened_at_ms)""",
        of,
    ).fetchone()
    return Kept(
        list_id=list_id,
        kind=word,
        days=days,
        go=go,
        stay=stay["events"],
        oldest_ms=stay["oldest"],
        newest_ms=stay["newest"],
    )
