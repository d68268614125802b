"""Visitors (browsers) and subscribers (people on a list). Writes `visitors` and `subscribers`.

A visitor points to the subscriber it is bound to; `identity` decides where it points.
"""

import sqlite3
import uuid as uuids
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    id: int
    list_id: int
    uuid: uuids.UUID
    subscriber_id: int | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Subscriber:
    id: int
    list_id: int
    email: str
    external_id: str | None
    created_at_ms: int


def visitor(db: sqlite3.Connection, visitor_id: int) -> Visitor:
    row = db.execute("select * from visitors where id = :id", {"id": visitor_id}).fetchone()
    return _visitor(row)


def visitor_by_uuid(db: sqlite3.Connection, list_id: int, uuid: bytes, now_ms: int) -> Visitor:
    """The visitor of this uuid, made at its first event."""
    found = db.execute(
        "select * from visitors where list_id = :list_id and uuid = :uuid",
        {"list_id": list_id, "uuid": uuid},
    ).fetchone()
    if found is None:
        found = db.execute(
            """insert into visitors (list_id, uuid, created_at_ms)
               values (:list_id, :uuid, :now_ms) returning *""",
            {"list_id": list_id, "uuid": uuid, "now_ms": now_ms},
        ).fetchone()
    return _visitor(found)


def is_bound(db: sqlite3.Connection, list_id: int, uuid: bytes, email: str) -> bool:
    """Whether this visitor is bound to the subscriber of this address already."""
    row = db.execute(
        """select 1 from visitors join subscribers on subscribers.id = subscriber_id
           where visitors.list_id = :list_id and uuid = :uuid and email_key = :email_key""",
        {"list_id": list_id, "uuid": uuid, "email_key": email.casefold()},
    )
    return row.fetchone() is not None


def latest_visitor_of_subscriber(db: sqlite3.Connection, subscriber_id: int) -> Visitor | None:
    """The visitor this person's most recent event came from."""
    row = db.execute(
        """select * from visitors where subscriber_id = :subscriber_id
           order by (select max(id) from events where visitor_id = visitors.id) desc,
                    id desc limit 1""",
        {"subscriber_id": subscriber_id},
    ).fetchone()
    return _visitor(row) if row else None


def latest_visitor_by_external_id(
    db: sqlite3.Connection, list_id: int, external_id: str
) -> Visitor | None:
    """The most recently active visitor that a sender gave this id, not bound to anybody."""
    row = db.execute(
        """select * from visitors
           where list_id = :list_id and external_id = :external_id and subscriber_id is null
           order by (select max(id) from events where visitor_id = visitors.id) desc,
                    id desc limit 1""",
        {"list_id": list_id, "external_id": external_id},
    ).fetchone()
    return _visitor(row) if row else None


def subscriber(db: sqlite3.Connection, subscriber_id: int) -> Subscriber:
    row = db.execute("select * from subscribers where id = :id", {"id": subscriber_id}).fetchone()
    return _subscriber(row)


def subscriber_by_email(db: sqlite3.Connection, list_id: int, email: str) -> Subscriber | None:
    """Found without regard to case."""
    row = db.execute(
        "select * from subscribers where list_id = :list_id and email_key = :email_key",
        {"list_id": list_id, "email_key": email.casefold()},
    ).fetchone()
    return _subscriber(row) if row else None


def subscriber_by_external_id(
    db: sqlite3.Connection, list_id: int, external_id: str
) -> Subscriber | None:
    """The one known longest, should several share the id."""
    row = db.execute(
        """select * from subscribers where list_id = :list_id and external_id = :external_id
           order by id limit 1""",
        {"list_id": list_id, "external_id": external_id},
    ).fetchone()
    return _subscriber(row) if row else None


def subscribe(db: sqlite3.Connection, list_id: int, email: str, now_ms: int) -> Subscriber:
    """The subscriber of this address, put on the list if it is not there yet."""
    found = subscriber_by_email(db, list_id, email)
    if found:
        return found
    row = db.execute(
        """insert into subscribers (list_id, email, email_key, created_at_ms)
           values (:list_id, :email, :email_key, :now_ms) returning *""",
        {"list_id": list_id, "email": email, "email_key": email.casefold(), "now_ms": now_ms},
    ).fetchone()
    return _subscriber(row)


def bind(db: sqlite3.Connection, visitor_id: int, subscriber_id: int) -> None:
    db.execute(
        "update visitors set subscriber_id = :subscriber_id where id = :id",
        {"id": visitor_id, "subscriber_id": subscriber_id},
    )


def name_visitor(db: sqlite3.Connection, visitor_id: int, external_id: str) -> None:
    """Keep the external id of a visitor who is nobody's yet."""
    db.execute(
        "update visitors set external_id = :external_id where id = :id",
        {"id": visitor_id, "external_id": external_id},
    )


def name_subscriber(db: sqlite3.Connection, subscriber_id: int, external_id: str) -> None:
    db.execute(
        "update subscribers set external_id = :external_id where id = :id",
        {"id": subscriber_id, "external_id": external_id},
    )


def _visitor(row: sqlite3.Row) -> Visitor:
    return Visitor(
        row["id"],
        row["list_id"],
        uuids.UUID(bytes=row["uuid"]),
        row["subscriber_id"],
        row["external_id"],
    )


def _subscriber(row: sqlite3.Row) -> Subscriber:
    return Subscriber(
        row["id"], row["list_id"], row["email"], row["external_id"], row["created_at_ms"]
    )
