"""Visitors (browsers) and subscribers (people on a list). Writes `visitors` and `subscribers`.

A visitor points to the subscriber it is bound to; `identity` decides where it points.
"""

import json
import sqlite3
import uuid as uuids
from collections.abc import Collection
from dataclasses import dataclass

from gateway.records import suppressions

STATUSES = ("Subscribed", "Unsubscribed", "Opt-In Pending", "Opt-Out Pending")
BOUNCE_TYPES = ("Not Bounced", "Soft", "Hard")


@dataclass(frozen=True, slots=True)
class Visitor:
    id: int
    list_id: int
    uuid: uuids.UUID
    subscriber_id: int | None
    bound_by: int | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Subscriber:
    id: int
    list_id: int
    email: str
    external_id: str | None
    created_at_ms: int
    status: str
    bounce_type: str
    subscription_ip: str | None
    unsubscribed_at_ms: int | None
    unsubscription_ip: str | None


def visitor(db: sqlite3.Connection, visitor_id: int) -> Visitor:
    row = db.execute("select * from visitors where id = :id", {"id": visitor_id}).fetchone()
    return _visitor(row)


def find_visitor(db: sqlite3.Connection, list_id: int, uuid: bytes) -> Visitor | None:
    row = db.execute(
        "select * from visitors where list_id = :list_id and uuid = :uuid",
        {"list_id": list_id, "uuid": uuid},
    ).fetchone()
    return _visitor(row) if row else None


def visitor_by_uuid(db: sqlite3.Connection, list_id: int, uuid: bytes, now_ms: int) -> Visitor:
    """The visitor of this uuid, made at its first event. Raises Erased for one we were told to
    forget."""
    found = find_visitor(db, list_id, uuid)
    if found:
        return found
    suppressions.check(db, list_id, suppressions.visitor_digest(uuid))
    row = db.execute(
        """insert into visitors (list_id, uuid, created_at_ms)
           values (:list_id, :uuid, :now_ms) returning *""",
        {"list_id": list_id, "uuid": uuid, "now_ms": now_ms},
    ).fetchone()
    return _visitor(row)


def is_bound(db: sqlite3.Connection, list_id: int, uuid: bytes, email: str) -> bool:
    """Whether this visitor is bound to the subscriber of this address already."""
    row = db.execute(
        """select 1 from visitors join subscribers on subscribers.id = subscriber_id
           where visitors.list_id = :list_id and uuid = :uuid and email_key = :email_key""",
        {"list_id": list_id, "uuid": uuid, "email_key": email.casefold()},
    )
    return row.fetchone() is not None


def visitor_ids(db: sqlite3.Connection, subscriber_id: int) -> list[int]:
    """The visitors that are bound to a subscriber now."""
    rows = db.execute(
        "select id from visitors where subscriber_id = :id order by id", {"id": subscriber_id}
    )
    return [row["id"] for row in rows]


def bound_visitors(db: sqlite3.Connection, list_id: int) -> list[int]:
    """The ids of a list's visitors who are somebody."""
    rows = db.execute(
        "select id from visitors where list_id = :list_id and subscriber_id is not null",
        {"list_id": list_id},
    )
    return [row["id"] for row in rows]


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
    """The subscriber of this address, put on the list if it is not there yet. Raises Erased."""
    found = subscriber_by_email(db, list_id, email)
    if found:
        return found
    suppressions.check(db, list_id, suppressions.email_digest(email))
    row = db.execute(
        """insert into subscribers (list_id, email, email_key, created_at_ms)
           values (:list_id, :email, :email_key, :now_ms) returning *""",
        {"list_id": list_id, "email": email, "email_key": email.casefold(), "now_ms": now_ms},
    ).fetchone()
    return _subscriber(row)


def on_list(db: sqlite3.Connection, list_id: int, subscriber_id: int) -> Subscriber | None:
    """The subscriber of this id, if it is this list's."""
    row = db.execute(
        "select * from subscribers where id = :id and list_id = :list_id",
        {"id": subscriber_id, "list_id": list_id},
    ).fetchone()
    return _subscriber(row) if row else None


def ids_of(db: sqlite3.Connection, list_id: int, emails: Collection[str]) -> dict[str, int]:
    """Address → the subscriber of the list who has it."""
    keys = {email.casefold(): email for email in emails}
    rows = db.execute(
        """select id, email_key from subscribers
           where list_id = :list_id and email_key in (select value from json_each(:keys))""",
        {"list_id": list_id, "keys": json.dumps([*keys])},
    )
    return {keys[row["email_key"]]: row["id"] for row in rows}


def is_there(db: sqlite3.Connection, subscriber_id: int) -> bool:
    row = db.execute("select 1 from subscribers where id = :id", {"id": subscriber_id})
    return row.fetchone() is not None


def change_subscriber(db: sqlite3.Connection, changed: Subscriber) -> None:
    """Write a subscriber's facts over the ones it had. Raises Erased for an address we were told
    to forget; that nobody else on the list has it is the caller's to see."""
    suppressions.check(db, changed.list_id, suppressions.email_digest(changed.email))
    db.execute(
        """update subscribers set email = :email, email_key = :email_key, status = :status,
               bounce_type = :bounce_type, created_at_ms = :created_at_ms,
               subscription_ip = :subscription_ip, unsubscribed_at_ms = :unsubscribed_at_ms,
               unsubscription_ip = :unsubscription_ip where id = :id""",
        {
            "id": changed.id,
            "email": changed.email,
            "email_key": changed.email.casefold(),
            "status": changed.status,
            "bounce_type": changed.bounce_type,
            "created_at_ms": changed.created_at_ms,
            "subscription_ip": changed.subscription_ip,
            "unsubscribed_at_ms": changed.unsubscribed_at_ms,
            "unsubscription_ip": changed.unsubscription_ip,
        },
    )


def count_subscribers(db: sqlite3.Connection, list_id: int) -> int:
    row = db.execute(
        "select count(*) from subscribers where list_id = :list_id", {"list_id": list_id}
    )
    return int(row.fetchone()[0])


def point(
    db: sqlite3.Connection, visitor_id: int, subscriber_id: int | None, bound_by: int | None
) -> None:
    """Where a visitor points; `identity` decides, and keeps the journal."""
    db.execute(
        "update visitors set subscriber_id = :subscriber_id, bound_by = :bound_by where id = :id",
        {"id": visitor_id, "subscriber_id": subscriber_id, "bound_by": bound_by},
    )


def name_visitor(db: sqlite3.Connection, visitor: Visitor, external_id: str) -> None:
    """Keep the external id of a visitor who is nobody's yet. Raises Erased for that of somebody
    we were told to forget."""
    digest = suppressions.external_id_digest(external_id)
    suppressions.check(db, visitor.list_id, digest)
    db.execute(
        "update visitors set external_id = :external_id where id = :id",
        {"id": visitor.id, "external_id": external_id},
    )


def name_subscriber(db: sqlite3.Connection, subscriber_id: int, external_id: str) -> None:
    db.execute(
        "update subscribers set external_id = :external_id where id = :id",
        {"id": subscriber_id, "external_id": external_id},
    )


def uuid_text(uuid: bytes) -> str:
    return str(uuids.UUID(bytes=uuid))


def _visitor(row: sqlite3.Row) -> Visitor:
    return Visitor(
        row["id"],
        row["list_id"],
        uuids.UUID(bytes=row["uuid"]),
        row["subscriber_id"],
        row["bound_by"],
        row["external_id"],
    )


def _subscriber(row: sqlite3.Row) -> Subscriber:
    return Subscriber(
        row["id"],
        row["list_id"],
        row["email"],
        row["external_id"],
        row["created_at_ms"],
        row["status"],
        row["bounce_type"],
        row["subscription_ip"],
        row["unsubscribed_at_ms"],
        row["unsubscription_ip"],
    )
