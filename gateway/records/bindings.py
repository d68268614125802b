"""The journal of bindings: every change of whom a visitor is, its cause, its evidence, what it was
before and after. Writes `bindings`. What it says can be told (`story`) and taken back (`undo`).
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gateway.errors import Problem, Refused
from gateway.records import people
from gateway.records.people import Visitor

ALL = -1  # of rows: no limit


class By(IntEnum):
    """How sure a binding is."""

    IDENTIFY = 1
    CLICK = 2


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry. The subscribers are shown by address; None is nobody."""

    id: int
    at_ms: int
    cause: str
    visitor: str
    before: str | None
    after: str | None
    evidence: dict[str, Any]
    undoes: int | None
    undone_by: int | None


def change(
    db: sqlite3.Connection,
    visitor: Visitor,
    subscriber_id: int | None,
    bound_by: int | None,
    *,
    cause: str,
    evidence: Mapping[str, Any],
    at_ms: int,
    undoes: int | None = None,
) -> int:
    """Point the visitor elsewhere, and write down why. The entry's id."""
    people.point(db, visitor.id, subscriber_id, bound_by)
    made = db.execute(
        """insert into bindings (list_id, visitor_id, cause, evidence, subscriber_before,
               bound_by_before, subscriber_after, bound_by_after, undoes, at_ms)
           values (:list_id, :visitor_id, :cause, :evidence, :subscriber_before,
               :bound_by_before, :subscriber_after, :bound_by_after, :undoes, :at_ms)""",
        {
            "list_id": visitor.list_id,
            "visitor_id": visitor.id,
            "cause": cause,
            "evidence": json.dumps(dict(evidence)),
            "subscriber_before": visitor.subscriber_id,
            "bound_by_before": visitor.bound_by,
            "subscriber_after": subscriber_id,
            "bound_by_after": bound_by,
            "undoes": undoes,
            "at_ms": at_ms,
        },
    )
    assert made.lastrowid is not None
    return made.lastrowid


def undo(db: sqlite3.Connection, binding_id: int, now_ms: int) -> Binding:
    """Put a visitor back to what it was before an entry. The entry this makes.

    Raises Refused when there is no such entry, when it is undone already or an undo itself, and
    when a later one stands: those are taken back first, newest to oldest.
    """
    row = db.execute("select * from bindings where id = :id", {"id": binding_id}).fetchone()
    if row is None:
        raise Refused(Problem(1001, f"There is no binding {binding_id}."))
    if row["undoes"] is not None:
        raise Refused(Problem(1002, f"Binding {binding_id} is itself the undoing of another."))
    standing = db.execute(
        """select max(id) from bindings b where visitor_id = :visitor_id and undoes is null
               and not exists (select 1 from bindings u where u.undoes = b.id)""",
        {"visitor_id": row["visitor_id"]},
    ).fetchone()[0]
    if standing is None or standing < binding_id:
        raise Refused(Problem(1003, f"Binding {binding_id} is undone already."))
    if standing > binding_id:
        raise Refused(
            Problem(1004, f"Binding {standing} of this visitor came later: undo it first.")
        )
    made = change(
        db,
        people.visitor(db, row["visitor_id"]),
        row["subscriber_before"],
        row["bound_by_before"],
        cause="undo",
        evidence={},
        at_ms=now_ms,
        undoes=binding_id,
    )
    return _entries(db, "b.id = :id", {"id": made})[0]


def is_on_list(db: sqlite3.Connection, list_id: int, binding_id: int) -> bool:
    row = db.execute(
        "select 1 from bindings where id = :id and list_id = :list_id",
        {"id": binding_id, "list_id": list_id},
    )
    return row.fetchone() is not None


def may_undo(story: Sequence[Binding]) -> set[int]:
    """Which entries of a story `undo` would take back: of each browser the newest that stands."""
    newest = {each.visitor: each.id for each in story if not (each.undoes or each.undone_by)}
    return set(newest.values())


def of_visitor(
    db: sqlite3.Connection, list_id: int, uuid: bytes, newest: int = ALL
) -> list[Binding]:
    """A browser's story, oldest first; so many of the newest entries."""
    where = "b.list_id = :list_id and v.uuid = :uuid"
    return _entries(db, where, {"list_id": list_id, "uuid": uuid}, newest)


def of_subscriber(db: sqlite3.Connection, subscriber_id: int, newest: int = ALL) -> list[Binding]:
    """The stories of all browsers that were ever bound to a person, oldest first; as above."""
    where = """b.visitor_id in (
        select visitor_id from bindings where subscriber_after = :id
        union select visitor_id from bindings where subscriber_before = :id)"""
    return _entries(db, where, {"id": subscriber_id}, newest)


def of_event(
    db: sqlite3.Connection, list_id: int, uuid: bytes, event_ids: Sequence[str]
) -> list[Binding]:
    """What these events have changed of whom a browser is, oldest first."""
    where = """b.list_id = :list_id and v.uuid = :uuid and json_extract(b.evidence, '$.event_id')
        in (select value from json_each(:event_ids))"""
    return _entries(
        db, where, {"list_id": list_id, "uuid": uuid, "event_ids": json.dumps(list(event_ids))}
    )


def latest(db: sqlite3.Connection, visitor_id: int) -> Binding | None:
    """The entry that has made a browser whose it is."""
    where = "b.id = (select max(id) from bindings where visitor_id = :id)"
    found = _entries(db, where, {"id": visitor_id})
    return found[0] if found else None


def bound_at(db: sqlite3.Connection, list_id: int, uuid: bytes, at_ms: int) -> int | None:
    """The subscriber a browser was bound to at an instant: the last entry up to then says after
    it, else the first later one before it, else the browser is what it has always been."""
    row = db.execute(
        """select subscriber_id,
               (select max(id) from bindings b where visitor_id = v.id and at_ms <= :at_ms) as last,
               (select min(id) from bindings b where visitor_id = v.id and at_ms > :at_ms) as next
           from visitors v where list_id = :list_id and uuid = :uuid""",
        {"list_id": list_id, "uuid": uuid, "at_ms": at_ms},
    ).fetchone()
    if row is None:
        return None
    entry = db.execute(
        "select * from bindings where id = :id", {"id": row["last"] or row["next"]}
    ).fetchone()
    if entry is None:
        found = row["subscriber_id"]
    else:
        found = entry["subscriber_after" if row["last"] else "subscriber_before"]
    return None if found is None else int(found)


def _entries(
    db: sqlite3.Connection, where: str, values: Mapping[str, Any], newest: int = ALL
) -> list[Binding]:
    rows = db.execute(
        f"""select b.*, v.uuid, before.email as email_before, after.email as email_after,
                   (select id from bindings u where u.undoes = b.id) as undone_by
            from bindings b
            join visitors v on v.id = b.visitor_id
            left join subscribers before on before.id = b.subscriber_before
            left join subscribers after on after.id = b.subscriber_after
            where {where} order by b.id desc limit :newest""",  # noqa: S608 - one of the texts above
        {**values, "newest": newest},
    )
    found = [
        Binding(
            id=row["id"],
            at_ms=row["at_ms"],
            cause=row["cause"],
            visitor=people.uuid_text(row["uuid"]),
            before=row["email_before"],
            after=row["email_after"],
            evidence=json.loads(row["evidence"]),
            undoes=row["undoes"],
            undone_by=row["undone_by"],
        )
        for row in rows
    ]
    return found[::-1]
