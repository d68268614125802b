"""Takes away what was deleted: a list with everything of it, a journey, or a subscriber.

Each step is a bounded number of rows, for a transaction of its own, so that the writer is free
again soon. The one place besides a table's own module that deletes from it, because the order
is the foreign keys' and goes across all of them.
"""

import json
import sqlite3

STEP_ROWS = 50  # a transaction's: some ten milliseconds of the writer where the file is large

# Children before parents. Bindings newest first: an undo points to an older one.
_STEPS = (
    "delete from quarantine where id in "
    "(select id from quarantine where list_id = :list_id limit :rows)",
    "delete from quarantine_requests where id in "
    "(select id from quarantine_requests where list_id = :list_id limit :rows)",
    "delete from quarantine_sizes where list_id = :list_id",
    "delete from outbox where id in (select o.id from journeys j join webhooks w "
    "on w.journey_id = j.id join outbox o on o.webhook_id = w.id "
    "where j.list_id = :list_id limit :rows)",
    "delete from webhooks where id in (select w.id from journeys j join webhooks w "
    "on w.journey_id = j.id where j.list_id = :list_id limit :rows)",
    "delete from enrolments where id in (select e.id from journeys j join enrolments e "
    "on e.journey_id = j.id where j.list_id = :list_id limit :rows)",
    "delete from journeys where id in "
    "(select id from journeys where list_id = :list_id limit :rows)",
    "delete from conversions where id in "
    "(select id from conversions where list_id = :list_id limit :rows)",
    "delete from clicks where id in (select id from clicks where list_id = :list_id limit :rows)",
    "delete from bindings where id in "
    "(select id from bindings where list_id = :list_id order by id desc limit :rows)",
    "events",
    "delete from seen_properties where (name_id, property, type) in "
    "(select name_id, property, type from event_names join seen_properties on name_id = id "
    "where list_id = :list_id limit :rows)",
    "delete from seen_events where name_id in "
    "(select name_id from seen_events where list_id = :list_id limit :rows)",
    "delete from figures where id in (select id from figures where list_id = :list_id limit :rows)",
    "delete from figures_stale where list_id = :list_id and day in "
    "(select day from figures_stale where list_id = :list_id limit :rows)",
    "delete from catalog where (name_id, property) in (select name_id, property from catalog "
    "join event_names on event_names.id = name_id where list_id = :list_id limit :rows)",
    "delete from event_names where id in "
    "(select id from event_names where list_id = :list_id limit :rows)",
    "delete from visitors where id in "
    "(select id from visitors where list_id = :list_id limit :rows)",
    "delete from field_values where (subscriber_id, field_id) in (select subscriber_id, field_id "
    "from field_values where field_id in "
    "(select id from custom_fields where list_id = :list_id) limit :rows)",
    "delete from segments where id in "
    "(select id from segments where list_id = :list_id limit :rows)",
    "delete from custom_fields where id in "
    "(select id from custom_fields where list_id = :list_id limit :rows)",
    "delete from subscribers where id in "
    "(select id from subscribers where list_id = :list_id limit :rows)",
    "delete from retention where list_id = :list_id and kind in "
    "(select kind from retention where list_id = :list_id limit :rows)",
    "delete from suppressions where list_id = :list_id and digest in "
    "(select digest from suppressions where list_id = :list_id limit :rows)",
    "delete from erasures where id in "
    "(select id from erasures where list_id = :list_id limit :rows)",
)


def remove_some(db: sqlite3.Connection, list_id: int, rows: int = STEP_ROWS) -> bool:
    """Take a bounded number of rows of a deleted list. True while something is left."""
    for statement in _STEPS:
        if statement == "events":
            removed = _remove_events(db, list_id, rows)
        else:
            removed = db.execute(statement, {"list_id": list_id, "rows": rows}).rowcount
        if removed:
            return True
    db.execute("delete from lists where id = :id and deleted_at_ms is not null", {"id": list_id})
    return False


# What removed webhooks owed, and what deleted journeys were.
_JOURNEY_STEPS = (
    "delete from outbox where id in (select o.id from webhooks w join outbox o "
    "on o.webhook_id = w.id where w.removed_at_ms is not null limit :rows)",
    "delete from outbox where id in (select o.id from journeys j join webhooks w "
    "on w.journey_id = j.id join outbox o on o.webhook_id = w.id "
    "where j.deleted_at_ms is not null limit :rows)",
    "delete from webhooks where id in (select id from webhooks "
    "where removed_at_ms is not null limit :rows)",
    "delete from webhooks where id in (select w.id from journeys j join webhooks w "
    "on w.journey_id = j.id where j.deleted_at_ms is not null limit :rows)",
    "delete from enrolments where id in (select e.id from journeys j join enrolments e "
    "on e.journey_id = j.id where j.deleted_at_ms is not null limit :rows)",
    "delete from journeys where id in "
    "(select id from journeys where deleted_at_ms is not null limit :rows)",
)


def has_journeys(db: sqlite3.Connection) -> bool:
    """Whether there are deleted journeys or removed webhooks to take away."""
    row = db.execute(
        """select exists (select 1 from journeys where deleted_at_ms is not null)
               or exists (select 1 from webhooks where removed_at_ms is not null)"""
    )
    return bool(row.fetchone()[0])


def remove_some_of_journeys(db: sqlite3.Connection, rows: int = STEP_ROWS) -> bool:
    """Take a bounded number of rows of deleted journeys and removed webhooks. True while something
    is left."""
    return any(db.execute(step, {"rows": rows}).rowcount for step in _JOURNEY_STEPS)


def remove_subscriber(db: sqlite3.Connection, subscriber_id: int) -> None:
    """The person leaves the list: its fields, clicks, enrolments and deliveries go, its browsers
    are nobody's again.

    What was seen and earned stays, as anybody's; the journal keeps that there was a binding.
    """
    who = {"id": subscriber_id}
    db.execute("delete from outbox where subscriber_id = :id", who)
    db.execute("delete from enrolments where subscriber_id = :id", who)
    db.execute("delete from field_values where subscriber_id = :id", who)
    db.execute(
        """update conversions set click_id = null
           where click_id in (select id from clicks where subscriber_id = :id)""",
        who,
    )
    db.execute("delete from clicks where subscriber_id = :id", who)
    db.execute(
        """update bindings set subscriber_before = null, bound_by_before = null
           where subscriber_before = :id""",
        who,
    )
    db.execute(
        """update bindings set subscriber_after = null, bound_by_after = null
           where subscriber_after = :id""",
        who,
    )
    db.execute(
        "update visitors set subscriber_id = null, bound_by = null where subscriber_id = :id", who
    )
    db.execute("delete from subscribers where id = :id", who)


def _remove_events(db: sqlite3.Connection, list_id: int, rows: int) -> int:
    """Some events, and before them the identifies they caused, which point to them.

    By name, for so they lie together in the file, which is most of what a step costs.
    """
    found = db.execute(
        """select e.id from event_names n join events e on e.name_id = n.id
           where n.list_id = :list_id limit :rows""",
        {"list_id": list_id, "rows": rows},
    )
    ids = {"ids": json.dumps([row["id"] for row in found])}
    db.execute("delete from events where caused_by in (select value from json_each(:ids))", ids)
    return db.execute(
        "delete from events where id in (select value from json_each(:ids))", ids
    ).rowcount
