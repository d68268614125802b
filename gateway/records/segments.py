"""Segments: whom of a list is meant, kept as rules and asked anew each time. Writes `segments`.

The rules are kept as they were written. One that names a segment names it on the same list, and
never comes back to itself; both are held when a segment is written, and when one is deleted.
"""

import dataclasses
import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gateway import clock
from gateway.errors import Problem, Refused
from gateway.events import criteria
from gateway.events.criteria import Criteria, FieldRule, SegmentRule
from gateway.records import criteria_sql, fields
from gateway.records.audience import Condition
from gateway.records.criteria_sql import Members
from gateway.records.fields import CustomField

OPERATIONS_A_LOOK = 1_000  # of SQLite's, between two looks at the clock
FORMAT = 1  # of `segments.rules`: JSON as `criteria.parse` reads it


@dataclass(frozen=True, slots=True)
class Segment:
    """`match_all`: all of the rules at the top must hold, else one of them. `sample_size`: only so
    many of those they hold for, drawn by `seed`, the same ones as long as they are meant."""

    id: int
    list_id: int
    name: str
    match_all: bool
    rules: list[Any]
    sample_size: int | None
    seed: int
    updated_at_ms: int

    @property
    def criteria(self) -> Criteria:
        """Raises Refused."""
        return criteria.parse(self.rules, match_all=self.match_all)


def create(
    db: sqlite3.Connection,
    list_id: int,
    *,
    name: str,
    rules: list[Any],
    match_all: bool,
    sample_size: int | None = None,
    now_ms: int,
) -> Segment:
    """Raises Refused (1004) for rules that say nothing."""
    made = Segment(
        id=0,
        list_id=list_id,
        name=name,
        match_all=match_all,
        rules=rules,
        sample_size=sample_size,
        seed=secrets.randbits(62),
        updated_at_ms=now_ms,
    )
    _check(db, made)
    row = db.execute(
        """insert into segments (list_id, name, match_all, format, rules, sample_size, seed,
               created_at_ms, updated_at_ms)
           values (:list_id, :name, :match_all, :format, :rules, :sample_size, :seed,
               :updated_at_ms, :updated_at_ms) returning *""",
        _row(made),
    )
    return _segment(row.fetchone())


def change(db: sqlite3.Connection, segment: Segment) -> None:
    """Write a segment's facts over the ones it had. Raises Refused (1004)."""
    _check(db, segment)
    db.execute(
        """update segments set name = :name, match_all = :match_all, format = :format,
               rules = :rules, sample_size = :sample_size, updated_at_ms = :updated_at_ms
           where id = :id""",
        _row(segment),
    )


def are_there(db: sqlite3.Connection) -> bool:
    """Whether anybody keeps one, on any list."""
    return db.execute("select 1 from segments limit 1").fetchone() is not None


def get(db: sqlite3.Connection, segment_id: int) -> Segment | None:
    row = db.execute("select * from segments where id = :id", {"id": segment_id}).fetchone()
    return _segment(row) if row else None


def of_list(db: sqlite3.Connection, list_id: int) -> list[Segment]:
    rows = db.execute(
        "select * from segments where list_id = :list_id order by id", {"list_id": list_id}
    )
    return [_segment(row) for row in rows]


def delete(db: sqlite3.Connection, deleted: Collection[Segment]) -> None:
    """Raises Refused (1004) where one that stays names one that goes."""
    ids = {segment.id for segment in deleted}
    for list_id in {segment.list_id for segment in deleted}:
        for other in of_list(db, list_id):
            named = ids & _named_by(other)
            if named and other.id not in ids:
                raise _refused(
                    f"Segment {min(named)} is named by segment {other.id}: change that one first."
                )
    db.executemany("delete from segments where id = :id", [{"id": each} for each in ids])


def copy(db: sqlite3.Connection, source_id: int, target_id: int, now_ms: int) -> list[Segment]:
    """All segments of a list, on another one. Custom fields are found there by alias, else by
    name. Raises Refused (1004) for one that is not there."""
    originals = of_list(db, source_id)
    field_ids = _counterparts(fields.of_list(db, source_id), fields.of_list(db, target_id))
    copies: dict[int, Segment] = {}
    for each in originals:
        copies[each.id] = create(
            db,
            target_id,
            name=each.name,
            rules=[],
            match_all=each.match_all,
            sample_size=each.sample_size,
            now_ms=now_ms,
        )
    segment_ids = {original: made.id for original, made in copies.items()}
    for each in originals:
        rules = _rewritten(each, each.rules, field_ids, segment_ids)
        change(db, dataclasses.replace(copies[each.id], rules=rules))
    return of_list(db, target_id)[-len(originals) :] if originals else []


def condition(
    db: sqlite3.Connection, segment: Segment, *, subscriber_id: int | None = None
) -> Condition:
    """Whom the segment means now; to be used in the same transaction. Raises Refused (1004) for
    one that the list has changed under."""
    members = Members(segment.criteria, segment.sample_size, segment.seed)
    return _condition(db, segment.list_id, members, subscriber_id)


def condition_of(db: sqlite3.Connection, list_id: int, wanted: Criteria) -> Condition:
    """Whom of a list criteria mean that are no segment's. As `condition`."""
    return _condition(db, list_id, Members(wanted), None)


def means(db: sqlite3.Connection, list_id: int, wanted: Criteria, subscriber_id: int) -> bool:
    """Whether criteria that are no segment's hold for one person. Raises Refused as `condition`."""
    return _holds(db, _condition(db, list_id, Members(wanted), subscriber_id), subscriber_id)


def among(
    db: sqlite3.Connection, list_id: int, wanted: Criteria, subscriber_ids: Collection[int]
) -> set[int]:
    """Those of these people whom criteria mean that are no segment's. Raises as `condition`."""
    meant = _condition(db, list_id, Members(wanted), None)
    rows = db.execute(
        f"""select id from subscribers
            where id in (select value from json_each(:subscriber_ids)) and ({meant.sql})""",  # noqa: S608
        {**meant.values, "subscriber_ids": json.dumps([*subscriber_ids])},
    )
    return {row["id"] for row in rows}


def of_subscriber(db: sqlite3.Connection, list_id: int, subscriber_id: int) -> list[Segment]:
    """The segments that mean this person now."""
    return [segment for segment in of_list(db, list_id) if _means(db, segment, subscriber_id)]


def of_subscriber_within(
    db: sqlite3.Connection, list_id: int, subscriber_id: int, seconds: float
) -> tuple[list[Segment], list[Segment]]:
    """As `of_subscriber`, as far as it can be told in this time; and the segments that were not
    asked to the end, for somebody may have a very long history."""
    until_s = time.monotonic() + seconds
    found: list[Segment] = []
    left = of_list(db, list_id)
    db.set_progress_handler(lambda: time.monotonic() > until_s, OPERATIONS_A_LOOK)
    try:
        while left:
            if _means(db, left[0], subscriber_id):
                found.append(left[0])
            left.pop(0)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
    finally:
        db.set_progress_handler(None, 0)
    return found, left


def _means(db: sqlite3.Connection, segment: Segment, subscriber_id: int) -> bool:
    try:
        wanted = condition(db, segment, subscriber_id=subscriber_id)
    except Refused:  # a field it speaks of is gone: it means nobody
        return False
    return _holds(db, wanted, subscriber_id)


def _holds(db: sqlite3.Connection, wanted: Condition, subscriber_id: int) -> bool:
    row = db.execute(
        f"select 1 from subscribers where id = :subscriber_id and ({wanted.sql})",  # noqa: S608
        {**wanted.values, "subscriber_id": subscriber_id},
    )
    return row.fetchone() is not None


def _condition(
    db: sqlite3.Connection, list_id: int, members: Members, subscriber_id: int | None
) -> Condition:
    known = {segment.id: segment for segment in of_list(db, list_id)}

    def named(segment_id: int) -> Members | None:
        found = known.get(segment_id)
        return Members(found.criteria, found.sample_size, found.seed) if found else None

    return criteria_sql.condition(
        db,
        list_id,
        members,
        named=named,
        now_ms=clock.now_ms(),
        subscriber_id=subscriber_id,
    )


def _check(db: sqlite3.Connection, segment: Segment) -> None:
    """That the rules can be read, and that all they name is there and does not lead back."""
    field_ids = {field.id for field in fields.of_list(db, segment.list_id)}
    others = {other.id: other for other in of_list(db, segment.list_id)}
    for rule in criteria.rules(segment.criteria):
        if isinstance(rule, FieldRule):
            criteria_sql.check_field(rule, field_ids)
        elif isinstance(rule, SegmentRule):
            criteria_sql.check_segment(rule, others)
            if segment.id in _reached(rule.segment_id, others):
                raise _refused(
                    f"Invalid {rule.path}.value: segment {rule.segment_id} is made of this one."
                )


def _reached(segment_id: int, others: Mapping[int, Segment]) -> set[int]:
    """The segment and all it names, and all those name."""
    reached: set[int] = set()
    ahead = [segment_id]
    while ahead:
        each = ahead.pop()
        if each not in reached:
            reached.add(each)
            ahead += _named_by(others[each]) if each in others else []
    return reached


def _named_by(segment: Segment) -> set[int]:
    return {
        rule.segment_id
        for rule in criteria.rules(segment.criteria)
        if isinstance(rule, SegmentRule)
    }


def _counterparts(source: list[CustomField], target: list[CustomField]) -> dict[int, int]:
    """Field id on the one list → on the other."""
    by_alias = {field.alias.casefold(): field.id for field in target if field.alias}
    by_name = {field.name.casefold(): field.id for field in target}
    found = {
        field.id: by_alias.get(field.alias.casefold()) or by_name.get(field.name.casefold())
        for field in source
    }
    return {field_id: other for field_id, other in found.items() if other}


def _rewritten(
    segment: Segment, rules: list[Any], field_ids: Mapping[int, int], segment_ids: Mapping[int, int]
) -> list[Any]:
    """The rules with the other list's ids in them."""
    rewritten: list[Any] = []
    for rule in rules:
        if isinstance(rule, list):
            rewritten.append(_rewritten(segment, rule, field_ids, segment_ids))
            continue
        (read,) = criteria.rules(criteria.parse([rule]))
        if isinstance(read, SegmentRule):
            rule = {**rule, "value": segment_ids[read.segment_id]}
        elif isinstance(read, FieldRule) and isinstance(read.field, int):
            if read.field not in field_ids:
                raise _refused(
                    f"Segment {segment.name!r} speaks of field {read.field}, which the target "
                    "list has not: make one of the same name there first."
                )
            rule = {**rule, "field_id": field_ids[read.field]}
        rewritten.append(rule)
    return rewritten


def _row(segment: Segment) -> dict[str, Any]:
    return {
        **dataclasses.asdict(segment),
        "match_all": int(segment.match_all),
        "format": FORMAT,
        "rules": json.dumps(segment.rules),
    }


def _segment(row: sqlite3.Row) -> Segment:
    return Segment(
        row["id"],
        row["list_id"],
        row["name"],
        bool(row["match_all"]),
        json.loads(row["rules"]),
        row["sample_size"],
        row["seed"],
        row["updated_at_ms"],
    )


def _refused(what: str) -> Refused:
    return Refused(Problem(1004, what))
